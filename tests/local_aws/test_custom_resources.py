"""Custom resources in stacks of the local AWS: what a function is asked, what it may answer, and what follows.

The function tells a receiver of the test what it was asked, and answers as the receiver says: every request and every
answer goes over real HTTP.
"""

import io
import json
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
import urllib3
from botocore.exceptions import ClientError

from ecs_lattice.aws.stacks import BotoStacks
from ecs_lattice.custom_resource.verification import StackResource
from ecs_lattice.errors import DeniedError
from local_aws import server
from local_aws.stack import custom_responses

SPEED = 200.0
HANDLER = """
import json, os, urllib.request

def send(url, body, method, headers):
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        return str(error.code).encode()

def handler(event, context):
    told = send(os.environ["RECEIVER"], json.dumps(event).encode(), "POST", {"Content-Type": "application/json"})
    for answer in json.loads(told):
        send(event["ResponseURL"], answer.encode(), "PUT", {"Content-Type": ""})
"""
Reply = Callable[[dict[str, Any]], Any]


def reply(request: dict[str, Any], status: str = "SUCCESS", **more: Any) -> dict[str, Any]:
    """An answer that is right."""
    answer = {name: request[name] for name in ("RequestId", "StackId", "LogicalResourceId")}
    known = request.get("PhysicalResourceId", "thing-1")
    return {**answer, "Status": status, "PhysicalResourceId": known, "Data": {}, **more}


