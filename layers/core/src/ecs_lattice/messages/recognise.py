"""What any incoming event is, and which functions take it (decision 30). The only place that looks at an event's shape.

Whoever invokes a function by hand with the wrong file gets a sentence: what the function takes, what it got, and which
function takes that. A batch that Lambda read from the function's own queue is never rejected here: each message in it
is recognised by itself, and what is wrong goes to the dead-letter queue.

Shapes: Lambda Developer Guide, "Using Lambda with Amazon SQS" and "... with Amazon SNS"; EventBridge User Guide,
events; Amazon ECS Developer Guide, "Amazon ECS events"; CloudTrail records of calls as EventBridge delivers them;
CloudWatch User Guide, "Alarm events and EventBridge", "Invoke a Lambda function from an alarm" and "Notifying users on
alarm changes"; CloudFormation User Guide, custom resource request objects.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ecs_lattice.bounds import MESSAGE, VALUE, cut, listed
from ecs_lattice.errors import ForeignEventError, UnknownEventError
from ecs_lattice.messages import announcements

type Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Function:
    """A function by its logical id in the template, what it ``takes`` in words, and the field of the settings that has
    the URL of its own queue, if it reads one."""

    name: str
    takes: str
    queue: str = ""


ECS_EVENTS = Function(
    "EcsEventsFunction",
    "a batch of the events queue, or by itself an event of Amazon ECS, a CloudTrail record of a call of ECS or VPC Lattice, "
    "a changed tag or a reconcile request",
    "ecs_events_queue",
)
ECS_SERVICE = Function(
    "EcsServiceFunction",
    'a batch of the ECS services\' queue, or {"ecsService": "<long ARN>", "mode": "plan", "apply" or "retry"}, a plan '
    'also with "taskDefinition" and "serviceTags"',
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
QUERY = Function(
    "QueryFunction",
    '{"mode": "status"}, also with "ecsService", or {"mode": "history"}, also with "since" and "key"',
)
LATTICE_INGRESS = Function(
    "LatticeIngressFunction", "custom-resource requests of CloudFormation, which have a ResponseURL"
)
ALARM = Function(
    "AlarmFunction",
    "a batch of the alarms' queue or of Amazon SNS, or by itself a CloudWatch alarm, a route's state change, the event "
    'of ECS about an unhealthy target, or {"mode": "explain", "ecsService": "<long ARN>"}',
    "alarms_queue",
)


@dataclass(frozen=True, eq=False, slots=True)
class MessageType:
    """A message of a queue or a topic; most may also come by themselves. ``pattern``: the members that it has, as in an
    event pattern of EventBridge (None: with any value). Without ``words`` it is described as an event."""

    takers: tuple[Function, ...]
    pattern: Mapping[str, Any]
    words: str = ""


def _event(detail_type: str, *takers: Function, **pattern: Any) -> MessageType:
    return MessageType(takers, {"detail-type": detail_type, **pattern})


ECS_SERVICE_REQUEST = MessageType(
    (ECS_SERVICE, ECS_EVENTS), {"kind": "ecsService", "key": None}, "a reconcile request of kind ecsService"
)
LATTICE_SERVICE_REQUEST = MessageType(
    (LATTICE_SERVICE, ECS_EVENTS), {"kind": "latticeService", "key": None}, "a reconcile request of kind latticeService"
)
FOLLOW_UP = MessageType((ALARM,), {"lookAgain": None}, "the alarm function's own delayed message")
ALARM_ACTION = MessageType((ALARM,), {"alarmData": None}, "a CloudWatch alarm")
ALARM_NOTIFICATION = MessageType((ALARM,), {"AlarmName": None, "NewStateValue": None}, "a CloudWatch alarm")
ALARM_STATE = _event("CloudWatch Alarm State Change", ALARM)
ROUTE_STATE = _event(announcements.DETAIL_TYPE, ALARM, source=announcements.SOURCE)
DEPLOYMENT_STATE = _event("ECS Deployment State Change", ECS_EVENTS)
TASK_STATE = _event("ECS Task State Change", ECS_EVENTS)
TARGET_UNHEALTHY = _event("ECS Service Action", ECS_EVENTS, ALARM, detail={"eventName": "VPC_LATTICE_TARGET_UNHEALTHY"})
SERVICE_ACTION = _event("ECS Service Action", ECS_EVENTS)
API_CALL = _event("AWS API Call via CloudTrail", ECS_EVENTS, detail={"eventSource": "ecs.amazonaws.com"})
LATTICE_CALL = _event("AWS API Call via CloudTrail", ECS_EVENTS, detail={"eventSource": "vpc-lattice.amazonaws.com"})
TAG_CHANGE = _event("Tag Change on Resource", ECS_EVENTS, detail={"service": "ecs"})

MESSAGE_TYPES = (
    ECS_SERVICE_REQUEST, LATTICE_SERVICE_REQUEST, FOLLOW_UP, ALARM_ACTION, ALARM_NOTIFICATION, ALARM_STATE, ROUTE_STATE,
    DEPLOYMENT_STATE, TASK_STATE, TARGET_UNHEALTHY, SERVICE_ACTION, API_CALL, LATTICE_CALL, TAG_CHANGE,
)  # fmt: skip
"""A message is of the first type whose pattern it matches."""

RETAINED_RESOURCES = "Custom::RetainedResources"
_MODES: Mapping[str, tuple[Function, frozenset[str]]] = {
    "sweep": (RESYNC, frozenset()),
    "uninstall": (RESYNC, frozenset()),
    "approve-removals": (RESYNC, frozenset()),
    "probe": (TARGET_HEALTH, frozenset()),
    "status": (QUERY, frozenset({"ecsService"})),
    "history": (QUERY, frozenset({"since", "key"})),
    "explain": (ALARM, frozenset({"ecsService"})),
}
"""The modes that are of one function, and the members that a request may have beside it."""
_DIRECT = {"ecsService": ECS_SERVICE, "latticeService": LATTICE_SERVICE}
_PLANNED = {"ecsService": ("taskDefinition", "serviceTags")}
"""What a request for a plan may have beside the member that names the service."""
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
    if function not in shape.takers:
        raise _rejection(function, shape)


def is_batch_of(event: object, queue_url: str) -> bool:
    """Whether ``event`` is a batch of the queue; a batch that does not name its queue is."""
    records = _sqs_records(event.get("Records")) if isinstance(event, Mapping) else []
    return bool(records) and all(_queue_of(record) in {"", queue_url.rpartition("/")[2]} for record in records)


def message_type(message: Message) -> MessageType | None:
    """The type of a message; None for an unknown one."""
    return next((known for known in MESSAGE_TYPES if _matches(message, known.pattern)), None)


def unknown(function: Function, message: Message) -> UnknownEventError:
    """The error for a message that ``function`` does not take."""
    return _rejection(function, _message(message))


def malformed(message: Message, error: Exception) -> UnknownEventError:
    """The error for a message of a known type that lacks a member or has it in another form."""
    return UnknownEventError(f"Malformed message, {_message(message).words}: {cut(repr(error), MESSAGE)}.")


def parse_body(body: str) -> Message:
    """The object in a message of SQS or SNS, without the envelope of an SNS notification. Raises UnknownEventError."""
    try:
        message = _open(body)
    except ValueError as error:
        raise UnknownEventError(f"The message is text that is not JSON: {error}.") from error
    except RecursionError:
        raise ForeignEventError("The message is nested too deeply.") from None
    if not isinstance(message, dict):
        raise UnknownEventError(f"The message is {_json_name(message)}, not an object.")
    return message


def shape_of(event: object) -> Shape:
    """What the event of an invocation is."""
    if not isinstance(event, Mapping):
        return Shape(_json_name(event))
    if "Records" in event:
        return _batch(event["Records"])
    if event.get("ResponseURL"):
        return _request(event)
    if by_hand := _by_hand(event):
        return by_hand
    if _matches(event, {"detail-type": "Scheduled Event", "source": "aws.events"}):
        return Shape("the event of a schedule", (RESYNC, TARGET_HEALTH))
    if {"kind", "key"} <= event.keys():
        return Shape("a reconcile request by itself", (ECS_EVENTS,))
    return _message(event)


def _rejection(function: Function, shape: Shape) -> UnknownEventError:
    others = " and ".join(taker.name for taker in shape.takers) or "no function of this application"
    takes = "take" if len(shape.takers) > 1 else "takes"
    return UnknownEventError(f"{function.name} takes {function.takes}; it got {shape.words}, which {others} {takes}.")


def _matches(message: object, pattern: Mapping[str, Any]) -> bool:
    return isinstance(message, Mapping) and all(
        name in message
        and (value is None or (_matches(message[name], value) if isinstance(value, dict) else message[name] == value))
        for name, value in pattern.items()
    )


def _by_hand(event: Message) -> Shape | None:
    """What an operator invokes a function with, if it is that."""
    mode, others = event.get("mode"), set(event) - {"mode"}
    function, members = _MODES.get(mode, (None, frozenset())) if isinstance(mode, str) else (None, frozenset())
    if function and others <= members:
        return Shape(f"the mode {mode!r}", (function,))
    for member, direct in _DIRECT.items():
        if {member} <= others <= {member, *(_PLANNED.get(member, ()) if mode == "plan" else ())}:
            return Shape(f"a direct invocation with {member}", (direct,))
    return Shape(f"the mode {mode!r}") if not others and "mode" in event else None


def _request(event: Message) -> Shape:
    """Custom resources of other stacks may have any type; this stack's own has a type that they may not use."""
    if event.get("ResourceType") == RETAINED_RESOURCES:
        return Shape(f"a request of CloudFormation for {RETAINED_RESOURCES}", (RESYNC,))
    return Shape("a custom-resource request of CloudFormation", (LATTICE_INGRESS,))


