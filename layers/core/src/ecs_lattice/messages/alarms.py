"""What wakes the ``alarm`` function, in its many shapes, as a few frozen values.

Shapes: CloudWatch alarms on EventBridge, as a direct Lambda action and as Amazon SNS carries them (CloudWatch User Guide,
"Alarm events and EventBridge", "Invoke a Lambda function from an alarm", "Notifying users on alarm changes"); ECS service
actions (Amazon ECS Developer Guide); our own announcements; our own delayed message. They come alone, in a batch of
Amazon SQS or in one of Amazon SNS.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ecs_lattice import codec
from ecs_lattice.errors import UnknownEventError
from ecs_lattice.messages import announcements
from ecs_lattice.messages.announcements import StateChange
from ecs_lattice.messages.ecs import TARGET_UNHEALTHY
from ecs_lattice.model import ServiceId

_KNOWN = (
    "CloudWatch Alarm State Change, ECS Service Action (VPC_LATTICE_TARGET_UNHEALTHY), ECS Lattice Route State Change, "
    "a CloudWatch alarm's direct or Amazon SNS message, and this function's own delayed message"
)


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """An alarm went from ``previous`` to ``state`` (OK, ALARM, INSUFFICIENT_DATA) ``at`` (epoch seconds).

    ``namespace``, ``metric`` and ``dimensions`` are those of the metric it watches, empty for one that watches several or
    other alarms.
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
class Announced:
    """A route, or a whole declaration, turned Refused or Conflicted, or turned well again; ``owner`` is the stack's."""

    change: StateChange
    owner: str
    at: float


@dataclass(frozen=True, slots=True)
class LookAgain:
    """The function's own word to itself: look at the incident ``id`` under ``key`` again; ``since`` (epoch seconds) if it
    is still well since then, 0 whatever it is."""

    key: str
    id: str
    since: float = 0.0


type AlarmEvent = AlarmChange | TargetUnhealthy | Announced | LookAgain


def look_again(key: str, incident: str, since: float = 0.0) -> str:
    """The body of the delayed message that :func:`hear` gives back as LookAgain."""
    return json.dumps({"lookAgain": key, "incident": incident, **({"since": since} if since else {})})


def parse_event(message: Mapping[str, Any]) -> AlarmEvent:
    """What one message says. Raises UnknownEventError, with a sentence for the dead-letter queue, for what is not known."""
    try:
        return _parse_event(message)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        kind = message.get("detail-type") or message.get("source") or f"with the members {sorted(map(str, message))}"
        raise UnknownEventError(f"A message ({kind}) that lacks or garbles a member: {error!r}.") from error


def parse(body: str) -> Mapping[str, Any]:
    """The object in a body of SQS or SNS; a notification of SNS inside SQS is opened. Raises UnknownEventError."""
    try:
        message = json.loads(body)
    except ValueError as error:
        raise UnknownEventError(f"A message that is not JSON: {error}.") from error
    if not isinstance(message, dict):
        raise UnknownEventError(f"A message that is a JSON {type(message).__name__}, not an object.")
    if message.get("Type") == "Notification" and isinstance(message.get("Message"), str):
        return parse(message["Message"])
    return message


def _parse_event(message: Mapping[str, Any]) -> AlarmEvent:
    if "lookAgain" in message:
        return LookAgain(str(message["lookAgain"]), str(message["incident"]), float(message.get("since", 0)))
    if "alarmData" in message:
        return _event_alarm(message["alarmArn"], message["alarmData"])
    if "AlarmName" in message and "NewStateValue" in message:
        return _sns_alarm(message)
    detail_type = message.get("detail-type")
    if detail_type == "CloudWatch Alarm State Change":
        return _event_alarm(message["resources"][0], message["detail"])
    if detail_type == "ECS Service Action" and message["detail"]["eventName"] == TARGET_UNHEALTHY:
        return TargetUnhealthy(
            _long(message["resources"][0]), _epoch(message["detail"].get("createdAt") or message["time"])
        )
    if detail_type == announcements.DETAIL_TYPE and message["source"] == announcements.SOURCE:
        return _announced(message)
    raise UnknownEventError(
        f"A message of type {detail_type!r} from {message.get('source')!r} with the members {sorted(message)}. "
        f"Known are: {_KNOWN}."
    )


def _event_alarm(arn: str, data: Mapping[str, Any]) -> AlarmChange:
    """EventBridge's ``detail`` and a direct action's ``alarmData`` are alike; dimensions are a map."""
    configuration = data.get("configuration") or {}
    stats = [one["metricStat"]["metric"] for one in configuration.get("metrics") or () if one.get("metricStat")]
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


def _sns_alarm(data: Mapping[str, Any]) -> AlarmChange:
    """The message of an alarm's SNS action: dimensions are a list, and Region is a display name (the ARN has the code)."""
    trigger = data.get("Trigger") or {}
    stats = [one["MetricStat"]["Metric"] for one in trigger.get("Metrics") or () if one.get("MetricStat")]
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
        dimensions=tuple(sorted((one["name"], one["value"]) for one in watched.get("Dimensions") or ())),
    )


def _announced(message: Mapping[str, Any]) -> Announced:
    detail = message["detail"]
    members = {"".join(f"_{c.lower()}" if c.isupper() else c for c in name): value for name, value in detail.items()}
    change: StateChange = codec.from_data(StateChange, members)
    _long(change.ecs_service)
    return Announced(change, str(detail["owner"]), _epoch(detail.get("at") or message["time"]))


def _long(arn: str) -> ServiceId:
    service = ServiceId(arn)
    if not (arn.startswith("arn:") and service.is_long):
        raise UnknownEventError(f"An event about {arn!r}, which is not the long ARN of an ECS service.")
    return service


def _epoch(text: str) -> float:
    """Epoch seconds of AWS's times: with ``Z``, ``+0000`` or ``+00:00``."""
    return datetime.fromisoformat(text).timestamp()
