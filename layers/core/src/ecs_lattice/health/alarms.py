"""One CloudWatch alarm per route (decision 18): the desired alarms, and how the existing ones differ. Pure.

An alarm is ours when its name begins with the stack's prefix and its description ends with the marker line. The alarms
of the stack itself, ``<prefix>stack/<part>``, belong to CloudFormation and are never changed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ecs_lattice import ownership
from ecs_lattice.claims import ClaimRecord
from ecs_lattice.graph import id_of
from ecs_lattice.health import metric_names
from ecs_lattice.health.impaired import group_of, is_measured
from ecs_lattice.model import Route

_DESCRIPTION_CHARACTERS = 1024  # CloudWatch API, AlarmDescription
_MORE_PERIODS = 2  # evaluated beyond those that have to be impaired: 3 of 5


@dataclass(frozen=True, slots=True)
class Alarm:
    """The properties of a CloudWatch metric alarm that this stack sets, with CloudWatch's names; ``period`` is in seconds.

    ``dimensions`` are sorted (name, value) pairs; ``has_actions``: somebody has added actions; ``other``: other properties that
    are set (a unit, a metric expression, another kind of statistic). Ours have neither: an EventBridge rule on the prefix of
    the names sends the notifications. ``state`` is the one that CloudWatch has found (OK, ALARM, INSUFFICIENT_DATA).
    """

    name: str
    description: str
    dimensions: tuple[tuple[str, str], ...]
    datapoints_to_alarm: int
    evaluation_periods: int
    namespace: str = metric_names.NAMESPACE
    metric: str = metric_names.IMPAIRED
    statistic: str = "Maximum"
    period: int = 60
    threshold: float = 1.0
    comparison: str = "GreaterThanOrEqualToThreshold"
    missing_data: str = "ignore"
    has_actions: bool = False
    other: str = ""
    state: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Differences:
    """Alarms to put (changed ones before new ones) and names to delete; ``foreign``: names of desired alarms that are taken by
    alarms that are not ours."""

    put: tuple[Alarm, ...] = ()
    delete: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()


def is_watched(record: ClaimRecord) -> bool:
    """Whether the route has an alarm: its author wants one, it has metrics, and it is declared or still receives traffic."""
    if not (record.claim.route.alarm and is_measured(record)):
        return False
    return record.claim.phase == "declared" or record.answer.state == "Live"


def evaluation_periods(route: Route) -> int:
    """How many minutes the route's alarm evaluates."""
    return route.alarm_minutes + _MORE_PERIODS


def why_unwatched(record: ClaimRecord | None) -> str:
    """Why the route of ``record`` (None: it makes no claim) has no alarm, in a sentence; empty where it has one."""
    if record is None:
        return "It is no longer declared."
    if is_watched(record):
        return ""
    if not record.claim.route.alarm:
        return "A label or tag has switched its alarm off."
    return "Its tasks are not in its target group." if record.claim.phase == "declared" else "It is no longer declared."


def desired(owner: str, label_prefix: str, records: Iterable[ClaimRecord]) -> dict[str, Alarm]:
    """The alarms of all watched routes of the stack, by name."""
    alarms = (_alarm(owner, label_prefix, record) for record in records if is_watched(record))
    return {alarm.name: alarm for alarm in alarms}


def differences(owner: str, wanted: dict[str, Alarm], existing: Iterable[Alarm]) -> Differences:
    """The changes that turn ``existing``, the alarms with the stack's prefix, into ``wanted``."""
    found = {alarm.name: alarm for alarm in existing}
    ours = {name for name, alarm in found.items() if is_ours(owner, alarm)}
    changed, new, foreign = [], [], []
    for name, alarm in sorted(wanted.items()):
        if name not in found:
            new.append(alarm)
        elif name not in ours:
            foreign.append(name)
        elif found[name] != alarm:
            changed.append(alarm)
    return Differences((*changed, *new), tuple(sorted(ours - set(wanted))), tuple(foreign))


def is_ours(owner: str, alarm: Alarm) -> bool:
    """Whether this stack made the alarm for a route."""
    if not alarm.name.startswith(metric_names.alarm_prefix(owner)):
        return False
    name = alarm.name.removeprefix(metric_names.alarm_prefix(owner))
    of_the_stack = name.startswith("stack/") and name.count("/") == 1
    return not of_the_stack and alarm.description.rsplit("\n", 1)[-1] == _marker(owner)


def _alarm(owner: str, label_prefix: str, record: ClaimRecord) -> Alarm:
    route, service = record.claim.route, record.claim.service
    return Alarm(
        name=metric_names.alarm_name(owner, record.lattice_service, service, route.name),
        description=_description(owner, label_prefix, record),
        dimensions=tuple(sorted(metric_names.dimensions(record.lattice_service, service, route.name).items())),
        datapoints_to_alarm=route.alarm_minutes,
        evaluation_periods=evaluation_periods(route),
    )


def _description(owner: str, label_prefix: str, record: ClaimRecord) -> str:
    """What the person on call reads; the marker line at its end is never cut off."""
    route, service, group = record.claim.route, record.claim.service, group_of(record)
    minutes = route.alarm_minutes
    target_group = f" --target-group-identifier {id_of(group)}" if group else ""
    text = (
        f"Route {route.name} of ECS service {service} on VPC Lattice service {record.lattice_service} is impaired: in "
        f"{minutes} of the last {evaluation_periods(route)} minutes a target was UNHEALTHY, or no target could answer although "
        "ECS should be running tasks. A notification names the likely cause; docs/troubleshooting.md says how to fix it. To "
        f"inspect: aws vpc-lattice list-targets{target_group} --region {service.region}. Labels: {label_prefix}.alarm, "
        f"{label_prefix}.alarm.minutes. Created by ecs-lattice and deleted with the route."
    )
    marker = f"\n{_marker(owner)}"
    return text[: _DESCRIPTION_CHARACTERS - len(marker)] + marker


def _marker(owner: str) -> str:
    return f"{ownership.OWNER}={owner}"