def _batch(records: object) -> Shape:
    if texts := _sns_texts(records):
        return _joined("a batch of Amazon SNS", map(_body, texts), {ALARM})
    messages = _sqs_records(records)
    if not messages:
        return Shape("Records that are not a batch of Amazon SQS or SNS")
    queues = sorted({_queue_of(message) for message in messages} - {""})
    return _joined(f"a batch of {' and '.join(queues) or 'a queue'}", (_body(message["body"]) for message in messages))


def _joined(what: str, shapes: Iterable[Shape], among: set[Function] | None = None) -> Shape:
    """The shape of a batch: whoever takes one of its messages takes it."""
    found = list(shapes)
    takers = dict.fromkeys(taker for shape in found for taker in shape.takers if not among or taker in among)
    return Shape(f"{what} with {', '.join(dict.fromkeys(shape.words for shape in found))}", tuple(takers))


def _sqs_records(records: object) -> list[Message]:
    """The records of a batch of Amazon SQS; empty for anything else."""
    if not isinstance(records, list):
        return []
    messages = [record for record in records if isinstance(record, Mapping) and isinstance(record.get("body"), str)]
    return messages if len(messages) == len(records) else []


def _queue_of(record: Message) -> str:
    return str(record.get("eventSourceARN", "")).rpartition(":")[2]


