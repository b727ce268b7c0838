"""The probe (decision 17): each minute it reads the targets of every route, publishes their health, and synchronizes
the routes' alarms.

Level-triggered like everything here: what is remembered between runs decides what is read first and which zeros are published,
never whether a route is impaired, except that of an ECS service that cannot be read.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched, groupby

from ecs_lattice import drift_limit
from ecs_lattice.claims import ClaimRecord, RepeatedStep
from ecs_lattice.codec import dumps, from_data
from ecs_lattice.errors import AlarmsError
from ecs_lattice.facts import EcsService
from ecs_lattice.graph import id_of
from ecs_lattice.health import metric_names
from ecs_lattice.health.alarm_sync import AlarmSync, Existing, SyncedAlarms
from ecs_lattice.health.counts import Counts, count
from ecs_lattice.health.impaired import asks_ecs, group_of, impaired, is_measured
from ecs_lattice.health.pace import Pace, Read, read_all
from ecs_lattice.health.ports import MetricsSink, TargetStatuses
from ecs_lattice.health.publish import Reading, stack_members
from ecs_lattice.health.restarts import MOST_READ, is_restarting, replaces_tasks
from ecs_lattice.health.series import Series
from ecs_lattice.messages.requests import ReconcileRequest
from ecs_lattice.model import ServiceId
from ecs_lattice.ports import Ecs, Now, Registry, RequestQueue
from ecs_lattice.stack_state import is_complete

# Shares of the time after which the reads of targets and of ECS end; the rest is for the alarms.
_READ_SHARE, _ECS_SHARE = 0.7, 0.9
_DESCRIBE_SERVICES = 10  # ECS API, DescribeServices
_MOST_NOT_REACHED = 2000  # a registry item has a bound; the rest has no precedence
_MOST_REQUESTS = 100  # a minute, at a write each; the others are due in the next
_RESTARTING = (
    "probe",
    "restarting",
)  # the document with the ARNs of the ECS services that restarted tasks in the last run
_SERIES = ("probe", "series")  # the document with the routes of which each minute has a value, and until when
_ALARMS = ("probe", "alarms")  # the document with the changes of alarms that CloudWatch may not have kept
_NOT_REACHED = ("probe", "not-reached")  # the document with the ids of the groups that the last run did not reach


@dataclass(frozen=True, slots=True)
class Probed:
    """The result of a run: the number of routes, impaired ones and unknown ones; the reasons of failed reads by target group or
    batch of ECS services; the number of groups not reached; and the changes of alarms."""

    routes: int
    impaired: int
    unknown: int
    unread: Mapping[str, str]
    not_reached: int
    alarms: SyncedAlarms

    def raise_for_alarms(self) -> None:
        """Raise AlarmsError when AWS rejected calls about the alarms: the metrics are published by then, and the alarm on the
        function's errors reports it."""
        if self.alarms.problems:
            raise AlarmsError("Some alarms of routes could not be updated. " + " ".join(self.alarms.problems))


