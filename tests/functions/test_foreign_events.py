"""Every handler with every event that is not its own: it fails at once, in one line, and nothing has been done."""

import importlib
import io
import json
import logging
import tomllib
import traceback

import boto3
import pytest

from ecs_lattice import function_handler
from ecs_lattice.errors import UnknownEventError
from ecs_lattice.telemetry import logger
from local_aws import lattice
from tests.functions.conftest import EVENTS, recorded
from tests.histories.labels import LABELS

MODULES = {
    "AlarmFunction": "alarm",
    "EcsEventsFunction": "ecs_events",
    "EcsServiceFunction": "ecs_service",
    "LatticeIngressFunction": "lattice_ingress",
    "LatticeServiceFunction": "lattice_service",
    "QueryFunction": "query",
    "ResyncFunction": "resync",
    "TargetHealthFunction": "target_health",
}
STRANGE = [[], "text", None, 5, {}, {"mode": "plan"}, {"Records": []}, {"Records": [{"s3": {}}]}]
# What a function takes besides the files that are meant for it: requests from any queue, and any schedule.
ALSO = {
    "EcsEventsFunction": {"sqs/ecs-service", "sqs/lattice-service"},
    "EcsServiceFunction": {"sqs/ecs-events-delayed-request"},
    "ResyncFunction": {"schedule/target-health"},
    "TargetHealthFunction": {"schedule/resync"},
}


def files(patterns) -> set[str]:
    return {
        file.relative_to(EVENTS).with_suffix("").as_posix() for pattern in patterns for file in EVENTS.glob(pattern)
    }


MEANT_FOR = {
    name: files(table["events"]) for name, table in tomllib.loads((EVENTS / "functions.toml").read_text()).items()
}


def handler_of(function):
    return importlib.import_module(f"functions.{MODULES[function]}.app").handler


@pytest.fixture
def errors():
    """The lines of level ERROR that the functions have logged since it was last asked, as they print them."""
    printed = logging.StreamHandler(io.StringIO())
    printed.setFormatter(logger.registered_formatter)
    logger.addHandler(printed)

    def take() -> list[dict]:
        text = printed.setStream(io.StringIO()).getvalue()
        return [line for line in map(json.loads, text.splitlines()) if line["level"] == "ERROR"]

    yield take
    logger.removeHandler(printed)


@pytest.fixture
def untouched(deployed):
    """Whether nothing has been done since the fixture was made: no call, no message, no registry item."""
    deployed.world.deploy(deployed.world.register(LABELS))  # something that a sweep would enqueue
    dynamodb = boto3.client("dynamodb")
    calls, items = len(lattice.backend().calls), dynamodb.scan(TableName="registry")["Items"]
    sent = boto3.client("sqs")

    def check():
        assert len(lattice.backend().calls) == calls
        assert dynamodb.scan(TableName="registry")["Items"] == items
        for url in deployed.queues.values():
            numbers = sent.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            assert numbers["ApproximateNumberOfMessages"] == numbers["ApproximateNumberOfMessagesDelayed"] == "0"

    return check


@pytest.mark.parametrize("function", MODULES)
def test_a_foreign_event_fails_the_invocation_in_one_line_before_anything_is_done(
    deployed, untouched, function, errors
):
    foreign = files(["**/*.json"]) - MEANT_FOR[function] - ALSO.get(function, set())
    assert len(foreign) > 20
    for event in [*map(recorded, sorted(foreign)), *STRANGE]:
        with pytest.raises(UnknownEventError) as raised:
            handler_of(function)(event, deployed.context)
        message = str(raised.value)
        assert message.startswith(f"{function} takes ")
        (error,) = errors()
        assert (error["message"], error["reason"]) == ("The event was rejected", message)
        assert error["function_request_id"] == deployed.context.aws_request_id
        assert "exception" not in error
        # The trace that Lambda prints: this call, and the edge of the function; nothing led there from deep inside.
        assert [frame.filename for frame in traceback.extract_tb(raised.value.__traceback__)][1:] == [
            function_handler.__file__
        ]
        assert raised.value.__cause__ is None
    untouched()


def test_an_ecs_event_does_not_make_the_resync_sweep(deployed, untouched):
    for event in (
        recorded("ecs/steady-state"),
        {"mode": "sweep", "clusters": "all"},
        {"detail-type": "Scheduled Event"},
    ):
        with pytest.raises(UnknownEventError, match="ResyncFunction takes the event of its schedule"):
            handler_of("ResyncFunction")(event, deployed.context)
    untouched()


def test_a_garbled_event_of_the_functions_own_kind_fails_as_shortly(deployed, untouched, errors):
    garbled = {**recorded("ecs/deployment-completed"), "resources": []}
    with pytest.raises(UnknownEventError, match="Malformed message") as raised:
        handler_of("EcsEventsFunction")(garbled, deployed.context)
    assert len(traceback.extract_tb(raised.value.__traceback__)) == 2
    assert raised.value.__cause__ is None
    (error,) = errors()
    assert error["reason"] == str(raised.value)
    untouched()


def test_a_batch_of_sns_of_which_one_message_says_nothing_tells_nobody(deployed, untouched):
    batch = recorded("alarm/sns-notification")
    batch["Records"].append({"EventSource": "aws:sns", "Sns": {"Message": "hello"}})
    with pytest.raises(UnknownEventError, match="not JSON"):
        handler_of("AlarmFunction")(batch, deployed.context)
    untouched()


def test_in_a_real_batch_what_is_unknown_goes_its_way_and_the_others_are_worked(deployed):
    arn = f"arn:aws:sqs:us-east-1:123456789012:{deployed.queues['ECS_EVENTS_QUEUE'].rpartition('/')[2]}"
    bodies = [json.dumps(recorded("alarm/route-alarm")), "not json", json.dumps(recorded("ecs/deployment-completed"))]
    records = [
        {"messageId": str(number), "receiptHandle": "r", "body": body, "attributes": {}, "eventSourceARN": arn}
        for number, body in enumerate(bodies)
    ]
    for batch in ({"Records": records}, {"Records": records[:2]}):
        assert handler_of("EcsEventsFunction")(batch, deployed.context) == {"batchItemFailures": []}
    assert len(deployed.messages("DEAD_LETTER_QUEUE")) == 4
    assert len(deployed.messages("ECS_SERVICES_QUEUE")) == 1