class Receiver:
    """What the function was asked, in order, and how it shall answer: a reply, several, raw text, or none."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answer: Reply = reply
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.asked.append(request)
                said = receiver.answer(request)
                several = said if isinstance(said, list) else [said]
                body = json.dumps([each if isinstance(each, str) else json.dumps(each) for each in several]).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def kinds(self) -> list[tuple[str, str]]:
        """(RequestType, PhysicalResourceId or what it is called) of each request."""
        return [(each["RequestType"], each.get("PhysicalResourceId", "")) for each in self.asked]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


@pytest.fixture(scope="module")
def aws(tmp_path_factory, receiver: Receiver) -> Iterator[server.LocalAws]:
    with server.running(speed=SPEED, state_dir=tmp_path_factory.mktemp("state")) as running:
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("app.py", HANDLER)
        role = running.client("iam").create_role(RoleName="custom", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        running.client("lambda").create_function(
            FunctionName="custom",
            Runtime="python3.13",
            Role=role,
            Handler="app.handler",
            Timeout=2,
            Code={"ZipFile": code.getvalue()},
            Environment={"Variables": {"RECEIVER": receiver.url}},
        )
        yield running


@pytest.fixture
def stacks(aws: server.LocalAws, receiver: Receiver, request: pytest.FixtureRequest) -> "Stacks":
    receiver.asked.clear()
    receiver.answer = reply
    return Stacks(aws, receiver, f"s{abs(hash(request.node.name))}")


class Stacks:
    """One stack of one test."""

    def __init__(self, aws: server.LocalAws, receiver: Receiver, name: str) -> None:
        self.aws, self.receiver, self.name = aws, receiver, name
        self.api = aws.client("cloudformation")
        function = aws.client("lambda").get_function(FunctionName="custom")["Configuration"]
        self.token = function["FunctionArn"]

    def thing(self, type_: str = "Custom::Thing", **properties: Any) -> dict[str, Any]:
        return {"Type": type_, "Properties": {"ServiceToken": self.token, **properties}}

    def create(self, resources: dict[str, Any], outputs: dict[str, Any] | None = None, **more: Any) -> str:
        self.api.create_stack(StackName=self.name, TemplateBody=template(resources, outputs, **more))
        return self.settled()

    def update(self, resources: dict[str, Any], outputs: dict[str, Any] | None = None, **more: Any) -> str:
        self.api.update_stack(StackName=self.name, TemplateBody=template(resources, outputs, **more))
        return self.settled()

    def delete(self) -> str:
        identifier = self.described()["StackId"]
        self.api.delete_stack(StackName=self.name)
        return self.settled(identifier)

    def settled(self, name: str | None = None) -> str:
        """The status when nothing goes on any more."""
        deadline = time.monotonic() + 200
        while (status := self.described(name)["StackStatus"]).endswith("_IN_PROGRESS"):
            assert time.monotonic() < deadline, status
            time.sleep(0.02)
        return status

    def described(self, name: str | None = None) -> dict[str, Any]:
        return self.api.describe_stacks(StackName=name or self.name)["Stacks"][0]

    def outputs(self) -> dict[str, str]:
        return {each["OutputKey"]: each["OutputValue"] for each in self.described().get("Outputs", ())}

    def events(self, logical: str | None = None) -> list[tuple[str, str]]:
        """(status, reason) of a resource, or of the stack, oldest first."""
        found = self.api.describe_stack_events(StackName=self.described()["StackId"])["StackEvents"]
        return [
            (each["ResourceStatus"], each.get("ResourceStatusReason", ""))
            for each in reversed(found)
            if each["LogicalResourceId"] == (logical or self.name)
        ]


def template(resources: dict[str, Any], outputs: dict[str, Any] | None = None, **more: Any) -> str:
    told = {name: {"Value": value} for name, value in (outputs or {}).items()}
    return json.dumps({"Resources": resources, **({"Outputs": told} if told else {}), **more})


def test_create_update_and_delete_ask_what_cloudformation_asks(stacks: Stacks) -> None:
    stacks.receiver.answer = lambda request: reply(request, Data={"Size": 3, "Nested": {"Is": True}})
    properties = {"Count": 3, "On": True, "List": [1, {"Deep": False}], "ServiceTimeout": 60}
    assert stacks.create({"Thing": stacks.thing(**properties)}) == "CREATE_COMPLETE"
    (create,) = stacks.receiver.asked
    assert create.pop("ResponseURL").startswith(stacks.aws.endpoint_url + "/cloudformation-custom-resource-response/")
    said = {"Count": "3", "On": "true", "List": ["1", {"Deep": "false"}], "ServiceTimeout": "60"}
    said["ServiceToken"] = stacks.token
    assert create == {
        "RequestType": "Create",
        "RequestId": create["RequestId"],
        "StackId": stacks.described()["StackId"],
        "LogicalResourceId": "Thing",
        "ResourceType": "Custom::Thing",
        "ServiceToken": stacks.token,
        "ResourceProperties": said,
    }
    assert stacks.update({"Thing": stacks.thing(**{**properties, "Count": 4})}) == "UPDATE_COMPLETE"
    update = stacks.receiver.asked[1]
    assert (update["RequestType"], update["PhysicalResourceId"]) == ("Update", "thing-1")
    assert update["OldResourceProperties"] == said
    assert update["ResourceProperties"] == {**said, "Count": "4"}
    assert update["RequestId"] != create["RequestId"]
    assert stacks.delete() == "DELETE_COMPLETE"
    delete = stacks.receiver.asked[2]
    assert (delete["RequestType"], delete["PhysicalResourceId"]) == ("Delete", "thing-1")
    assert delete["ResourceProperties"] == {**said, "Count": "4"}
    assert "OldResourceProperties" not in delete
    assert len(stacks.receiver.asked) == 3


def test_ref_is_the_physical_id_and_getatt_the_data(stacks: Stacks) -> None:
    stacks.receiver.answer = lambda request: reply(
        request,
        PhysicalResourceId=f"id-of-{request['LogicalResourceId']}",
        Data={"Size": 3, "Names": ["a", "b"], "On": True},
    )
    first = stacks.thing("AWS::CloudFormation::CustomResource")
    second = stacks.thing(Of={"Ref": "First"}, Size={"Fn::GetAtt": ["First", "Size"]})
    outputs = {"Id": {"Ref": "Second"}, "On": {"Fn::GetAtt": "First.On"}}
    outputs["Names"] = {"Fn::Join": ["-", {"Fn::GetAtt": ["First", "Names"]}]}
    assert stacks.create({"Second": second, "First": first}, outputs) == "CREATE_COMPLETE"
    assert [each["LogicalResourceId"] for each in stacks.receiver.asked] == ["First", "Second"]
    asked = stacks.receiver.asked[1]["ResourceProperties"]
    assert (asked["Of"], asked["Size"]) == ("id-of-First", "3")
    assert stacks.outputs() == {"Id": "id-of-Second", "On": "true", "Names": "a-b"}
    listed = stacks.api.describe_stack_resources(StackName=stacks.name)["StackResources"]
    assert {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in listed} == {
        "First": "id-of-First", "Second": "id-of-Second",
    }  # fmt: skip
    stacks.receiver.asked.clear()
    assert stacks.delete() == "DELETE_COMPLETE"
    assert [each["LogicalResourceId"] for each in stacks.receiver.asked] == ["Second", "First"]


def test_an_attribute_that_no_answer_had_fails_the_stack(stacks: Stacks) -> None:
    user = stacks.thing(Size={"Fn::GetAtt": ["First", "Size"]})
    assert stacks.create({"First": stacks.thing(), "Second": user}) == "ROLLBACK_COMPLETE"
    assert "Vendor response doesn't contain Size attribute" in stacks.events("Second")[-1][1]
    assert stacks.receiver.kinds() == [("Create", ""), ("Delete", "thing-1")]


def test_a_call_is_answered_before_the_resource_and_reading_makes_nothing(stacks: Stacks) -> None:
    go = threading.Event()

    def late(request: dict[str, Any]) -> dict[str, Any]:
        go.wait(60)
        return reply(request, Data={"Size": 1})

    stacks.receiver.answer = late
    resources = {"Thing": stacks.thing(), "Topic": {"Type": "AWS::SNS::Topic", "DependsOn": "Thing"}}
    outputs = {"Size": {"Fn::GetAtt": ["Thing", "Size"]}}
    stacks.api.create_stack(StackName=stacks.name, TemplateBody=template(resources, outputs))
    described = stacks.described()
    assert (described["StackStatus"], described.get("Outputs", [])) == ("CREATE_IN_PROGRESS", [])
    assert stacks.api.describe_stack_resources(StackName=stacks.name)["StackResources"] == []
    for refused in (
        lambda: stacks.update({"Thing": stacks.thing()}),
        lambda: stacks.api.delete_stack(StackName=stacks.name),
    ):
        with pytest.raises(ClientError, match="is in CREATE_IN_PROGRESS state and can not be"):
            refused()
    go.set()
    assert stacks.settled() == "CREATE_COMPLETE"
    assert (stacks.outputs(), len(stacks.receiver.asked)) == ({"Size": "1"}, 1)


def test_failed_rolls_the_creation_back_with_its_reason_and_deletes_what_it_named(stacks: Stacks) -> None:
    def fail(request: dict[str, Any]) -> dict[str, Any]:
        failing = request["LogicalResourceId"] == "Second" and request["RequestType"] == "Create"
        name = f"id-of-{request['LogicalResourceId']}"
        return reply(request, "FAILED" if failing else "SUCCESS", Reason="the group is full", PhysicalResourceId=name)

    stacks.receiver.answer = fail
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": stacks.name}}
    second = {**stacks.thing(), "DependsOn": ["First", "Topic"]}
    assert stacks.create({"Topic": topic, "First": stacks.thing(), "Second": second}) == "ROLLBACK_COMPLETE"
    assert [(each["LogicalResourceId"], *kind) for each, kind in zip(
        stacks.receiver.asked, stacks.receiver.kinds(), strict=True
    )] == [
        ("First", "Create", ""), ("Second", "Create", ""), ("Second", "Delete", "id-of-Second"),
        ("First", "Delete", "id-of-First"),
    ]  # fmt: skip
    told = f"Message returned: the group is full (RequestId: {stacks.receiver.asked[1]['RequestId']})"
    reason = f"Received response status [FAILED] from custom resource. {told}"
    assert stacks.events("Second")[1] == ("CREATE_FAILED", reason)
    assert ("ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Second]. ") in stacks.events()
    topics = stacks.aws.client("sns").list_topics()["Topics"]
    assert not [each for each in topics if each["TopicArn"].endswith(stacks.name)]
    with pytest.raises(ClientError, match="is in ROLLBACK_COMPLETE state and can not be updated"):
        stacks.update({"First": stacks.thing()})
    stacks.receiver.asked.clear()
    assert (stacks.delete(), stacks.receiver.asked) == ("DELETE_COMPLETE", [])


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("no JSON", "not a JSON object"),
        ("[]", "not a JSON object"),
        ({"PhysicalResourceId": ""}, "Invalid PhysicalResourceId"),
        ({"PhysicalResourceId": None}, "Invalid PhysicalResourceId"),
        ({"PhysicalResourceId": "x" * 1025}, "Invalid PhysicalResourceId"),
        ({"RequestId": "another"}, "no RequestId that matches"),
        ({"StackId": None}, "no StackId that matches"),
        ({"LogicalResourceId": "Other"}, "no LogicalResourceId that matches"),
        ({"Status": "DONE"}, "no Status that matches"),
        ({"Data": [1]}, "Data of the response is not an object"),
        ({"Data": {"Long": "x" * 4096}}, "Response object is too long."),
        ({"Status": "FAILED", "Reason": None}, "no Reason given"),
    ],
    ids=lambda value: None if isinstance(value, str) else str(value)[:30],
)
def test_a_wrong_answer_fails_the_stack_with_what_is_wrong(stacks: Stacks, wrong: Any, reason: str) -> None:
    stacks.receiver.answer = lambda request: (
        reply(request)
        if request["RequestType"] == "Delete"
        else wrong
        if isinstance(wrong, str)
        else reply(request, **wrong)
    )
    assert stacks.create({"Thing": stacks.thing()}) == "ROLLBACK_COMPLETE"
    assert reason in stacks.events("Thing")[1][1]


def test_an_answer_of_4096_bytes_is_taken(stacks: Stacks) -> None:
    def longest(request: dict[str, Any]) -> str:
        short = len(json.dumps(reply(request, Data={"Long": ""})))
        text = json.dumps(reply(request, Data={"Long": "x" * (4096 - short)}))
        assert len(text) == 4096
        return text

    stacks.receiver.answer = longest
    assert stacks.create({"Thing": stacks.thing()}) == "CREATE_COMPLETE"


def test_the_first_answer_counts(stacks: Stacks) -> None:
    stacks.receiver.answer = lambda request: [
        reply(request, PhysicalResourceId="first"),
        reply(request, "FAILED", Reason="too late", PhysicalResourceId="second"),
    ]
    assert stacks.create({"Thing": stacks.thing()}, {"Id": {"Ref": "Thing"}}) == "CREATE_COMPLETE"
    assert stacks.outputs() == {"Id": "first"}


def test_an_answer_is_not_replaced_before_it_is_read() -> None:
    waiting = custom_responses.PendingResponse({})
    waiting.answered(b"first")
    waiting.answered(b"second")
    assert (waiting.body, waiting.done.is_set()) == (b"first", True)


def test_no_answer_is_a_failure_when_the_service_timeout_has_passed(stacks: Stacks) -> None:
    stacks.receiver.answer = lambda request: reply(request) if request["RequestType"] == "Delete" else []
    began = time.monotonic()
    assert stacks.create({"Thing": stacks.thing(ServiceTimeout=400)}) == "ROLLBACK_COMPLETE"
    assert time.monotonic() - began >= 2
    request = stacks.receiver.asked[0]
    assert "did not receive a response from your Custom Resource" in stacks.events("Thing")[1][1]
    assert f"[{request['RequestId']}]" in stacks.events("Thing")[1][1]
    assert stacks.receiver.kinds()[-1][0] == "Delete"
    assert stacks.receiver.kinds()[-1][1].startswith(f"{stacks.name}-Thing-")


def test_a_fast_clock_gives_nobody_up_before_the_functions_own_time_out(stacks: Stacks) -> None:
    def slow(request: dict[str, Any]) -> dict[str, Any]:
        threading.Event().wait(0.6)  # real time, of the other end of a socket: longer than the service time-out
        return reply(request)

    stacks.receiver.answer = slow
    assert stacks.create({"Thing": stacks.thing(ServiceTimeout=1)}) == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:nobody"}, "nobody does not exist"),
        ({"ServiceToken": "arn:aws:sns:us-east-1:123456789012:topic"}, "is an SNS topic"),
        ({"ServiceToken": ""}, "Missing required property: ServiceToken"),
        ({"ServiceTimeout": "soon"}, "ServiceTimeout is 'soon'"),
        ({"ServiceTimeout": 3601}, "ServiceTimeout is '3601'"),
    ],
    ids=["no-function", "topic", "no-token", "word", "too-long"],
)
def test_a_resource_that_cannot_be_asked_for_fails(stacks: Stacks, properties: dict[str, Any], reason: str) -> None:
    stacks.create({"Thing": stacks.thing(**properties)})
    assert reason in stacks.events("Thing")[1][1]
    assert stacks.receiver.asked == []


def test_another_id_is_a_replacement_and_the_old_one_is_deleted_at_the_end(stacks: Stacks) -> None:
    stacks.receiver.answer = lambda request: reply(
        request, PhysicalResourceId=request.get("PhysicalResourceId")
        if request["RequestType"] == "Delete" else f"thing-{request['ResourceProperties']['Size']}",
    )  # fmt: skip
    user = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Thing"}}}
    outputs = {"Id": {"Ref": "Thing"}}
    stacks.create({"Thing": stacks.thing(Size=1), "Topic": user}, outputs)
    assert stacks.update({"Thing": stacks.thing(Size=2), "Topic": user}, outputs) == "UPDATE_COMPLETE"
    assert stacks.receiver.kinds() == [("Create", ""), ("Update", "thing-1"), ("Delete", "thing-1")]
    assert stacks.receiver.asked[2]["ResourceProperties"]["Size"] == "1"
    assert stacks.outputs() == {"Id": "thing-2"}
    statuses = [status for status, _ in stacks.events()]
    assert statuses[-2:] == ["UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"]
    stacks.delete()
    assert stacks.receiver.kinds()[3:] == [("Delete", "thing-2")]


def test_nothing_is_asked_of_a_resource_that_did_not_change(stacks: Stacks) -> None:
    stacks.create({"Thing": stacks.thing(Count=1)})
    topic = {"Type": "AWS::SNS::Topic"}
    assert stacks.update({"Thing": stacks.thing(Count=1), "Topic": topic}) == "UPDATE_COMPLETE"
    assert stacks.update({"Thing": stacks.thing(Count="1"), "Topic": topic}) == "UPDATE_COMPLETE"
    assert stacks.receiver.kinds() == [("Create", "")]


def test_what_a_template_no_longer_has_is_deleted_after_all_else(stacks: Stacks) -> None:
    stacks.receiver.answer = lambda request: reply(request, PhysicalResourceId=request["LogicalResourceId"])
    stacks.create({"Old": stacks.thing(), "Kept": stacks.thing(Of={"Ref": "Old"})})
    stacks.receiver.asked.clear()
    kept = {**stacks.thing(Of={"Ref": "New"})}
    assert stacks.update({"Kept": kept, "New": stacks.thing()}) == "UPDATE_COMPLETE"
    assert stacks.receiver.kinds() == [("Create", ""), ("Update", "Kept"), ("Delete", "Old")]
    listed = stacks.api.describe_stack_resources(StackName=stacks.name)["StackResources"]
    assert {each["LogicalResourceId"] for each in listed} == {"Kept", "New"}


def test_a_failed_update_is_rolled_back_by_updates_with_the_old_properties(stacks: Stacks) -> None:
    def fail(request: dict[str, Any]) -> dict[str, Any]:
        name = request["LogicalResourceId"]
        refused = name == "Second" and request["ResourceProperties"]["Size"] == "2"
        return reply(request, "FAILED" if refused else "SUCCESS", Reason="no", PhysicalResourceId=f"id-{name}")

    def resources(size: int, **more: Any) -> dict[str, Any]:
        later = {"Third": {**stacks.thing(Size=size), "DependsOn": "Second"}}
        return {
            "First": stacks.thing(Size=size),
            "Second": {**stacks.thing(Size=size), "DependsOn": "First"},
            **later,
            **more,
        }

    stacks.receiver.answer = fail
    outputs = {"Size": {"Fn::GetAtt": ["First", "Size"]}}
    stacks.receiver.answer = lambda request: {**fail(request), "Data": {"Size": request["ResourceProperties"]["Size"]}}
    assert stacks.create(resources(1), outputs) == "CREATE_COMPLETE"
    stacks.receiver.asked.clear()
    added = {**stacks.thing(Size=1)}
    assert stacks.update({"Added": added, **resources(2)}, outputs) == "UPDATE_ROLLBACK_COMPLETE"
    sizes = [
        (
            each["LogicalResourceId"], each["RequestType"],
            each.get("OldResourceProperties", {}).get("Size"), each["ResourceProperties"]["Size"],
        )
        for each in stacks.receiver.asked
    ]  # fmt: skip
    assert sizes == [
        ("Added", "Create", None, "1"),
        ("First", "Update", "1", "2"),
        ("Second", "Update", "1", "2"),
        ("First", "Update", "2", "1"),
        ("Second", "Update", "2", "1"),
        ("Added", "Delete", None, "1"),
    ]
    assert stacks.outputs() == {"Size": "1"}
    assert "Message returned: no" in dict(stacks.events("Second"))["UPDATE_FAILED"]
    stacks.receiver.asked.clear()
    assert stacks.update(resources(3), outputs) == "UPDATE_COMPLETE"
    assert {each["OldResourceProperties"]["Size"] for each in stacks.receiver.asked} == {"1"}


def test_a_rollback_after_a_replacement_deletes_the_new_id(stacks: Stacks) -> None:
    def fail(request: dict[str, Any]) -> dict[str, Any]:
        size, name = request["ResourceProperties"]["Size"], request["LogicalResourceId"]
        if request["RequestType"] == "Delete":
            return reply(request)
        refused = name == "Second" and size == "2"
        return reply(request, "FAILED" if refused else "SUCCESS", Reason="no", PhysicalResourceId=f"{name}-{size}")

    def resources(size: int) -> dict[str, Any]:
        return {"First": stacks.thing(Size=size), "Second": {**stacks.thing(Size=size), "DependsOn": "First"}}

    stacks.receiver.answer = fail
    stacks.create(resources(1))
    stacks.receiver.asked.clear()
    assert stacks.update(resources(2)) == "UPDATE_ROLLBACK_COMPLETE"
    deleted = [name for kind, name in stacks.receiver.kinds() if kind == "Delete"]
    assert deleted == ["First-2"]
    stacks.receiver.asked.clear()
    stacks.delete()
    assert stacks.receiver.kinds() == [("Delete", "Second-1"), ("Delete", "First-1")]


def test_a_rollback_leaves_alone_what_the_update_did_not_reach(stacks: Stacks) -> None:
    def resources(size: int) -> dict[str, Any]:
        tags = [{"Key": "size", "Value": str(size)}]
        properties = {"Name": stacks.name, "Tags": tags}
        group = {"Type": "AWS::Scheduler::ScheduleGroup", "Properties": properties, "DependsOn": "Thing"}
        return {"Thing": stacks.thing(Size=size), "Group": group}

    def fail(request: dict[str, Any]) -> dict[str, Any]:
        refused = request["ResourceProperties"]["Size"] == "2"
        return reply(request, "FAILED" if refused else "SUCCESS", Reason="no")

    stacks.receiver.answer = fail
    scheduler = stacks.aws.client("scheduler")
    stacks.create(resources(1))
    made = scheduler.get_schedule_group(Name=stacks.name)["CreationDate"]
    assert stacks.update(resources(2)) == "UPDATE_ROLLBACK_COMPLETE"
    assert scheduler.get_schedule_group(Name=stacks.name)["CreationDate"] == made
    assert stacks.events("Group") == [("CREATE_IN_PROGRESS", ""), ("CREATE_COMPLETE", "")]


def test_a_rollback_that_fails_says_so(stacks: Stacks) -> None:
    stacks.create({"Thing": stacks.thing(Size=1)})
    stacks.receiver.answer = lambda request: reply(request, "FAILED", Reason="never")
    assert stacks.update({"Thing": stacks.thing(Size=2)}) == "UPDATE_ROLLBACK_FAILED"


def test_a_service_token_cannot_be_changed(stacks: Stacks) -> None:
    stacks.create({"Thing": stacks.thing()})
    other = "arn:aws:lambda:us-east-1:123456789012:function:other"
    assert stacks.update({"Thing": stacks.thing(ServiceToken=other)}) == "UPDATE_ROLLBACK_COMPLETE"
    assert dict(stacks.events("Thing"))["UPDATE_FAILED"] == "Modifying service token is not allowed."
    assert stacks.receiver.kinds() == [("Create", "")]


def test_a_delete_that_fails_keeps_the_stack_and_what_it_needs_and_can_be_repeated(stacks: Stacks) -> None:
    topic = {"Type": "AWS::SNS::Topic"}
    thing = stacks.thing(Topic={"Ref": "Needed"})
    stacks.create({"Needed": topic, "Thing": thing, "Another": topic})
    stacks.receiver.answer = lambda request: reply(request, "FAILED", Reason="in use")
    assert stacks.delete() == "DELETE_FAILED"
    assert stacks.events()[-1] == ("DELETE_FAILED", "The following resource(s) failed to delete: [Needed, Thing]. ")
    assert stacks.receiver.kinds() == [("Create", ""), ("Delete", "thing-1")]
    listed = stacks.api.describe_stack_resources(StackName=stacks.name)["StackResources"]
    assert {each["LogicalResourceId"] for each in listed} == {"Needed", "Thing"}
    stacks.receiver.answer = reply
    assert stacks.delete() == "DELETE_COMPLETE"


def test_a_resource_is_deleted_before_its_function_and_a_retained_one_not_at_all(stacks: Stacks) -> None:
    made = stacks.aws.client("lambda").get_function(FunctionName="custom")["Configuration"]
    stacks.receiver.answer = lambda request: reply(request, PhysicalResourceId=request["LogicalResourceId"])
    code = {"ZipFile": f"RECEIVER = {stacks.receiver.url!r}\n" + HANDLER.replace('os.environ["RECEIVER"]', "RECEIVER")}
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {"Runtime": "python3.13", "Handler": "index.handler", "Role": made["Role"], "Code": code},
    }
    resources = {
        "A": {"Type": "Custom::Thing", "Properties": {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}}},
        "Function": function,
        "Retained": {**stacks.thing(), "DeletionPolicy": "Retain"},
    }
    assert stacks.create(resources) == "CREATE_COMPLETE"
    assert stacks.delete() == "DELETE_COMPLETE"
    assert stacks.receiver.kinds()[-1] == ("Delete", "A")
    assert ("Delete", "Retained") not in stacks.receiver.kinds()


def test_a_change_set_makes_and_changes_custom_resources(stacks: Stacks) -> None:
    for kind, size in (("CREATE", 1), ("UPDATE", 2)):
        body = template({"Thing": stacks.thing(Size=size)}, {"Id": {"Ref": "Thing"}})
        made = stacks.api.create_change_set(
            StackName=stacks.name, ChangeSetName=f"c{size}", TemplateBody=body, ChangeSetType=kind
        )
        stacks.api.execute_change_set(ChangeSetName=made["Id"], StackName=stacks.name)
        assert stacks.settled() == f"{kind}_COMPLETE"
    assert stacks.receiver.kinds() == [("Create", ""), ("Update", "thing-1")]
    assert stacks.outputs() == {"Id": "thing-1"}


def test_an_export_of_a_custom_resource_is_there_when_the_stack_is(stacks: Stacks) -> None:
    outputs = {"Outputs": {"Id": {"Value": {"Ref": "Thing"}, "Export": {"Name": stacks.name}}}}
    stacks.create({"Thing": stacks.thing()}, None, **outputs)
    exports = {each["Name"]: each["Value"] for each in stacks.api.list_exports()["Exports"]}
    assert exports[stacks.name] == "thing-1"
    stacks.delete()
    assert stacks.name not in {each["Name"] for each in stacks.api.list_exports()["Exports"]}


def test_the_receiver_takes_a_put_without_a_content_type_alone(stacks: Stacks) -> None:
    urls: list[str] = []
    go = threading.Event()

    def held(request: dict[str, Any]) -> dict[str, Any]:
        urls.append(request["ResponseURL"])
        go.wait(60)
        return reply(request)

    stacks.receiver.answer = held
    stacks.api.create_stack(StackName=stacks.name, TemplateBody=template({"Thing": stacks.thing()}))
    while not urls:
        time.sleep(0.01)
    http = urllib3.PoolManager()
    for method, url, headers in (
        ("POST", urls[0], {}),
        ("PUT", urls[0], {"Content-Type": "application/json"}),
        ("PUT", urls[0].replace("Signature=", "Signature=0"), {}),
        ("GET", urls[0], {}),
    ):
        assert http.request(method, url, body=b"{}", headers=headers).status == 403
    assert stacks.described()["StackStatus"] == "CREATE_IN_PROGRESS"
    go.set()
    assert stacks.settled() == "CREATE_COMPLETE"
    assert http.request("PUT", urls[0], body=b"{}").status == 200


def test_a_scalar_is_a_string() -> None:
    given = {"a": 1, "b": [True, 1.5, None], "c": {"d": "text"}}
    assert custom_responses.strings(given) == {"a": "1", "b": ["true", "1.5", ""], "c": {"d": "text"}}


# What DescribeStackResource says while a custom resource is asked.


def shown(stacks: Stacks, request: dict[str, Any]) -> tuple[str, str | None]:
    found = stacks.api.describe_stack_resource(
        StackName=request["StackId"], LogicalResourceId=request["LogicalResourceId"]
    )["StackResourceDetail"]
    assert (found["StackId"], found["LogicalResourceId"]) == (request["StackId"], request["LogicalResourceId"])
    assert found["ResourceType"] == request["ResourceType"]
    return found["ResourceStatus"], found.get("PhysicalResourceId")


def test_a_resource_is_in_progress_while_it_is_asked_and_has_an_id_once_it_said_one(stacks: Stacks) -> None:
    seen: list[tuple[Any, ...]] = []

    def look(request: dict[str, Any]) -> dict[str, Any]:
        seen.append((request["RequestType"], *shown(stacks, request)))
        return reply(request)

    stacks.receiver.answer = look
    stacks.create({"Thing": stacks.thing(Size=1)})
    create = stacks.receiver.asked[0]
    assert shown(stacks, create) == ("CREATE_COMPLETE", "thing-1")
    stacks.update({"Thing": stacks.thing(Size=2)})
    assert shown(stacks, create) == ("UPDATE_COMPLETE", "thing-1")
    stacks.delete()
    assert shown(stacks, create) == ("DELETE_COMPLETE", "thing-1")
    assert seen == [
        ("Create", "CREATE_IN_PROGRESS", None),
        ("Update", "UPDATE_IN_PROGRESS", "thing-1"),
        ("Delete", "DELETE_IN_PROGRESS", "thing-1"),
    ]


def test_in_a_rollback_a_resource_is_updated_back_and_an_added_one_deleted(stacks: Stacks) -> None:
    seen: list[tuple[Any, ...]] = []

    def look(request: dict[str, Any]) -> dict[str, Any]:
        name = request["LogicalResourceId"]
        seen.append((name, request["RequestType"], *shown(stacks, request)))
        refused = request["ResourceProperties"]["Size"] == "2" and name == "Old"
        return reply(request, "FAILED" if refused else "SUCCESS", Reason="no", PhysicalResourceId=f"id-{name}")

    stacks.receiver.answer = look
    stacks.create({"Old": stacks.thing(Size=1)})
    seen.clear()
    added = {"Old": {**stacks.thing(Size=2), "DependsOn": "New"}, "New": stacks.thing(Size=1)}
    assert stacks.update(added) == "UPDATE_ROLLBACK_COMPLETE"
    assert seen == [
        ("New", "Create", "CREATE_IN_PROGRESS", None),
        ("Old", "Update", "UPDATE_IN_PROGRESS", "id-Old"),
        ("Old", "Update", "UPDATE_IN_PROGRESS", "id-Old"),
        ("New", "Delete", "DELETE_IN_PROGRESS", "id-New"),
    ]


def test_a_creation_that_fails_is_deleted_by_the_id_that_it_said(stacks: Stacks) -> None:
    seen: list[tuple[Any, ...]] = []

    def look(request: dict[str, Any]) -> dict[str, Any]:
        seen.append((request["RequestType"], *shown(stacks, request)))
        return reply(request, "SUCCESS" if request["RequestType"] == "Delete" else "FAILED", Reason="no")

    stacks.receiver.answer = look
    stacks.create({"Thing": stacks.thing()})
    assert seen == [("Create", "CREATE_IN_PROGRESS", None), ("Delete", "DELETE_IN_PROGRESS", "thing-1")]


def test_while_a_replaced_id_is_deleted_the_resource_has_the_new_one(stacks: Stacks) -> None:
    seen: list[tuple[Any, ...]] = []

    def look(request: dict[str, Any]) -> dict[str, Any]:
        own = request.get("PhysicalResourceId") if request["RequestType"] == "Delete" else None
        seen.append((request["RequestType"], own, *shown(stacks, request)))
        return reply(request, PhysicalResourceId=own or f"thing-{request['ResourceProperties']['Size']}")

    stacks.receiver.answer = look
    stacks.create({"Thing": stacks.thing(Size=1)})
    stacks.update({"Thing": stacks.thing(Size=2)})
    assert seen[-1] == ("Delete", "thing-1", "UPDATE_COMPLETE", "thing-2")


def test_what_does_not_exist_is_a_validation_error_in_the_words_of_aws(stacks: Stacks) -> None:
    stacks.create({"Thing": stacks.thing()})
    identifier = stacks.described()["StackId"]
    for stack, name, said in (
        ("nobody", "Thing", "Stack 'nobody' does not exist"),
        (identifier[:-1] + "x", "Thing", "does not exist"),
        (identifier, "Other", f"Resource Other does not exist for stack {identifier}"),
        (stacks.name, stacks.name, f"Resource {stacks.name} does not exist for stack {stacks.name}"),
    ):
        with pytest.raises(ClientError, match=said) as raised:
            stacks.api.describe_stack_resource(StackName=stack, LogicalResourceId=name)
        assert raised.value.response["Error"]["Code"] == "ValidationError"
    stacks.delete()
    with pytest.raises(ClientError, match="does not exist"):
        stacks.api.describe_stack_resource(StackName=stacks.name, LogicalResourceId="Thing")


def test_the_adapter_reads_it(stacks: Stacks) -> None:
    stacks.create({"Thing": stacks.thing()})
    (create,) = stacks.receiver.asked
    reader = BotoStacks(stacks.api)
    expected = StackResource(create["StackId"], "Thing", "Custom::Thing", "CREATE_COMPLETE", "thing-1")
    assert reader.resource(create["StackId"], "Thing") == expected
    for stack, name in ((create["StackId"], "Other"), ("nobody", "Thing"), (create["StackId"], "")):
        assert reader.resource(stack, name) is None


def test_a_role_reads_the_stacks_that_its_policy_names(stacks: Stacks) -> None:
    stacks.create({"Thing": stacks.thing()})
    identifier = stacks.described()["StackId"]
    iam, sts = stacks.aws.client("iam"), stacks.aws.client("sts")
    role = iam.create_role(RoleName=f"r{stacks.name}", AssumeRolePolicyDocument=json.dumps({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
    }))["Role"]["Arn"]  # fmt: skip

    def allow(resource: str) -> BotoStacks:
        iam.put_role_policy(RoleName=f"r{stacks.name}", PolicyName="p", PolicyDocument=json.dumps({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "cloudformation:DescribeStackResource", "Resource": resource}],
        }))  # fmt: skip
        key = sts.assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
        return BotoStacks(boto3.client(
            "cloudformation", region_name="us-east-1", endpoint_url=stacks.aws.endpoint_url,
            aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"],
            aws_session_token=key["SessionToken"],
        ))  # fmt: skip

    for named in (identifier, "arn:aws:cloudformation:us-east-1:123456789012:stack/*"):
        found = allow(named).resource(identifier, "Thing")
        assert found is not None
        assert found.status == "CREATE_COMPLETE"
    for other in ("arn:aws:cloudformation:us-east-1:123456789012:stack/other/*", identifier + "0"):
        with pytest.raises(DeniedError, match=r"not authorized to perform: cloudformation:DescribeStackResource"):
            allow(other).resource(identifier, "Thing")
    with pytest.raises(DeniedError):
        allow("arn:aws:cloudformation:us-east-1:123456789012:stack/*").resource("arn:aws:s3:::bucket", "Thing")
