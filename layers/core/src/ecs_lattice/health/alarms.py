"""One CloudWatch alarm a route: which there should be, and what differs from what there is. Pure.

An alarm is ours when its name begins with the stack's prefix and its description ends with the marker line. The stack's
own alarms, ``<prefix>stack/<what>``, are CloudFormation's and never touched.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ecs_lattice import ownership
from ecs_lattice.claims import ClaimRecord
from ecs_lattice.graph import id_of
from ecs_lattice.health import metric_names
from ecs_lattice.health.impaired import group_of

_DESCRIPTION_CHARACTERS = 1024  # CloudWatch API, AlarmDescription
_MORE_PERIODS = 2  # looked at beyond those that must be impaired: 3 of 5


@dataclass(frozen=True, slots=True)
class Alarm:
    """A CloudWatch metric alarm, as far as this stack decides over it; the words are CloudWatch's, ``period`` is in seconds.

    ``dimensions`` are sorted (name, value) pairs; ``has_actions``: somebody has given it actions; ``other``: what else is
    set of it (a unit, a metric expression, another kind of statistic). Ours have neither: the notifications come by an
    EventBridge rule on the prefix of the names.
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


@dataclass(frozen=True, slots=True)
class Differences:
    """What has to be done: alarms to put (changed ones before new ones), names to delete; ``foreign`` are names that a
    route's alarm should have and that belong to an alarm which is not ours."""

    put: tuple[Alarm, ...] = ()
    delete: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()


def is_watched(record: ClaimRecord) -> bool:
    """Whether the route has an alarm: it is declared and was not turned away before it had a target group, or it still
    takes traffic; and its author wants one."""
    if not record.claim.route.alarm:
        return False
    if record.claim.phase == "declared":
        return group_of(record) is not None or record.answer.state not in {"Refused", "Conflicted"}
    return record.answer.state == "Live"


def desired(owner: str, label_prefix: str, records: Iterable[ClaimRecord]) -> dict[str, Alarm]:
    """The alarms of all watched routes of the stack, by name."""
    alarms = (_alarm(owner, label_prefix, record) for record in records if is_watched(record))
    return {alarm.name: alarm for alarm in alarms}


def differences(owner: str, wanted: dict[str, Alarm], seen: Iterable[Alarm]) -> Differences:
    """What makes ``seen``, the alarms with the stack's prefix, what is ``wanted``."""
    there = {alarm.name: alarm for alarm in seen}
    ours = {name for name, alarm in there.items() if is_ours(owner, alarm)}
    changed = [alarm for name, alarm in sorted(wanted.items()) if name in ours and there[name] != alarm]
    new = [alarm for name, alarm in sorted(wanted.items()) if name not in there]
    foreign = sorted(name for name in wanted if name in there and name not in ours)
    return Differences(tuple(changed + new), tuple(sorted(ours - set(wanted))), tuple(foreign))


def is_ours(owner: str, alarm: Alarm) -> bool:
    """Whether this stack made the alarm for a route."""
    if not alarm.name.startswith(metric_names.alarm_prefix(owner)):
        return False
    what = alarm.name.removeprefix(metric_names.alarm_prefix(owner))
    of_the_stack = what.startswith("stack/") and what.count("/") == 1
    return not of_the_stack and alarm.description.rsplit("\n", 1)[-1] == _marker(owner)


def _alarm(owner: str, label_prefix: str, record: ClaimRecord) -> Alarm:
    route, service = record.claim.route, record.claim.service
    return Alarm(
        name=metric_names.alarm_name(owner, record.lattice_service, service, route.name),
        description=_description(owner, label_prefix, record),
        dimensions=tuple(sorted(metric_names.dimensions(record.lattice_service, service, route.name).items())),
        datapoints_to_alarm=route.alarm_minutes,
        evaluation_periods=route.alarm_minutes + _MORE_PERIODS,
    )


def _description(owner: str, label_prefix: str, record: ClaimRecord) -> str:
    """What a person reads who is woken by it; the marker line at its end is never cut."""
    route, group = record.claim.route, group_of(record)
    minutes = route.alarm_minutes
    look = f" --target-group-identifier {id_of(group)}" if group else ""
    text = (
        f"Route {route.name} of ECS service {record.claim.service} on VPC Lattice service {record.lattice_service} is "
        f"impaired: in {minutes} of the last {minutes + _MORE_PERIODS} minutes a target was UNHEALTHY, or none could "
        "answer though ECS is to run tasks. A notification names the likely cause; docs/troubleshooting.md has what to "
        f"do for each. To look yourself: aws vpc-lattice list-targets{look}. Labels: {label_prefix}.alarm, "
        f"{label_prefix}.alarm.minutes. Made by ecs-lattice and removed with the route."
    )
    marker = f"\n{_marker(owner)}"
    return text[: _DESCRIPTION_CHARACTERS - len(marker)] + marker


def _marker(owner: str) -> str:
    return f"{ownership.OWNER}={owner}"