def _sns_texts(records: object) -> list[str]:
    """The messages of a batch of Amazon SNS; empty for anything else."""
    if not isinstance(records, list) or not all(_matches(record, {"Sns": {"Message": None}}) for record in records):
        return []
    texts = [record["Sns"]["Message"] for record in records]
    return texts if all(isinstance(text, str) for text in texts) else []


def _body(text: str) -> Shape:
    """What a message of a queue or a topic is."""
    try:
        message = _open(text)
    except (ValueError, RecursionError):
        return Shape("text that is not JSON")
    return _message(message) if isinstance(message, dict) else Shape(_json_name(message))


def _open(text: str) -> object:
    """The JSON value in a message, or in the SNS notification that it is. Raises ValueError."""
    message = json.loads(text)
    if _matches(message, {"Type": "Notification"}) and isinstance(message.get("Message"), str):
        return _open(message["Message"])
    return message


def _message(message: Message) -> Shape:
    known = message_type(message)
    takers = known.takers if known else ()
    if known and known.words:
        return Shape(known.words, takers)
    if "detail-type" in message:
        detail_type, source = (cut(repr(message.get(name)), VALUE) for name in ("detail-type", "source"))
        return Shape(f"the event {detail_type} of {source}", takers)
    members = listed(sorted(cut(str(name), VALUE) for name in message))
    return Shape(f"an object with the members {members}" if members else "an empty object")


def _json_name(value: object) -> str:
    return _JSON_NAMES.get(type(value).__name__, "a JSON number")