@dataclass(frozen=True, slots=True)
class Probe:
    """Runs once a minute. Lists the targets of ``threads`` groups at a time; ``ecs_reads_per_second`` limits reads of ECS."""

    owner: str
    registry: Registry
    targets: TargetStatuses
    ecs: Ecs
    requests: RequestQueue
    metrics: MetricsSink
    alarm_sync: AlarmSync
    now: Now
    sleep: Callable[[float], None]
    threads: int = 6
    ecs_reads_per_second: float = 5.0

    def run(self, seconds: float) -> Probed:
        """Probe all routes once within ``seconds``. Raises AwsError when the registry cannot be read."""
        began = self.now()
        claims = tuple(self.registry.claims())
        measured = [record for record in claims if is_measured(record)]
        groups = self._groups(measured, began + seconds * _READ_SHARE)
        remembered = self._remembered()
        before = remembered & {record.claim.service.arn for record in measured}
        services = self._services(measured, groups.values, before, began + seconds * _ECS_SHARE)
        known = {service: found for batch in services.values.values() for service, found in batch.items()}
        candidates = self._candidates(measured, groups.values, before)
        restarting = self._restarting(candidates, known, before, began + seconds * _ECS_SHARE)
        if restarting != remembered:
            self.registry.put_document(*_RESTARTING, json.dumps(sorted(restarting)))
        readings = [self._reading(record, groups.values, known, restarting) for record in measured]
        totals = stack_members(readings)
        existing = self._publish(readings, totals)
        alarms = self._sync_alarms(claims, began + seconds - self.now(), existing)
        self._request(readings)  # last: neither metrics nor alarms wait for the queue
        return Probed(
            routes=len(readings),
            impaired=sum(reading.impaired is True for reading in readings),
            unknown=int(totals[metric_names.UNKNOWN]),
            unread=_unread(groups.failed, services.failed),
            not_reached=len(groups.not_reached),
            alarms=alarms,
        )

    def _publish(self, readings: Sequence[Reading], totals: Mapping[str, float]) -> Existing:
        """Publish this minute, then the zeros that the alarms need beside it; the alarms."""
        series = Series.parse(self.registry.document(*_SERIES), self.now())
        for reading in readings:
            self.metrics.publish(reading.dimensions, series.values(reading), reading.members())
        self.metrics.publish({metric_names.OWNER: self.owner}, {metric_names.HEARTBEAT: 1.0}, totals)
        existing = self.alarm_sync.existing()  # no metric of this minute waits for it
        found = [(reading, self._state(reading, existing.states)) for reading in readings]
        for reading, state in found:
            for at in series.zeros(reading, state):
                self.metrics.publish(reading.dimensions, {metric_names.IMPAIRED: 0.0}, at=at)
        # Last: a run that dies before publishes the zeros once more, which changes no maximum. What is over is only left out
        # when something is added: it says nothing, and at rest nothing is written.
        if (after := series.extended(found)) != series:
            self.registry.put_document(*_SERIES, after.text)
        return existing

    def _state(self, reading: Reading, states: Mapping[str, str] | None) -> str | None:
        """The state of the route's alarm; empty: it has none; None: unknown."""
        route = reading.record.claim.route
        name = metric_names.alarm_name(self.owner, route.lattice_service, reading.record.claim.service, route.name)
        return None if states is None else states.get(name, "")

    def _sync_alarms(self, claims: tuple[ClaimRecord, ...], seconds: float, existing: Existing) -> SyncedAlarms:
        text, may_delete = self.registry.document(*_ALARMS), is_complete(self.registry)
        known = tuple(from_data(RepeatedStep, each) for each in json.loads(text or "[]"))
        synced = self.alarm_sync.sync(claims, seconds, may_delete=may_delete, existing=existing, known=known)
        if synced.repeated != known:
            self.registry.put_document(*_ALARMS, dumps(list(synced.repeated)))
        return synced

    def _request(self, readings: Sequence[Reading]) -> None:
        """Have the Lattice services reconciled in which something may have been changed by hand."""
        now, names = self.now(), sorted({each.record.lattice_service for each in readings if each.is_broken})
        asked = drift_limit.asked(self.registry, names)
        due = [(name, made) for name in names if (made := asked[name].by_probe(now))][:_MOST_REQUESTS]
        for name, made in due:  # before the requests: a run that dies sends none, rather than one a minute
            drift_limit.remember(self.registry, name, made)
        if due:
            cause = "a route is impaired, or its target group is unused"
            self.requests.enqueue([ReconcileRequest("latticeService", name, cause, now) for name, _ in due])

    def _remembered(self) -> frozenset[str]:
        """The ARNs of the ECS services that restarted tasks in the last run."""
        return frozenset(json.loads(self.registry.document(*_RESTARTING) or "[]"))

    def _groups(self, measured: Sequence[ClaimRecord], ends_at: float) -> Read[str, Counts]:
        """The targets of each group, counted; the groups that the last run did not reach come first."""
        text = self.registry.document(*_NOT_REACHED)
        before = frozenset(json.loads(text)) if text else frozenset()
        arns = sorted({group_of(record) or "" for record in measured}, key=lambda arn: (id_of(arn) not in before, arn))
        pace = Pace(self.now, self.sleep, ends_at)
        read = read_all(arns, lambda arn: count(self.targets.statuses(arn)), pace, self.threads)
        if not_reached := sorted(id_of(arn) for arn in read.not_reached):
            self.registry.put_document(*_NOT_REACHED, json.dumps(not_reached[:_MOST_NOT_REACHED]))
        elif text:
            self.registry.delete_document(*_NOT_REACHED)
        return read

    def _services(
        self, measured: Sequence[ClaimRecord], groups: Mapping[str, Counts], before: frozenset[str], ends_at: float
    ) -> "Read[tuple[ServiceId, ...], dict[ServiceId, EcsService | None]]":
        """The ECS services of routes whose targets alone do not tell their health, in batches of one cluster."""
        unclear = {r.claim.service for r in measured if (counts := groups.get(group_of(r) or "")) and asks_ecs(counts)}
        asked = sorted(unclear.union(self._candidates(measured, groups, before)))
        batches = [
            batch
            for _, cluster in groupby(asked, key=lambda service: service.arn.rsplit("/", 1)[0])
            for batch in batched(cluster, _DESCRIBE_SERVICES, strict=False)
        ]
        pace = Pace(self.now, self.sleep, ends_at, every=1 / self.ecs_reads_per_second)

        def described(batch: Sequence[ServiceId]) -> dict[ServiceId, EcsService | None]:
            # None: ECS does not know the service.
            return {**dict.fromkeys(batch), **{service.id: service for service in self.ecs.services(batch)}}

        return read_all(batches, described, pace, self.threads)

    def _candidates(
        self, measured: Sequence[ClaimRecord], groups: Mapping[str, Counts], before: frozenset[str]
    ) -> list[ServiceId]:
        """The ECS services whose tasks are read: those that restarted tasks in the last run, then others that replace some;
        which of the others, changes from minute to minute."""
        found = {
            record.claim.service
            for record in measured
            if record.claim.service.arn in before or replaces_tasks(groups.get(group_of(record) or "", count(())))
        }
        others = sorted(service for service in found if service.arn not in before)
        first = int(self.now() // 60) * MOST_READ % max(len(others), 1)
        known = sorted(service for service in found if service.arn in before)
        return [*known[: MOST_READ // 2], *others[first:], *others[:first]][:MOST_READ]

    def _restarting(
        self,
        candidates: Sequence[ServiceId],
        services: Mapping[ServiceId, EcsService | None],
        before: frozenset[str],
        ends_at: float,
    ) -> frozenset[str]:
        """The ARNs of the ECS services that restart tasks; what could not be read is as it was."""
        pace = Pace(self.now, self.sleep, ends_at, every=3 / self.ecs_reads_per_second)  # calls a service
        read = read_all(
            [service for service in candidates if services.get(service)], self.ecs.tasks, pace, self.threads
        )
        over = {service.arn for service in candidates if service in services} - {
            service.arn for service in (*read.failed, *read.not_reached)
        }
        found = {
            service.arn
            for service, tasks in read.values.items()
            if (described := services[service]) and is_restarting(described, tasks, self.now())
        }
        return frozenset((before - over) | found)

    def _reading(
        self,
        record: ClaimRecord,
        groups: Mapping[str, Counts],
        services: Mapping[ServiceId, EcsService | None],
        restarting: frozenset[str],
    ) -> Reading:
        counts = groups.get(group_of(record) or "")
        service = record.claim.service
        if counts is None or (asks_ecs(counts) and service not in services):
            return Reading(record, counts, None, is_unknown=True)
        if service.arn in restarting:
            return Reading(record, counts, impaired=True)
        return Reading(record, counts, impaired(record, counts, services.get(service), self.now()))


def _unread(groups: Mapping[str, str], services: Mapping[tuple[ServiceId, ...], str]) -> dict[str, str]:
    """The reasons of failed reads, by target group or batch of ECS services."""
    of_services = {", ".join(map(str, batch)): why for batch, why in services.items()}
    return {id_of(arn): why for arn, why in groups.items()} | of_services
