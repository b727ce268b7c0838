"""What each function may be invoked with, and whose an event is that is not its own.

Somebody who invokes a function by hand with the wrong file gets one sentence: what the function takes, what it got, and
which function takes that. A batch that Lambda read from the function's own queue is never refused here: what is wrong in
it goes the queue's way, message by message.

Shapes: Lambda Developer Guide, "Using Lambda with Amazon SQS" and "... with Amazon SNS"; EventBridge User Guide, events;
CloudFormation User Guide, custom resource request objects; those of messages stand in :mod:`~ecs_lattice.messages.ecs` and
:mod:`~ecs_lattice.messages.alarms`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ecs_lattice.errors import UnknownEventError
from ecs_lattice.messages import announcements
from ecs_lattice.messages.ecs import TARGET_UNHEALTHY


@dataclass(frozen=True, slots=True)
class Function:
    """A function by its logical id in the template, what it ``takes`` in words, and the field of the settings that has
    the URL of its own queue, if it reads one."""

    name: str
    takes: str
    queue: str = ""


ECS_EVENTS = Function(
    "EcsEventsFunction",
    "a batch of the events queue, or by itself an event of Amazon ECS, a CloudTrail record of an ECS call or a bell",
    "ecs_events_queue",
)
ECS_SERVICE = Function(
    "EcsServiceFunction",
    'a batch of the ECS services\' queue, or {"ecsService": "<long ARN>", "mode": "plan" or "apply"}',
    "ecs_services_queue",
)
LATTICE_SERVICE = Function(
    "LatticeServiceFunction",
    'a batch of the Lattice services\' queue, or {"latticeService": "<name>", "mode": "plan" or "apply"}',
    "lattice_services_queue",
)
RESYNC = Function(
    "ResyncFunction",
    'the event of its schedule, {"mode": "sweep", "uninstall" or "approve-removals"}, or a request of CloudFormation for '
    "Custom::RetainedResources",
)
TARGET_HEALTH = Function("TargetHealthFunction", 'the event of its schedule, or {"mode": "probe"}')
LATTICE_INGRESS = Function(
    "LatticeIngressFunction", "custom-resource requests of CloudFormation, which have a ResponseURL"
)
ALARM = Function(
    "AlarmFunction",
    "a batch of the alarms' queue or of Amazon SNS, or by itself a CloudWatch alarm, a route's state change or ECS's "
    "warning of an unhealthy target",
    "alarms_queue",
)

RETAINED_RESOURCES = "Custom::RetainedResources"
_MODES = {"sweep": RESYNC, "uninstall": RESYNC, "approve-removals": RESYNC, "probe": TARGET_HEALTH}
_OF_ECS = ("ECS Deployment State Change", "ECS Task State Change", "ECS Service Action")
_JSON_NAMES = {"str": "a JSON string", "list": "a JSON list", "bool": "a JSON boolean", "NoneType": "null"}


@dataclass(frozen=True, slots=True)
class Shape:
    """What an event is, in words, and the functions that take it."""

    words: str
    takers: tuple[Function, ...] = ()


def check(function: Function, event: object, own_queue: str) -> None:
    """Raise UnknownEventError unless ``function``, which reads the queue of the URL ``own_queue``, takes ``event``."""
    if own_queue and is_batch_of(event, own_queue):
        return
    shape = shape_of(event)
    if function in shape.takers:
        return
    others = " and ".join(taker.name for taker in shape.takers) or "no function of this application"
    takes = "take" if len(shape.takers) > 1 else "takes"
    raise UnknownEventError(f"{function.name} takes {function.takes}; it got {shape.words}, which {others} {takes}.")


def is_batch_of(event: object, queue_url: str) -> bool:
    """Whether ``event`` is a batch of the queue; one that does not say where it comes from is."""
    records = _sqs_records(event.get("Records")) if isinstance(event, Mapping) else []
    return bool(records) and all(_queue_of(record) in {"", queue_url.rpartition("/")[2]} for record in records)


def shape_of(event: object) -> Shape:
    """What the whole event of an invocation is."""
    if not isinstance(event, Mapping):
        return Shape(_JSON_NAMES.get(type(event).__name__, "a JSON number"))
    if "Records" in event:
        return _batch(event["Records"])
    if event.get("ResponseURL"):
        return _request(event)
    for member, function in (("ecsService", ECS_SERVICE), ("latticeService", LATTICE_SERVICE)):
        if member in event and set(event) <= {member, "mode"}:
            return Shape(f"a direct invocation with {member}", (function,))
    if set(event) == {"mode"}:
        return Shape(f"the mode {event['mode']!r}", tuple(f for mode, f in _MODES.items() if mode == event["mode"]))
    if event.get("detail-type") == "Scheduled Event" and event.get("source") == "aws.events":
        return Shape("the event of a schedule", (RESYNC, TARGET_HEALTH))
    if _is_request(event):
        return Shape("a bell by itself", (ECS_EVENTS,))
    return _message(event)


def _request(event: Mapping[str, Any]) -> Shape:
    """Other stacks give their custom resources any type; of this stack's own there is one that is not for them."""
    if event.get("ResourceType") == RETAINED_RESOURCES:
        return Shape(f"a request of CloudFormation for {RETAINED_RESOURCES}", (RESYNC,))
    return Shape("a custom-resource request of CloudFormation", (LATTICE_INGRESS,))


