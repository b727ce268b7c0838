"""What an event is, and what someone is told who invokes a function with an event of another."""

import json
import tomllib
from pathlib import Path

import pytest

from ecs_lattice.errors import UnknownEventError
from ecs_lattice.messages import alarms, ecs, recognise
from ecs_lattice.messages.recognise import (
    ALARM,
    ECS_EVENTS,
    ECS_SERVICE,
    LATTICE_INGRESS,
    LATTICE_SERVICE,
    QUERY,
    RESYNC,
    TARGET_HEALTH,
)

EVENTS = Path(__file__).parents[2] / "events"
FUNCTIONS = (ALARM, ECS_EVENTS, ECS_SERVICE, LATTICE_INGRESS, LATTICE_SERVICE, QUERY, RESYNC, TARGET_HEALTH)
# Beside what an event is meant for: EcsEventsFunction hands a request on from whichever queue, a delayed request can be reconciled
# at once, and one schedule's event looks like the other's.
ALSO = {
    "sqs/ecs-service.json": {"EcsEventsFunction"},
    "sqs/lattice-service.json": {"EcsEventsFunction"},
    "sqs/ecs-events-delayed-request.json": {"EcsServiceFunction"},
    "schedule/resync.json": {"TargetHealthFunction"},
    "schedule/target-health.json": {"ResyncFunction"},
}
OTHER_QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/mine"


def meant_for() -> dict[str, set[str]]:
    """File to the functions it is for, as events/functions.toml has it."""
    found: dict[str, set[str]] = {}
    for function, table in tomllib.loads((EVENTS / "functions.toml").read_text()).items():
        for pattern in table["events"]:
            for file in EVENTS.glob(pattern):
                found.setdefault(file.relative_to(EVENTS).as_posix(), set()).add(function)
    return found


MEANT_FOR = meant_for()


def event(file: str) -> object:
    return json.loads((EVENTS / file).read_text())


def batch(*bodies: object, queue: str = "theirs") -> dict:
    arn = {"eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{queue}"} if queue else {}
    return {"Records": [{"messageId": "m", "body": b if isinstance(b, str) else json.dumps(b), **arn} for b in bodies]}


def test_every_file_is_meant_for_somebody():
    files = {file.relative_to(EVENTS).as_posix() for file in EVENTS.rglob("*.json")}
    assert set(MEANT_FOR) == files


@pytest.mark.parametrize("file", sorted(MEANT_FOR))
def test_a_recorded_event_is_taken_by_those_it_is_meant_for_and_refused_by_the_others_who_name_them(file):
    takers = MEANT_FOR[file] | ALSO.get(file, set())
    assert {taker.name for taker in recognise.shape_of(event(file)).takers} == takers
    for function in FUNCTIONS:
        if function.name in takers:
            recognise.check(function, event(file), OTHER_QUEUE)
        else:
            with pytest.raises(UnknownEventError) as raised:
                recognise.check(function, event(file), OTHER_QUEUE)
            said = str(raised.value)
            assert said.startswith(f"{function.name} takes {function.takes}; it got ")
            assert {one.name for one in FUNCTIONS if one.name in said} == {function.name, *takers}


