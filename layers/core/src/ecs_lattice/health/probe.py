"""The probe: each minute looks at the targets of every route, publishes how they are, and keeps the routes' alarms.

Level-triggered like everything here: nothing is remembered from run to run but which groups the last one had no time for.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched, groupby

from ecs_lattice.claims import ClaimRecord
from ecs_lattice.errors import AlarmsError
from ecs_lattice.facts import EcsService
from ecs_lattice.graph import id_of
from ecs_lattice.health import metric_names
from ecs_lattice.health.alarm_sync import AlarmSync, Kept
from ecs_lattice.health.counts import Counts, count
from ecs_lattice.health.impaired import asks_ecs, group_of, impaired
from ecs_lattice.health.pace import Pace, Read, read_all
from ecs_lattice.health.ports import EcsServices, MetricsSink, TargetStatuses
from ecs_lattice.health.publish import Reading, of_the_stack
from ecs_lattice.model import ServiceId
from ecs_lattice.ports import Now, Registry

# Of the time: targets are read until the one, ECS until the other, and alarms are kept to the end.
_READ_SHARE, _ECS_SHARE = 0.7, 0.9
_DESCRIBE_SERVICES = 10  # ECS API, DescribeServices
_LATE = ("probe", "late")  # the document that names the groups whose turn did not come


@dataclass(frozen=True, slots=True)
class Probed:
    """What a run saw and did: routes, how many of them impaired and unknown, why something could not be read (a reason a
    group or batch of ECS services, by its name), groups whose turn did not come, and what was done to the alarms."""

    routes: int
    impaired: int
    unknown: int
    unread: Mapping[str, str]
    late: int
    alarms: Kept

    def raise_for_alarms(self) -> None:
        """Raise AlarmsError when AWS refused something about the alarms: the metrics are out, and the function's own error
        is what its alarm watches."""
        if self.alarms.problems:
            raise AlarmsError("Not all alarms of routes are as they should be. " + " ".join(self.alarms.problems))


@dataclass(frozen=True, slots=True)
class Probe:
    """One run a minute. ``threads`` groups are listed at a time, ``ecs_reads_per_second`` is ECS's share."""

    owner: str
    registry: Registry
    targets: TargetStatuses
    ecs: EcsServices
    metrics: MetricsSink
    keeper: AlarmSync
    now: Now
    sleep: Callable[[float], None]
    threads: int = 6
    ecs_reads_per_second: float = 5.0

    def run(self, seconds: float) -> Probed:
        """Look at everything once, for ``seconds`` at most. Raises AwsError when the registry cannot be read."""
        began = self.now()
        claims = tuple(self.registry.claims())
        measured = [record for record in claims if _is_measured(record)]
        groups = self._groups(measured, began + seconds * _READ_SHARE)
        services = self._services(measured, groups.values, began + seconds * _ECS_SHARE)
        known = {service: found for batch in services.values.values() for service, found in batch.items()}
        readings = [self._reading(record, groups.values, known) for record in measured]
        for reading in readings:
            self.metrics.publish(reading.dimensions, reading.metrics())
        self.metrics.publish({metric_names.OWNER: self.owner}, of_the_stack(readings))
        may_delete = self.registry.document("stack", "marker") is not None
        kept = self.keeper.keep(claims, began + seconds - self.now(), may_delete=may_delete)
        return Probed(
            routes=len(readings),
            impaired=sum(reading.impaired is True for reading in readings),
            unknown=sum(reading.is_unknown for reading in readings),
            unread={id_of(arn): why for arn, why in groups.failed.items()}
            | {", ".join(map(str, batch)): why for batch, why in services.failed.items()},
            late=len(groups.late),
            alarms=kept,
        )

    def _groups(self, measured: Sequence[ClaimRecord], ends_at: float) -> Read[str, Counts]:
        """The targets of each group, counted; first of those whose turn did not come last time."""
        text = self.registry.document(*_LATE)
        before = frozenset(json.loads(text)) if text else frozenset()
        arns = sorted({group_of(record) or "" for record in measured}, key=lambda arn: (id_of(arn) not in before, arn))
        pace = Pace(self.now, self.sleep, ends_at)
        read = read_all(arns, lambda arn: count(self.targets.statuses(arn)), pace, self.threads)
        if late := sorted(id_of(arn) for arn in read.late):
            self.registry.put_document(*_LATE, json.dumps(late))
        elif text:
            self.registry.delete_document(*_LATE)
        return read

    def _services(
        self, measured: Sequence[ClaimRecord], groups: Mapping[str, Counts], ends_at: float
    ) -> "Read[tuple[ServiceId, ...], dict[ServiceId, EcsService | None]]":
        """The ECS services of routes whose targets do not answer for themselves, by tens of one cluster."""
        asked = sorted(
            {r.claim.service for r in measured if (seen := groups.get(group_of(r) or "")) and asks_ecs(seen)}
        )
        batches = [
            batch
            for _, cluster in groupby(asked, key=lambda service: service.arn.rsplit("/", 1)[0])
            for batch in batched(cluster, _DESCRIBE_SERVICES, strict=False)
        ]
        pace = Pace(self.now, self.sleep, ends_at, every=1 / self.ecs_reads_per_second)
        return read_all(batches, self._described, pace, self.threads)

    def _described(self, batch: Sequence[ServiceId]) -> dict[ServiceId, EcsService | None]:
        """Each of ``batch`` with what ECS says of it; None where it knows no such service."""
        found = {service.id: service for service in self.ecs.services(batch)}
        return {service: found.get(service) for service in batch}

    def _reading(
        self, record: ClaimRecord, groups: Mapping[str, Counts], services: Mapping[ServiceId, EcsService | None]
    ) -> Reading:
        counts = groups.get(group_of(record) or "")
        service = record.claim.service
        if counts is None or (asks_ecs(counts) and service not in services):
            return Reading(record, counts, None, is_unknown=True)
        return Reading(record, counts, impaired(record, counts, services.get(service), self.now()))


def _is_measured(record: ClaimRecord) -> bool:
    """Whether the route has a target group whose targets say something of it."""
    return group_of(record) is not None and record.answer.state != "Removed"
