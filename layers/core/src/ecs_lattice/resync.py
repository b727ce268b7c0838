"""The full resync, in case an event was missed: a paced sweep over all ECS services and all Lattice services.

It requests a reconcile of an ECS service when ECS describes it otherwise than at the last sweep, again each time that this
has lasted twice as long (at least once per drift time: the request or its reconcile may have failed), when its record
says that it is not settled, or when it is known but ECS no longer lists it. It requests one of a Lattice service when it
is overdue, when a claim on it has not been applied, when a route on it is refused or in conflict (what AWS rejected may be
allowed by now), when one is not live or its auth policy is otherwise than known, each time that this has lasted twice as
long, or when nobody has read it for the drift time.

It makes at most ``ecs_reads_per_second`` of ECS's service reads, which the account shares with its own deployments (ECS
API throttling: burst 100, refill 20 per second), and saves a cursor when its time is over, between any ten services: a
*pass* over all of them takes as many runs as it takes. What only a look at everything may judge is judged at its end.
"""

import dataclasses
import hashlib
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ecs_lattice import codec, refusals
from ecs_lattice.claims import HELD_BY_OTHER, ClaimRecord, LatticeRecord
from ecs_lattice.ecs_side.record import is_settled
from ecs_lattice.facts import EcsService
from ecs_lattice.ingress.group import is_service
from ecs_lattice.ingress.sweep import Sweeper, SweptGroups
from ecs_lattice.lasting import Lasting, LastSeen, digest
from ecs_lattice.lattice_side.auth_policies import PolicySweep
from ecs_lattice.lattice_side.network_sweep import NetworkSweep
from ecs_lattice.messages.requests import Kind, ReconcileRequest
from ecs_lattice.ports import Ecs, Now, Registry, RequestQueue, Sleep
from ecs_lattice.rebuild import Rebuild
from ecs_lattice.service_pass import Cursor, ServicePass
from ecs_lattice.settings import Settings