STRANGE = [
    ([], "a JSON list"),
    ("text", "a JSON string"),
    (None, "null"),
    (5, "a JSON number"),
    (True, "a JSON boolean"),
    ({}, "an empty object"),
    ({"b": 1, "a": 2}, "an object with the members a, b"),
    ({"mode": "delete-everything"}, "the mode 'delete-everything'"),
    ({"mode": ["sweep"]}, "the mode ['sweep']"),
    ({"mode": "sweep", "cluster": "x"}, "an object with the members cluster, mode"),
    ({"mode": "plan", "ecsService": "a", "latticeService": "b"}, "an object with the members ecsService, latticeService, mode"),
    ({"detail-type": {"a": 1}}, "the event {'a': 1} of None"),
    ({"detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2"}, "of 'aws.ec2'"),
    ({"detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "detail": {"eventSource": "s3.amazonaws.com"}}, "s3"),
    ({"detail-type": "AWS API Call via CloudTrail", "source": "aws.ecs", "detail": None}, "CloudTrail"),
    ({"detail-type": "ECS Lattice Route State Change", "source": "somebody"}, "of 'somebody'"),
    ({"detail-type": "Scheduled Event", "source": "somebody"}, "of 'somebody'"),
    ({"Records": []}, "Records that are not a batch"),
    ({"Records": "text"}, "Records that are not a batch"),
    ({"Records": [{"s3": {"bucket": {}}}]}, "Records that are not a batch"),
    ({"Records": [{"body": "{}"}, {"s3": {}}]}, "Records that are not a batch"),
    ({"Records": [{"body": None}]}, "Records that are not a batch"),
    ({"Records": [None, 5]}, "Records that are not a batch"),
    ({"Records": [{"Sns": {"Message": "hello"}}]}, "a batch of Amazon SNS with text that is not JSON"),
    ({"Records": [{"Sns": {"Message": '{"detail-type": "ECS Task State Change"}'}}]}, "a batch of Amazon SNS"),
    (batch("hello", "{}"), "a batch of theirs with text that is not JSON, an empty object"),
    (batch([1]), "a batch of theirs with a JSON list"),
    (batch({"mode": "sweep"}), "a batch of theirs"),
    (batch({"ecsService": "arn", "mode": "plan"}), "a batch of theirs"),
    (batch({"kind": "somethingElse", "key": "x"}), "an object with the members key, kind"),
    (batch({"detail-type": "Scheduled Event", "source": "aws.events"}), "the event 'Scheduled Event' of 'aws.events'"),
    (batch({"ResponseURL": "https://bucket", "RequestType": "Create"}), "a batch of theirs"),
]  # fmt: skip


@pytest.mark.parametrize(("strange", "words"), STRANGE, ids=repr)
def test_what_nobody_knows_is_refused_by_everybody_in_words(strange, words):
    for function in FUNCTIONS:
        with pytest.raises(UnknownEventError) as raised:
            recognise.check(function, strange, OTHER_QUEUE)
        assert words in str(raised.value)
        assert str(raised.value).endswith(", which no function of this application takes.")


def test_a_batch_of_the_functions_own_queue_is_its_own_whatever_lies_in_it():
    for bodies in ([{"lookAgain": "x", "incident": "y"}], ["not json"], [[1], {}]):
        recognise.check(ECS_EVENTS, batch(*bodies, queue="mine"), OTHER_QUEUE)
        recognise.check(ECS_EVENTS, batch(*bodies, queue=""), OTHER_QUEUE)
        with pytest.raises(UnknownEventError, match="a batch of theirs"):
            recognise.check(ECS_EVENTS, batch(*bodies), OTHER_QUEUE)


def test_a_batch_of_another_queue_is_taken_for_the_one_message_in_it_that_is_the_functions():
    request = {"kind": "ecsService", "key": "arn"}
    recognise.check(ECS_SERVICE, batch("not json", request), OTHER_QUEUE)
    with pytest.raises(UnknownEventError, match="which EcsServiceFunction and EcsEventsFunction take"):
        recognise.check(LATTICE_SERVICE, batch("not json", request), OTHER_QUEUE)


def test_a_function_without_a_queue_takes_no_batch_of_its_own():
    with pytest.raises(UnknownEventError):
        recognise.check(RESYNC, batch({}, queue=""), "")


def test_a_notification_of_sns_in_a_queue_is_what_it_carries():
    alarm = json.dumps({"AlarmName": "a", "NewStateValue": "OK"})
    recognise.check(ALARM, batch({"Type": "Notification", "Message": alarm}), OTHER_QUEUE)
    with pytest.raises(UnknownEventError, match="which AlarmFunction takes"):
        recognise.check(ECS_EVENTS, batch({"Type": "Notification", "Message": alarm}), OTHER_QUEUE)


@pytest.mark.parametrize(
    ("parsers", "function"),
    [([*ecs._REQUESTS, *ecs._EVENTS, recognise.LATTICE_CALL], ECS_EVENTS), (alarms._PARSERS, ALARM)],
)
def test_a_consumer_parses_every_message_that_its_function_takes_and_no_other(parsers, function):
    assert set(parsers) == {known for known in recognise.MESSAGE_TYPES if function in known.takers}
