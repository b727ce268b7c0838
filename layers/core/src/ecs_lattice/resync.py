"""The level under the edges: a paced sweep that finds what no event told, and rings for it.

Rings an ECS service when what ECS says of it differs from what the last sweep saw, again each time it has been so for
twice as long (at least once in the drift time: the bell or its reconcile may have failed), when its record says that it
is not settled, or when it has claims but ECS no longer lists it; a Lattice service when it is overdue, when a route on it
is refused or in conflict (what AWS refused may be allowed by now), or when it has not been read for the drift time.
Reads at most ``ecs_reads_per_second`` of ECS's service reads, which the account shares with its own deployments
(ECS API throttling: burst 100, refill 20 a second), and keeps a cursor when the time runs out.
"""

import dataclasses
import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import batched
from typing import Any, Protocol

from ecs_lattice import codec
from ecs_lattice.claims import Claim, LatticeRecord
from ecs_lattice.ecs_side.record import is_settled
from ecs_lattice.errors import UnknownEventError
from ecs_lattice.facts import EcsService
from ecs_lattice.health.alarm_sync import AlarmSync
from ecs_lattice.ingress.group import is_service
from ecs_lattice.ingress.open import Ingress
from ecs_lattice.ingress.sweep import Sweeper
from ecs_lattice.messages.requests import ReconcileRequest
from ecs_lattice.model import Placement, Route, ServiceId
from ecs_lattice.ports import Ecs, Now, Registry, RequestQueue
from ecs_lattice.settings import Settings
from ecs_lattice.uninstall_state import UNINSTALL, UNINSTALLED

