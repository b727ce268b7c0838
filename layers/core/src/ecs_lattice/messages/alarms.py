"""The alarm function's messages, in all of their forms, as a few frozen values.

They come by themselves, in a batch of Amazon SQS or in one of Amazon SNS. Shapes: see :mod:`~ecs_lattice.messages.recognise`.
"""

import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ecs_lattice.errors import ForeignEventError, UnknownEventError
from ecs_lattice.messages import recognise
from ecs_lattice.messages.recognise import ALARM, MessageType
from ecs_lattice.model import REGION, ServiceId

type Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """An alarm went from ``previous`` to ``state`` (OK, ALARM, INSUFFICIENT_DATA) ``at`` (epoch seconds). Its description and
    the reason of its state are not read: whoever may put an alarm or set its state writes them.

    ``namespace``, ``metric`` and ``dimensions`` are those of its metric; empty for an alarm on several metrics or on other
    alarms.
    """

    name: str
    arn: str
    state: str
    previous: str
    at: float
    namespace: str = ""
    metric: str = ""
    dimensions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class TargetUnhealthy:
    """ECS found a target of the service unhealthy and is about to replace its task."""

    service: ServiceId
    at: float


@dataclass(frozen=True, slots=True)
class RouteStateChange:
    """The state of a route of ``service``, or of its whole declaration, may have changed; ``owner`` is the stack's. Anybody
    may send such an event: what has changed is read from the registry."""

    service: ServiceId
    owner: str


STILL_WATCHED = -1.0
"""The ``since`` of a look whether what was reported still has an alarm: deleting an alarm changes no state."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """The function's own delayed message: check the incident ``id`` under ``key`` again. With ``since`` (epoch seconds) only
    if the subject has been healthy since then; with :data:`STILL_WATCHED`, whether its alarm still exists."""

    key: str
    id: str
    since: float = 0.0


type AlarmEvent = AlarmChange | TargetUnhealthy | RouteStateChange | FollowUp


def follow_up(key: str, incident: str, since: float = 0.0) -> str:
    """The body of the delayed message that :func:`parse_event` returns as FollowUp."""
    return json.dumps({"lookAgain": key, "incident": incident, **({"since": since} if since else {})})


def parse_event(message: Message) -> AlarmEvent:
    """What a message says.

    Raises UnknownEventError, with a reason for the dead-letter queue, for an unknown message; ForeignEventError for a route
    event of a wrong shape, which anybody may send.
    """
    kind = recognise.message_type(message)
    parse = _PARSERS.get(kind) if kind else None
    if parse is None:
        raise recognise.unknown(ALARM, message)
    try:
        return parse(message)
    except (UnknownEventError, KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        reason = error if isinstance(error, UnknownEventError) else recognise.malformed(message, error)
        if kind is recognise.ROUTE_STATE:
            raise ForeignEventError(str(reason)) from error
        raise reason from error


def _follow_up(message: Message) -> FollowUp:
    return FollowUp(str(message["lookAgain"]), str(message["incident"]), float(message.get("since", 0)))


def _target_unhealthy(message: Message) -> TargetUnhealthy:
    at = message["detail"].get("createdAt") or message["time"]
    service = ServiceId(message["resources"][0]).in_cluster(str(message["detail"].get("clusterArn", "")))
    return TargetUnhealthy(_long(service.arn), _epoch(at))


def _alarm_action(message: Message) -> AlarmChange:
    return _checked(_alarm(message["alarmArn"], message["alarmData"]))


def _alarm_state(message: Message) -> AlarmChange:
    return _checked(_alarm(message["resources"][0], message["detail"]))


def _alarm(arn: str, data: Message) -> AlarmChange:
    """EventBridge's ``detail`` and a direct action's ``alarmData`` have the same members; dimensions are a map."""
    configuration = data.get("configuration") or {}
    stats = [m["metricStat"]["metric"] for m in configuration.get("metrics") or () if m.get("metricStat")]
    watched = stats[0] if len(stats) == 1 else {}
    return AlarmChange(
        name=data["alarmName"],
        arn=arn,
        state=data["state"]["value"],
        previous=(data.get("previousState") or {}).get("value", ""),
        at=_epoch(data["state"]["timestamp"]),
        namespace=watched.get("namespace", ""),
        metric=watched.get("name", ""),
        dimensions=tuple(sorted((watched.get("dimensions") or {}).items())),
    )


def _alarm_notification(data: Message) -> AlarmChange:
    """The message of an alarm's SNS action: dimensions are a list. Region is a display name; the ARN has the code."""
    trigger = data.get("Trigger") or {}
    stats = [m["MetricStat"]["Metric"] for m in trigger.get("Metrics") or () if m.get("MetricStat")]
    watched = stats[0] if len(stats) == 1 else trigger
    change = AlarmChange(
        name=data["AlarmName"],
        arn=data["AlarmArn"],
        state=data["NewStateValue"],
        previous=data.get("OldStateValue", ""),
        at=_epoch(data["StateChangeTime"]),
        namespace=watched.get("Namespace", ""),
        metric=watched.get("MetricName", ""),
        dimensions=tuple(sorted((d["name"], d["value"]) for d in watched.get("Dimensions") or ())),
    )
    return _checked(change)


def _checked(change: AlarmChange) -> AlarmChange:
    """The same; what is read from it later is text, and its ARN has a Region. Raises ValueError."""
    texts = (
        change.name,
        change.state,
        change.previous,
        change.namespace,
        change.metric,
        *itertools.chain(*change.dimensions),
    )
    if not all(isinstance(text, str) for text in texts) or _ALARM_ARN.match(change.arn) is None:
        raise ValueError("a member is not text, or the ARN is not that of an alarm")
    return change


def _route_state(message: Message) -> RouteStateChange:
    detail = message["detail"]
    return RouteStateChange(_long(_text(detail["ecsService"])), _text(detail["owner"]))


_PARSERS: dict[MessageType, Callable[[Message], AlarmEvent]] = {
    recognise.FOLLOW_UP: _follow_up,
    recognise.ALARM_ACTION: _alarm_action,
    recognise.ALARM_NOTIFICATION: _alarm_notification,
    recognise.ALARM_STATE: _alarm_state,
    recognise.TARGET_UNHEALTHY: _target_unhealthy,
    recognise.ROUTE_STATE: _route_state,
}


_ALARM_ARN = re.compile(rf"arn:aws[a-z-]*:cloudwatch:{REGION}:[0-9]+:alarm:")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} instead of text")
    return value


def _long(arn: str) -> ServiceId:
    service = ServiceId(arn)
    if not service.is_long:
        raise UnknownEventError(f"The event is about {arn!r}, which is not the long ARN of an ECS service.")
    return service


def _epoch(text: str) -> float:
    """Epoch seconds of AWS's timestamps: with ``Z``, ``+0000`` or ``+00:00``."""
    return datetime.fromisoformat(text).timestamp()