def _batch(records: object) -> Shape:
    if texts := _sns_texts(records):
        return _joined("a batch of Amazon SNS", map(_body, texts), {ALARM.name})
    messages = _sqs_records(records)
    if not messages:
        return Shape("Records that are no batch of Amazon SQS or SNS")
    queues = sorted({_queue_of(message) for message in messages} - {""})
    return _joined(f"a batch of {' and '.join(queues) or 'a queue'}", (_body(message["body"]) for message in messages))


def _joined(what: str, shapes: Iterable[Shape], among: set[str] | None = None) -> Shape:
    """The shape of a batch: it is taken by whoever takes one of its messages."""
    found = list(shapes)
    takers = {taker.name: taker for shape in found for taker in shape.takers if not among or taker.name in among}
    return Shape(f"{what} with {', '.join(dict.fromkeys(shape.words for shape in found))}", tuple(takers.values()))


def _sqs_records(records: object) -> list[Mapping[str, Any]]:
    """The records of a batch of Amazon SQS; none for anything else."""
    if not isinstance(records, list):
        return []
    messages = [record for record in records if isinstance(record, Mapping) and isinstance(record.get("body"), str)]
    return messages if len(messages) == len(records) else []


def _queue_of(record: Mapping[str, Any]) -> str:
    return str(record.get("eventSourceARN", "")).rpartition(":")[2]


def _sns_texts(records: object) -> list[str]:
    """The messages of a batch of Amazon SNS; none for anything else."""
    parts = (
        [record.get("Sns") for record in records if isinstance(record, Mapping)] if isinstance(records, list) else []
    )
    texts = [part["Message"] for part in parts if isinstance(part, Mapping) and isinstance(part.get("Message"), str)]
    return texts if isinstance(records, list) and len(texts) == len(records) else []


def _body(text: str) -> Shape:
    """What a message of a queue or a topic is."""
    try:
        message = json.loads(text)
    except ValueError:
        return Shape("text that is not JSON")
    if not isinstance(message, Mapping):
        return shape_of(message)
    if message.get("Type") == "Notification" and isinstance(message.get("Message"), str):
        return _body(message["Message"])
    if _is_request(message):
        side = {"ecsService": ECS_SERVICE, "latticeService": LATTICE_SERVICE}.get(str(message["kind"]))
        return Shape(f"a bell of kind {message['kind']}", (side, ECS_EVENTS) if side else ())
    return _message(message)


def _is_request(message: Mapping[str, Any]) -> bool:
    return "kind" in message and "key" in message


def _message(message: Mapping[str, Any]) -> Shape:
    """What a message is that may come by a queue as well as by itself."""
    if "lookAgain" in message:
        return Shape("the alarm function's own delayed message", (ALARM,))
    if "alarmData" in message or ("AlarmName" in message and "NewStateValue" in message):
        return Shape("a CloudWatch alarm", (ALARM,))
    if "detail-type" not in message:
        members = ", ".join(sorted(map(str, message)))
        return Shape(f"an object with the members {members}" if members else "an empty object")
    return Shape(f"the event {message['detail-type']!r} of {message.get('source')!r}", tuple(_takers_of_event(message)))


def _takers_of_event(event: Mapping[str, Any]) -> Iterable[Function]:
    kind, detail = event["detail-type"], event.get("detail")
    detail = detail if isinstance(detail, Mapping) else {}
    is_call = kind == "AWS API Call via CloudTrail" and detail.get("eventSource") == "ecs.amazonaws.com"
    if kind in _OF_ECS or is_call:
        yield ECS_EVENTS
    is_warning = kind == "ECS Service Action" and detail.get("eventName") == TARGET_UNHEALTHY
    is_announced = kind == announcements.DETAIL_TYPE and event.get("source") == announcements.SOURCE
    if kind == "CloudWatch Alarm State Change" or is_warning or is_announced:
        yield ALARM
