"""Every function with every recorded event that is meant for it, by the real `sam local invoke`, against the local AWS."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from tests.docker.terminal import ROOT, Terminal, events, opened

SERVICE = "arn:aws:ecs:us-east-1:123456789012:service/transfer/file-transfer"
ANSWERED = {"batchItemFailures": []}
ENQUEUED = {"enqueued": [{"kind": "ecsService", "key": SERVICE}]}
OF_NO_SERVICE = ("ecs/task-of-a-run-task", "ecs/task-pending", "cloudtrail/failed-update-service")
AT_ONCE = 2


@pytest.fixture(scope="module")
def terminal(docker, tmp_path_factory) -> Iterator[Terminal]:
    with opened(tmp_path_factory.mktemp("application"), tmp_path_factory.mktemp("home")) as one:
        yield one


def answers(terminal: Terminal, function: str) -> dict[str, Any]:
    """What the function answers to each of its events, by the event's name."""

    def invoke(event: Path) -> Any:
        return terminal.sam_local_invoke(function, event)

    files = events()[function]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        said = list(threads.map(invoke, files))
    return {str(file.relative_to("events").with_suffix("")): answer for file, answer in zip(files, said, strict=True)}


def test_ecs_events_enqueues_the_service_of_every_event(terminal):
    said = answers(terminal, "EcsEventsFunction")
    for name, answer in said.items():
        # A task event enqueues its service only where the application itself registers the targets; a call to VPC Lattice its
        # Lattice service only where the registry knows the object.
        silent = name in OF_NO_SERVICE or name.startswith(("ecs/task-", "cloudtrail/lattice-"))
        assert answer == (ANSWERED if name.startswith("sqs/") else {"enqueued": []} if silent else ENQUEUED), name
    reconciler = terminal.function("EcsServiceFunction")
    woken = [run for run in terminal.aws.journal.invocations if (run.function, run.source) == (reconciler, "sqs")]
    assert {run.error for run in woken} == {None}, "the requests start the ECS side of the local AWS"


def test_ecs_service_plans_enqueues_and_reconciles(terminal):
    said = answers(terminal, "EcsServiceFunction")
    assert said.pop("invoke/plan-ecs-service")["attach"]["kind"] == "no_change"
    assert said == {
        "invoke/apply-ecs-service": {"enqueued": {"kind": "ecsService", "key": SERVICE}},
        "sqs/ecs-service": ANSWERED,
    }
    assert {"SendMessageBatch", "GetItem"} <= set(terminal.calls_of("EcsServiceFunction"))


def test_lattice_service_plans_enqueues_and_reconciles(terminal):
    said = answers(terminal, "LatticeServiceFunction")
    assert said.pop("invoke/plan-lattice-service")["steps"] == []
    assert said == {
        "invoke/apply-lattice-service": {"enqueued": {"kind": "latticeService", "key": "file-transfer"}},
        "sqs/lattice-service": ANSWERED,
    }
    assert {"SendMessageBatch", "Query"} <= set(terminal.calls_of("LatticeServiceFunction"))


def test_resync_sweeps_approves_and_uninstalls(terminal):
    said = answers(terminal, "ResyncFunction")
    assert said.pop("resync/approve-removals")["approvedUntil"] > 0
    assert said.pop("resync/uninstall")["left"]["latticeServices"] == []
    assert {name: (answer["read"], answer["complete"]) for name, answer in said.items()} == {
        "resync/sweep": (0, True),
        "schedule/resync": (0, True),
    }
    assert {"ListClusters", "GetResources"} <= set(terminal.calls_of("ResyncFunction"))


def test_target_health_probes(terminal):
    said = answers(terminal, "TargetHealthFunction")
    assert {name: answer["routes"] for name, answer in said.items()} == {"schedule/target-health": 0}


def test_the_alarm_function_takes_every_shape_of_an_alarm(terminal):
    said = answers(terminal, "AlarmFunction")
    explained = said.pop("invoke/explain-ecs-service")
    assert (explained["schema"], explained["isKnown"]) == (1, False)
    assert {name: answer for name, answer in said.items() if answer["batchItemFailures"]} == {}


