"""The alarm function's messages, in all of their forms, as a few frozen values.

They come by themselves, in a batch of Amazon SQS or in one of Amazon SNS. Shapes: see :mod:`~ecs_lattice.messages.recognise`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ecs_lattice import codec
from ecs_lattice.errors import UnknownEventError
from ecs_lattice.messages import recognise
from ecs_lattice.messages.announcements import StateChange
from ecs_lattice.messages.recognise import ALARM, MessageType
from ecs_lattice.model import ServiceId

type Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """An alarm went from ``previous`` to ``state`` (OK, ALARM, INSUFFICIENT_DATA) ``at`` (epoch seconds).

    ``namespace``, ``metric`` and ``dimensions`` are those of its metric; empty for an alarm on several metrics or on other
    alarms.
    """

    name: str
    arn: str
    state: str
    previous: str
    at: float
    reason: str = ""
    description: str = ""
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
    """The state of a route, or of a whole declaration, has changed; ``owner`` is the stack's."""

    change: StateChange
    owner: str
    at: float


@dataclass(frozen=True, slots=True)
class FollowUp:
    """The function's own delayed message: check the incident ``id`` under ``key`` again. With ``since`` (epoch seconds) only
    if the subject has been healthy since then."""

    key: str
    id: str
    since: float = 0.0


type AlarmEvent = AlarmChange | TargetUnhealthy | RouteStateChange | FollowUp


def follow_up(key: str, incident: str, since: float = 0.0) -> str:
    """The body of the delayed message that :func:`parse_event` returns as FollowUp."""
    return json.dumps({"lookAgain": key, "incident": incident, **({"since": since} if since else {})})


def parse_event(message: Message) -> AlarmEvent:
    """What a message says. Raises UnknownEventError, with a reason for the dead-letter queue, for an unknown message."""
    kind = recognise.message_type(message)
    parse = _PARSERS.get(kind) if kind else None
    if parse is None:
        raise recognise.unknown(ALARM, message)
    try:
        return parse(message)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise recognise.malformed(message, error) from error


def _follow_up(message: Message) -> FollowUp:
    return FollowUp(str(message["lookAgain"]), str(message["incident"]), float(message.get("since", 0)))


def _target_unhealthy(message: Message) -> TargetUnhealthy:
    at = message["detail"].get("createdAt") or message["time"]
    return TargetUnhealthy(_long(message["resources"][0]), _epoch(at))


def _alarm_action(message: Message) -> AlarmChange:
    return _alarm(message["alarmArn"], message["alarmData"])


def _alarm_state(message: Message) -> AlarmChange:
    return _alarm(message["resources"][0], message["detail"])


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
        reason=data["state"].get("reason", ""),
        description=configuration.get("description", ""),
        namespace=watched.get("namespace", ""),
        metric=watched.get("name", ""),
        dimensions=tuple(sorted((watched.get("dimensions") or {}).items())),
    )


def _alarm_notification(data: Message) -> AlarmChange:
    """The message of an alarm's SNS action: dimensions are a list. Region is a display name; the ARN has the code."""
    trigger = data.get("Trigger") or {}
    stats = [m["MetricStat"]["Metric"] for m in trigger.get("Metrics") or () if m.get("MetricStat")]
    watched = stats[0] if len(stats) == 1 else trigger
    return AlarmChange(
        name=data["AlarmName"],
        arn=data["AlarmArn"],
        state=data["NewStateValue"],
        previous=data.get("OldStateValue", ""),
        at=_epoch(data["StateChangeTime"]),
        reason=data.get("NewStateReason", ""),
        description=data.get("AlarmDescription") or "",
        namespace=watched.get("Namespace", ""),
        metric=watched.get("MetricName", ""),
        dimensions=tuple(sorted((d["name"], d["value"]) for d in watched.get("Dimensions") or ())),
    )


def _route_state(message: Message) -> RouteStateChange:
    detail = message["detail"]
    members = {"".join(f"_{c.lower()}" if c.isupper() else c for c in name): value for name, value in detail.items()}
    change: StateChange = codec.from_data(StateChange, members)
    _long(change.ecs_service)
    return RouteStateChange(change, str(detail["owner"]), _epoch(detail.get("at") or message["time"]))


_PARSERS: dict[MessageType, Callable[[Message], AlarmEvent]] = {
    recognise.FOLLOW_UP: _follow_up,
    recognise.ALARM_ACTION: _alarm_action,
    recognise.ALARM_NOTIFICATION: _alarm_notification,
    recognise.ALARM_STATE: _alarm_state,
    recognise.TARGET_UNHEALTHY: _target_unhealthy,
    recognise.ROUTE_STATE: _route_state,
}


def _long(arn: str) -> ServiceId:
    service = ServiceId(arn)
    if not (arn.startswith("arn:") and service.is_long):
        raise UnknownEventError(f"The event is about {arn!r}, which is not the long ARN of an ECS service.")
    return service


def _epoch(text: str) -> float:
    """Epoch seconds of AWS's timestamps: with ``Z``, ``+0000`` or ``+00:00``."""
    return datetime.fromisoformat(text).timestamp()