_log = logging.getLogger(__name__)
_APPROVAL_SECONDS = 3600
_NOTICES = 5  # in the answer; all of them are in the log
_REFUSED, _ON_ITS_WAY = {"Refused", "Conflicted"}, {"Pending", "Wired", "Parked"}
_CURSOR = "cursor"
_LATE_SECONDS = 60  # how late a delayed request may arrive


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did: how many services it read and requests it enqueued; ``complete``: it ended a pass.
    ``notices``: what people have to do themselves, the first of it."""

    read: int
    enqueued: int
    complete: bool
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resync:
    """Sweeps."""

    settings: Settings
    ecs: Ecs
    registry: Registry
    requests: RequestQueue
    sweeper: Sweeper
    rebuild: Rebuild
    networks: NetworkSweep
    policies: PolicySweep
    now: Now
    sleep: Sleep

    def sweep(self, seconds: float) -> Swept:
        """Go on with the pass for ``seconds``, but read at least one part of it, so that every pass ends."""
        ends_at = self.now() + seconds
        known = dict(self.registry.documents("ecs"))
        refusals.log(known)
        text = self.registry.document("stack", _CURSOR)
        enqueued, read, has_begun = self._enqueue_lattice_services(), 0, False
        services_of = ServicePass(self.settings, self.ecs, self.sleep)
        for part in services_of.parts(Cursor.parse(text, self.settings), known):
            if has_begun and self.now() >= ends_at:
                self.registry.put_document("stack", _CURSOR, codec.dumps(part.cursor))
                return Swept(read, enqueued, complete=False)
            services = services_of.read(part)
            read, has_begun = read + len(services), True
            enqueued += self._enqueue_changed(services, known) + self._enqueue_unlisted(part.unlisted)
        if text is not None:
            self.registry.delete_document("stack", _CURSOR)
        return self._end_pass(Swept(read, enqueued, complete=True))

    def _end_pass(self, swept: Swept) -> Swept:
        """What may be judged only once every service has been read. Nothing that the pass may not have seen is judged: a rule is
        revoked if the pass before found it unneeded, too, and a lost table is whole after a second pass."""
        groups = self._sweep_security_groups()
        helped = sorted(consumer for consumer in groups.helped if is_service(consumer))
        enqueued = self._enqueue("ecsService", helped, "resync: its security group was opened")
        enqueued += self.rebuild.run()
        notices = tuple(map(str, groups.notices[:_NOTICES]))
        return dataclasses.replace(swept, enqueued=swept.enqueued + enqueued, notices=notices)

    def _sweep_security_groups(self) -> SweptGroups:
        """Restore missing rules and revoke unneeded ones."""
        swept = self.sweeper.sweep()
        for problem in (*swept.problems, *swept.notices):
            _log.warning("Security groups: %s", problem)
        return swept

    def _enqueue_changed(self, services: tuple[EcsService, ...], known: dict[str, str]) -> int:
        fingerprints = {service.id.arn: fingerprint(service, self.settings) for service in services}
        stored = self.registry.documents_of("seen", fingerprints)
        last_seen = {arn: LastSeen.parse(text) for arn, text in stored.items()}
        changed = {arn: self._lasting.changed(last_seen.get(arn), text) for arn, text in fingerprints.items()}
        seen = {arn: now for arn, now in changed.items() if now is not None}
        unsettled = {arn for arn in fingerprints if arn in known and not is_settled(known[arn])}
        enqueued = self._enqueue("ecsService", seen.keys() | unsettled, "resync")
        # Only after the requests: a crash in between enqueues them again instead of forgetting them.
        for arn, now in seen.items():
            self.registry.put_document("seen", arn, codec.dumps(now))
        return enqueued

    def _enqueue_unlisted(self, missing: Sequence[str]) -> int:
        enqueued = self._enqueue("ecsService", missing, "resync: no longer listed")
        for arn in missing:
            self.registry.delete_document("seen", arn)
        return enqueued

    def _enqueue_lattice_services(self) -> int:
        """Those that are due or have something to do, and the ECS services that have not read an answer."""
        claims = sorted(self.registry.claims(), key=lambda record: record.lattice_service)
        on = {name: [*found] for name, found in groupby(claims, key=lambda record: record.lattice_service)}
        records = tuple(self.registry.lattice_records())
        names = {record.name for record in records if self._is_due(record)}
        names |= {record.lattice_service for record in claims if _needs_a_look(record)}
        names |= self._waiting({name: on[name] for name in on.keys() - names})
        names |= self._contradicted(records, on)
        routes = str(len(claims))  # for the budget of removals
        if self.registry.document("stack", "routes") != routes:
            self.registry.put_document("stack", "routes", routes)
        unread = {record.claim.service.arn for record in claims if record.is_unacknowledged}
        enqueued = self._enqueue("latticeService", sorted(names), "resync")
        enqueued += self._enqueue("ecsService", sorted(unread), "resync: an answer has not been read")
        return enqueued + self.networks.sweep(
            records, lambda others: self._enqueue("latticeService", others, "resync: a service network has changed")
        )

    @property
    def _lasting(self) -> Lasting:
        return Lasting(self.registry, self.now, self.settings.drift_hours * 3600)

    def _waiting(self, on: Mapping[str, Sequence[ClaimRecord]]) -> set[str]:
        """Those with a route that is not live yet: each time that this has lasted twice as long."""
        waiting = {
            name: codec.dumps(found)
            for name, claims in on.items()
            if (found := sorted((claim.key, claim.answer_generation) for claim in claims if _is_on_its_way(claim)))
        }
        return self._lasting.due("waiting", waiting)

    def _contradicted(self, records: Sequence[LatticeRecord], on: Mapping[str, Sequence[ClaimRecord]]) -> set[str]:
        """Those whose auth policy is otherwise than is known: each time that this has lasted twice as long."""
        read = self.policies.contradictions(records, on)
        self._lasting.forget("policy", (name for name, is_contradicted in read.items() if not is_contradicted))
        return self._lasting.due("policy", {name: "" for name, is_contradicted in read.items() if is_contradicted})

    def _is_due(self, record: LatticeRecord) -> bool:
        """Whether its delayed request was lost, or nobody has read it for the drift time, spread by name."""
        if record.due_at and self.now() > record.due_at + _LATE_SECONDS:
            return True
        spread = 0.8 + 0.2 * int(hashlib.sha256(record.name.encode()).hexdigest()[:4], 16) / 0xFFFF
        return self.now() - record.read_at >= self.settings.drift_hours * 3600 * spread

    def _enqueue(self, kind: Kind, keys: Iterable[str], cause: str) -> int:
        requests = [ReconcileRequest(kind, key, cause, self.now()) for key in keys]
        self.requests.enqueue(requests)
        return len(requests)


def _needs_a_look(record: ClaimRecord) -> bool:
    """Whether the claim has not been applied (the request may be lost), or AWS may allow by now what it has rejected."""
    # Whoever may not claim it must not cause a read each time: the drift time is enough to see a new holder.
    return record.is_unapplied or (record.answer.state in _REFUSED and record.answer.code != HELD_BY_OTHER)


def _is_on_its_way(record: ClaimRecord) -> bool:
    return record.claim.phase == "declared" and record.answer.state in _ON_ITS_WAY


def approve_removals(registry: Registry, requests: RequestQueue, now: float) -> dict[str, Any]:
    """Let removals beyond the budget continue for an hour."""
    until = now + _APPROVAL_SECONDS
    registry.put_document("stack", "removals-approved", json.dumps({"until": until}), expires_at=until)
    names = [record.name for record in registry.lattice_records()]
    requests.enqueue(ReconcileRequest("latticeService", name, "removals approved", now) for name in names)
    return {"approvedUntil": until}


def fingerprint(service: EcsService, settings: Settings) -> str:
    """A short hash of what can make a reconcile of the service necessary: of the service, and of the stack's parameters, so
    that a changed parameter is followed within one resync."""
    deployments = [
        (found.id, found.status, found.rollout, found.task_definition, codec.to_data(found.entries))
        for found in service.deployments
    ]
    parts = [
        service.status,
        service.created_at,
        service.controller,
        service.strategy,
        sorted(service.tags),
        deployments,
        codec.to_data(settings),
    ]
    return digest(json.dumps(parts))