def test_the_alarm_function_tells_of_an_alarm_that_is_newer_than_what_it_knows(terminal):
    """The recorded one is older than what this alarm has said since the local AWS began to evaluate it: it is ignored then."""
    event = json.loads((ROOT / "events/alarm/dead-letters.json").read_text())
    event["detail"]["state"]["timestamp"] = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.000+0000"
    (terminal.root / "dead-letters-now.json").write_text(json.dumps(event))
    assert terminal.sam_local_invoke("AlarmFunction", Path("dead-letters-now.json")) == ANSWERED
    assert "Publish" in terminal.calls_of("AlarmFunction")


def test_every_function_has_events_and_every_event_a_function():
    template = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]
    functions = {key for key, one in template.items() if one["Type"] == "AWS::Serverless::Function"}
    files = {path.relative_to(ROOT) for path in (ROOT / "events").rglob("*.json")}
    assert set(events()) == functions
    assert all(events().values())
    assert {file for named in events().values() for file in named} == files


@pytest.mark.parametrize("kind", ["create", "update", "delete"])
def test_lattice_ingress_answers_a_recorded_request_at_the_local_aws(terminal, kind):
    """The recorded stack is not there, so CloudFormation does not confirm the request."""
    done = terminal.make_invoke("LatticeIngressFunction", f"events/cloudformation/{kind}-lattice-ingress.json")
    assert (done.returncode, json.loads(done.stdout)["status"]) == (0, "FAILED"), done.stderr


def test_lattice_ingress_opens_no_group_for_a_request_that_cloudformation_did_not_send(terminal):
    ec2 = terminal.aws.client("ec2")
    group = ec2.create_security_group(GroupName="closed", Description="closed")["GroupId"]
    event = json.loads((ROOT / "events/cloudformation/create-lattice-ingress.json").read_text())
    event["ResourceProperties"]["SecurityGroupIds"] = [group]
    event["LogicalResourceId"] = "Another"
    (terminal.root / "request.json").write_text(json.dumps(event))
    done = terminal.make_invoke("LatticeIngressFunction", "request.json")
    assert (done.returncode, json.loads(done.stdout)["status"]) == (0, "FAILED"), done.stderr
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
    assert [rule for rule in rules if not rule["IsEgress"]] == []


@pytest.mark.parametrize(
    ("function", "event", "taker"),
    [
        ("ResyncFunction", "events/ecs/deployment-completed.json", "EcsEventsFunction"),
        ("EcsServiceFunction", "events/cloudformation/create-lattice-ingress.json", "LatticeIngressFunction"),
        ("LatticeIngressFunction", "events/alarm/route-alarm.json", "AlarmFunction"),
    ],
)
def test_an_event_for_another_function_fails_the_invocation_with_one_sentence(terminal, function, event, taker):
    before = terminal.calls_of(function)
    done = terminal.make_invoke(function, event)
    said = json.loads(done.stdout)
    assert done.returncode == 1
    assert said["errorType"] == "UnknownEventError"
    assert said["errorMessage"].startswith(f"{function} takes ")
    assert taker in said["errorMessage"]
    assert len(said["stackTrace"]) <= 1, "no stack trace from deep inside"
    assert "The event was rejected" in done.stderr
    assert terminal.calls_of(function) == before


def test_a_function_runs_with_the_permissions_of_its_role(terminal):
    """A container's calls are its role's, not those of the administrator whose keys the shell has."""
    function = terminal.function("LatticeServiceFunction")
    before = len(terminal.aws.authorizations)
    terminal.sam_local_invoke("LatticeServiceFunction", Path("events/invoke/plan-lattice-service.json"))
    asked = [one for one in terminal.aws.authorizations[before:] if one.caller == function]
    assert "dynamodb:Query" in {one.action for one in asked if one.allowed}
    assert [one.action for one in asked if not one.allowed] == []