_log = logging.getLogger(__name__)
_DESCRIBE_SERVICES = 10  # ECS API, DescribeServices
_APPROVAL_SECONDS = 3600
_AGAIN_SECONDS = 600  # a service that was rung for is not rung for again sooner without a reason
_ALARMS_SECONDS = 60.0  # at most, for deleting the routes' alarms
_LATE_SECONDS = 60  # how long a delayed bell may take beyond its time


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did: how many services it read and which bells it rang; ``complete`` unless the time ran out."""

    read: int
    enqueued: int
    complete: bool


@dataclass(frozen=True, slots=True)
class LastSeen:
    """What the sweep saw of a service: since when (epoch seconds) it has looked so, and when it was last rung for."""

    fingerprint: str
    since: float
    enqueued_at: float

    @classmethod
    def parse(cls, text: str) -> "LastSeen | None":
        """The sighting that was stored; None for what is not one."""
        try:
            return codec.loads(cls, text)
        except (ValueError, TypeError, AttributeError):
            return None


@dataclass(frozen=True, slots=True)
class OwnedGroup:
    """A target group with our tag: for which ECS service it was made, and the Lattice services whose rules name it."""

    arn: str
    cluster: str
    service: str
    lattice_services: tuple[str, ...]
    placement: Placement


class Owned(Protocol):
    """What carries our tag."""

    def groups(self) -> Iterator[OwnedGroup]:
        """All target groups with our tag."""

    def services(self) -> Iterator[tuple[str, str]]:
        """All Lattice services with our tag: name and ARN."""


@dataclass(frozen=True, slots=True)
class Resync:
    """The resync's modes."""

    settings: Settings
    ecs: Ecs
    registry: Registry
    requests: RequestQueue
    owned: Owned
    ingress: Ingress
    now: Now
    sleep: Callable[[float], None]
    alarms: AlarmSync

    def run(self, mode: str, seconds: float) -> dict[str, Any]:
        """Carry out ``mode`` (sweep, uninstall, approve-removals) within ``seconds``; what was done, as data."""
        if mode == "sweep":
            return dataclasses.asdict(self.sweep(seconds))
        if mode == "uninstall":
            return self.uninstall()
        if mode == "approve-removals":
            return self.approve_removals()
        raise UnknownEventError(f"mode {mode!r}; allowed are sweep, uninstall, approve-removals.")

    def sweep(self, seconds: float) -> Swept:
        """Read every service of our clusters and ring for what changed, for ``seconds`` at most."""
        ends_at = self.now() + seconds
        known = dict(self.registry.documents("ecs"))
        clusters = self._clusters_from_cursor()
        read = enqueued = 0
        listed: set[str] = set()
        for cluster in clusters:
            if self.now() >= ends_at:
                self.registry.put_document("stack", "cursor", cluster)
                return Swept(read, enqueued, complete=False)
            for services in self._services(cluster):
                listed |= {service.id.arn for service in services}
                read += len(services)
                enqueued += self._enqueue_changed(services, known)
        whole = self.registry.document("stack", "cursor") is None
        self.registry.delete_document("stack", "cursor")
        enqueued += self._enqueue_unlisted(known, listed) if whole else 0
        enqueued += self._enqueue_lattice_services()
        if whole:
            enqueued += self._tidy()
            enqueued += self._rebuild()
        return Swept(read, enqueued, complete=True)

    def uninstall(self) -> dict[str, Any]:
        """Release every service, in order and without grace; what is still left is in the answer. Repeat until empty."""
        if self.registry.document("stack", UNINSTALL) is None:
            # An earlier one, taken back by hand, may have ended: its end is none of this one's.
            self.registry.delete_document("stack", UNINSTALLED)
            self.registry.put_document("stack", UNINSTALL, json.dumps({"at": self.now()}))
        # Also what a lost table forgot: nobody will say again that he wants it.
        self._adopt()
        services = [arn for arn, _ in self.registry.documents("ecs")]
        lattice_services = [record.name for record in self.registry.lattice_records()]
        self.requests.enqueue(ReconcileRequest("ecsService", arn, "uninstall", self.now()) for arn in services)
        self.requests.enqueue(
            ReconcileRequest("latticeService", name, "uninstall", self.now()) for name in lattice_services
        )
        is_all_released = not services and not lattice_services
        rules = Sweeper(self.ingress, self.registry).sweep(is_all_released=is_all_released).unneeded
        alarms = self.alarms.delete_all(_ALARMS_SECONDS) if is_all_released else self.alarms.names()
        found = {
            "ecsServices": services,
            "latticeServices": lattice_services,
            "securityGroupRules": rules,
            "alarms": alarms,
        }
        left = {kind: sorted(ones) for kind, ones in found.items()}
        self._remember_the_end(has_ended=not any(left.values()))
        return {"left": left}

    def _remember_the_end(self, *, has_ended: bool) -> None:
        """From then on the deletion of the stack takes away what the stack retains (:mod:`ecs_lattice.retained`)."""
        if has_ended:
            self.registry.put_document("stack", UNINSTALLED, json.dumps({"at": self.now()}))
        elif self.registry.document("stack", UNINSTALLED) is not None:
            self.registry.delete_document("stack", UNINSTALLED)

    def _tidy(self) -> int:
        """Security groups: what is needed comes back, what nobody needs goes; rings for those who waited for it."""
        done = Sweeper(self.ingress, self.registry).sweep()
        for problem in done.problems:
            _log.warning("Security groups: %s", problem)
        helped = sorted(consumer for consumer in done.helped if is_service(consumer))
        self.requests.enqueue(
            ReconcileRequest("ecsService", arn, "resync: its security group was opened", self.now()) for arn in helped
        )
        return len(helped)

    def approve_removals(self) -> dict[str, Any]:
        """Let removals beyond the ceiling go on for an hour."""
        until = self.now() + _APPROVAL_SECONDS
        self.registry.put_document("stack", "removals-approved", json.dumps({"until": until}), expires_at=until)
        names = [record.name for record in self.registry.lattice_records()]
        self.requests.enqueue(
            ReconcileRequest("latticeService", name, "removals approved", self.now()) for name in names
        )
        return {"approvedUntil": until}

    def _clusters_from_cursor(self) -> list[str]:
        clusters = sorted(cluster for cluster in self.ecs.clusters() if self._is_ours(cluster))
        cursor = self.registry.document("stack", "cursor")
        return [cluster for cluster in clusters if cursor is None or cluster >= cursor]

    def _is_ours(self, cluster_arn: str) -> bool:
        name = cluster_arn.rsplit("/", 1)[-1]
        return not self.settings.clusters or any(fnmatchcase(name, glob) for glob in self.settings.clusters)

    def _services(self, cluster: str) -> Iterator[tuple[EcsService, ...]]:
        """The services of a cluster by tens, paced. A service is read before the next list page is asked for."""
        for ids in batched(self.ecs.service_ids(cluster), _DESCRIBE_SERVICES, strict=False):
            self.sleep(1 / self.settings.ecs_reads_per_second)
            yield self.ecs.services(ids)

    def _enqueue_changed(self, services: tuple[EcsService, ...], known: dict[str, str]) -> int:
        prints = {service.id.arn: fingerprint(service) for service in services}
        seen = {arn: LastSeen.parse(text) for arn, text in self.registry.documents_of("seen", prints).items()}
        fresh = {arn: self._sighting(seen.get(arn), text) for arn, text in prints.items()}
        changed = {arn: sighting for arn, sighting in fresh.items() if sighting is not None}
        unsettled = [arn for arn in prints if arn in known and not is_settled(known[arn])]
        self.requests.enqueue(
            ReconcileRequest("ecsService", arn, "resync", self.now()) for arn in {*changed, *unsettled}
        )
        # Only after the bells: a crash in between rings again instead of forgetting.
        for arn, sighting in changed.items():
            self.registry.put_document("seen", arn, codec.dumps(sighting))
        return len({*changed, *unsettled})

    def _sighting(self, before: "LastSeen | None", text: str) -> "LastSeen | None":
        """What to remember when the service is to be rung for; None when it is not."""
        now = self.now()
        if before is None or before.fingerprint != text:
            return LastSeen(text, now, now)
        wait = min(before.enqueued_at - before.since, self.settings.drift_hours * 3600)
        return (
            dataclasses.replace(before, enqueued_at=now)
            if now - before.enqueued_at >= max(wait, _AGAIN_SECONDS)
            else None
        )

    def _enqueue_unlisted(self, known: dict[str, str], listed: set[str]) -> int:
        missing = [arn for arn in known if arn not in listed and self._is_ours(ServiceId(arn).cluster)]
        self.requests.enqueue(
            ReconcileRequest("ecsService", arn, "resync: no longer listed", self.now()) for arn in missing
        )
        for arn in missing:
            self.registry.delete_document("seen", arn)
        return len(missing)

    def _enqueue_lattice_services(self) -> int:
        """Ring for those that wanted to be looked at and were not (a delayed bell was lost), those that refused something,
        and those that nobody has read for the drift time, spread by name so that they do not come at once.
        """
        names, routes = [], 0
        for record in self.registry.lattice_records():
            claims = self.registry.claims_on(record.name)
            routes += len(claims)
            if self._is_due(record) or any(one.answer.state in {"Refused", "Conflicted"} for one in claims):
                names.append(record.name)
        self.requests.enqueue(ReconcileRequest("latticeService", name, "resync", self.now()) for name in names)
        # How many routes there are, for the removals' ceiling.
        if self.registry.document("stack", "routes") != str(routes):
            self.registry.put_document("stack", "routes", str(routes))
        return len(names)

    def _is_due(self, record: LatticeRecord) -> bool:
        if record.due_at and self.now() > record.due_at + _LATE_SECONDS:
            return True
        spread = 0.8 + 0.2 * int(hashlib.sha256(record.name.encode()).hexdigest()[:4], 16) / 0xFFFF
        return self.now() - record.read_at >= self.settings.drift_hours * 3600 * spread

    def _rebuild(self) -> int:
        """A table without its marker is new or was lost. Its first whole sweep rings for every service, so that those who
        declare something say so again; the second one writes a vanished claim for every target group of ours that
        nobody claims, which then goes the way of all routes, and sets the marker.
        """
        if self.registry.document("stack", "marker") is not None:
            return 0
        if self.registry.document("stack", "rebuilding") is None:
            self.registry.put_document("stack", "rebuilding", json.dumps({"at": self.now()}))
            return 0
        enqueued = self._adopt()
        self.registry.put_document("stack", "marker", json.dumps({"sweptAt": self.now()}))
        self.registry.delete_document("stack", "rebuilding")
        return enqueued

    def _adopt(self) -> int:
        """Take what carries our tag and is not known into the registry: Lattice services as they are, target groups as
        vanished claims; how many bells that rang.
        """
        known = {record.name for record in self.registry.lattice_records() if record.service_arn}
        for name, arn in self.owned.services():
            if name not in known:
                self.registry.put_lattice(dataclasses.replace(self.registry.lattice(name), service_arn=arn))
        return sum(self._reclaim(group, name) for group in self.owned.groups() for name in group.lattice_services)

    def _reclaim(self, group: OwnedGroup, lattice_service: str) -> int:
        """A vanished claim for a group that no claim of its ECS service explains; how many bells that rang."""
        _, partition, _, region, account, *_ = group.arn.split(":")
        service = ServiceId(f"arn:{partition}:ecs:{region}:{account}:service/{group.cluster}/{group.service}")
        if any(record.claim.service == service for record in self.registry.claims_on(lattice_service)):
            return 0
        stem = hashlib.sha256(group.arn.encode()).hexdigest()[:10]
        route = Route(f"lost-{stem}", lattice_service, port_name=f"lost-{stem}")
        claim = Claim(service, 0.0, route, group.placement, "vanished", self.now(), own_group=group.arn, named=True)
        self.registry.put_claim(claim)
        self.requests.enqueue([ReconcileRequest("ecsService", service.arn, "resync: rebuilt from tags", self.now())])
        return 1


def fingerprint(service: EcsService) -> str:
    """What of a service can make a reconcile necessary, as a short hash; two equal ones need no bell."""
    deployments = [
        (d.id, d.status, d.rollout, d.task_definition, codec.to_data(d.entries)) for d in service.deployments
    ]
    parts = [
        service.status,
        service.created_at,
        service.controller,
        service.strategy,
        sorted(service.tags),
        deployments,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:20]
