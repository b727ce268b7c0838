"""The server: one endpoint on loopback, what it notes down, and how it ends."""

import json
import socket
import urllib.request

import pytest
from botocore.exceptions import ClientError

from local_aws import environment, server
from local_aws.runtime import functions
from local_aws.services import events


def page(aws, name):
    with urllib.request.urlopen(f"{aws.endpoint_url}/_local_aws/{name}", timeout=60) as answer:
        return json.loads(answer.read())


def test_what_a_plain_account_has_is_there(aws):
    assert aws.client("ecs").list_clusters()["clusterArns"] == ["arn:aws:ecs:us-east-1:123456789012:cluster/default"]
    vpcs = aws.client("ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    assert len(vpcs) == 1
    assert aws.client("ec2").describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpcs[0]["VpcId"]]}])["Subnets"]
    assert aws.client("sts").get_caller_identity()["Account"] == "123456789012"


def test_health_tells_the_stacks_and_the_pace(aws):
    health = page(aws, "health")
    assert health["status"] == "running"
    assert health["speed"] == 200
    assert health["stacks"] == {"fixture": "CREATE_COMPLETE"}


def test_an_unknown_page_names_the_known_ones(aws):
    with pytest.raises(urllib.error.HTTPError) as refused:
        page(aws, "nothing")
    assert refused.value.code == 404
    assert "invocations" in json.loads(refused.value.read())["known"]


def test_write_calls_are_noted_with_who_made_them(aws, invoke):
    before = page(aws, "calls")["cursor"]
    invoke(do="record", key="noted")
    aws.client("dynamodb").describe_table(TableName=aws.outputs["Table"])
    calls = page(aws, f"calls?since={before}&service=dynamodb")["calls"]
    mine = [call for call in calls if "noted" in json.dumps(call["request"])]
    assert [(call["operation"], call["caller"], call["status"]) for call in mine] == [
        ("PutItem", aws.outputs["Worker"], 200)
    ]
    assert "DescribeTable" not in [call["operation"] for call in calls]
    with_reads = page(aws, f"calls?since={before}&service=dynamodb&reads=1")["calls"]
    assert ("DescribeTable", "client") in [(call["operation"], call["caller"]) for call in with_reads]


def test_a_refused_call_is_noted_with_its_error(aws):
    before = page(aws, "calls")["cursor"]
    with pytest.raises(ClientError):
        aws.client("vpc-lattice").delete_service(serviceIdentifier="svc-0123456789abcdef0")
    calls = page(aws, f"calls?since={before}&service=vpc-lattice")["calls"]
    mine = [(call["status"], call["error"]) for call in calls if call["operation"] == "DeleteService"]
    assert mine == [(404, "ResourceNotFoundException")]


def test_invocations_and_events_are_noted_from_a_cursor_on(aws, invoke):
    first = page(aws, "invocations")["cursor"]
    invoke(do="nothing")
    later = page(aws, f"invocations?since={first}")
    mine = [one for one in later["invocations"] if one["source"] == "invoke"]
    assert mine[0]["function"] == aws.outputs["Worker"]
    assert mine[0]["error"] is None
    assert later["cursor"] > first
    seen = page(aws, "events")["cursor"]
    events().publish("aws.test", "Something", [], {"n": 1})
    published = page(aws, f"events?since={seen}")["events"]
    assert [event["detail"] for event in published if event["source"] == "aws.test"] == [{"n": 1}]


def test_it_speaks_http_1_1(aws):
    host, port = aws.endpoint_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(b"GET /_local_aws/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(("name", "value"), [("LOCAL_AWS_PORT", "many"), ("LOCAL_AWS_PORT", "70000")])
def test_a_port_that_is_none_is_refused_by_name(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=f"{name} is '{value}'"):
        environment.port()


@pytest.mark.parametrize("value", ["fast", "0", "-1", "1001", "nan"])
def test_a_speed_that_is_none_is_refused_by_name(monkeypatch, value):
    monkeypatch.setenv("LOCAL_AWS_SPEED", value)
    with pytest.raises(ValueError, match=f"LOCAL_AWS_SPEED is '{value}'"):
        environment.speed()


@pytest.mark.parametrize("value", ["many", "0", "101", "-3"])
def test_a_concurrency_that_is_none_is_refused_by_name(monkeypatch, value):
    monkeypatch.setenv("LOCAL_AWS_CONCURRENCY", value)
    with pytest.raises(ValueError, match=f"LOCAL_AWS_CONCURRENCY is '{value}'"):
        functions.environments_from_environment()


def test_a_second_one_in_the_same_process_is_refused_and_does_no_harm(aws, state):
    with pytest.raises(RuntimeError, match="already"):
        server.start(state_dir=state)
    assert page(aws, "health")["stacks"] == {"fixture": "CREATE_COMPLETE"}
