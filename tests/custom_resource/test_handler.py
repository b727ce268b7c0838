"""The function itself, in the environment that the template gives it, answering recorded requests over HTTP."""

import json
from collections.abc import Iterator

import pytest

from ecs_lattice.aws.stacks import BotoStacks
from ecs_lattice.bootstrap import lattice_ingress
from ecs_lattice.custom_resource import protocol
from ecs_lattice.errors import UnknownEventError
from ecs_lattice.telemetry import logger
from functions.lattice_ingress.app import handler
from tests.custom_resource.conftest import Account
from tests.functions.conftest import Context, forget, recorded


@pytest.fixture
def environment(account, receiver, monkeypatch) -> Iterator[Account]:
    settings = {
        "OWNER": "ecs-lattice",
        "TABLE": "registry",
        "ECS_EVENTS_QUEUE": "https://queue/1",
        "ECS_SERVICES_QUEUE": "https://queue/2",
        "LATTICE_SERVICES_QUEUE": "https://queue/3",
        "DEAD_LETTER_QUEUE": "https://queue/4",
        "ALARMS_QUEUE": "https://queue/5",
        "NOTIFY_TOPIC": "arn:aws:sns:us-east-1:123456789012:topic",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("time.time", account.clock.time)
    monkeypatch.setattr("time.sleep", account.clock.advance)
    monkeypatch.setattr(BotoStacks, "resource", lambda _, *names: account.stacks.resource(*names))
    monkeypatch.setattr(lattice_ingress, "response_hosts", lambda: receiver.hosts)
    forget()
    yield account
    forget()


def test_a_recorded_life_is_answered_and_leaves_nothing(environment, receiver, caplog):
    caplog.set_level("DEBUG")
    group = environment.group()
    for kind, openings in (("create", 4), ("update", 2), ("delete", 0)):
        text = json.dumps(recorded(f"cloudformation/{kind}-lattice-ingress")).replace("sg-0a1b2c3d4e5f60718", group)
        request = json.loads(text)
        environment.stacks.sends(protocol.read(request))
        said = handler({**request, "ResponseURL": receiver.url}, Context())
        answer = json.loads(receiver.puts[-1].body)
        assert (answer["Status"], said["status"]) == ("SUCCESS", "SUCCESS"), answer
        assert answer["PhysicalResourceId"] == said["physicalResourceId"]
        assert {name: answer[name] for name in ("RequestId", "StackId", "LogicalResourceId")} == {
            name: request[name] for name in ("RequestId", "StackId", "LogicalResourceId")
        }
        assert len(environment.rules(group)) == openings
    assert len({json.loads(put.body)["PhysicalResourceId"] for put in receiver.puts}) == 1
    assert [record for record in caplog.records if record.name == logger.name]
    assert receiver.url not in "".join(repr(vars(record)) for record in caplog.records if record.name == logger.name)


def test_a_function_without_its_environment_answers_that(environment, receiver, monkeypatch):
    monkeypatch.delenv("TABLE")
    forget()
    request = recorded("cloudformation/create-lattice-ingress")
    handler({**request, "ResponseURL": receiver.url}, Context())
    answer = json.loads(receiver.puts[-1].body)
    assert answer["Status"] == "FAILED"
    assert "TABLE" in answer["Reason"]
    assert "Log: /ecs-lattice/function, request 00000000" in answer["Reason"]


def test_a_table_that_is_gone_is_answered(environment, receiver, monkeypatch):
    monkeypatch.setenv("TABLE", "gone")
    forget()
    request = recorded("cloudformation/create-lattice-ingress")
    environment.stacks.sends(protocol.read(request))
    handler({**request, "ResponseURL": receiver.url}, Context())
    answer = json.loads(receiver.puts[-1].body)
    assert answer["Status"] == "FAILED"
    assert "ResourceNotFoundException" in answer["Reason"]


@pytest.mark.parametrize("event", [{}, {"Records": [{"body": "{}"}]}, {"mode": "sweep"}])
def test_an_invocation_that_nobody_waits_for_fails_with_what_is_expected(environment, event):
    with pytest.raises(UnknownEventError, match="custom-resource requests of CloudFormation"):
        handler(event, Context())
