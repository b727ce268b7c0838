"""From the routes of an ECS service to the claims on Lattice services that stand for them: pure.

A claim is declared as long as a route of the effective revision asks for it; it is vanished from the moment nothing does,
and deleted once ECS says that the service is DRAINING or INACTIVE. ``named`` and ``serving`` are facts read from the listed
deployments and from what the controller has registered.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ecs_lattice.claims import Claim, ClaimRecord, Phase
from ecs_lattice.ecs_side import effective_revision
from ecs_lattice.ecs_side.record import EcsRecord
from ecs_lattice.facts import EcsService
from ecs_lattice.model import Placement, Route, ServiceId

_DAY_SECONDS = 86400

Presence = Literal["active", "not_found", "deleted"]


@dataclass(frozen=True, slots=True)
class AttachmentFacts:
    """What stands attached. ``named``: groups that a listed deployment names or in which the controller has targets;
    ``completed``: those that the newest completed deployment names, None when none is listed; ``controlled``: those
    in which the controller has registered all tasks. ``replaced``: groups of ours that are named and that no claim
    explains, by port name: the group before the present one."""

    named: frozenset[str] = frozenset()
    completed: frozenset[str] | None = None
    controlled: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()

    @classmethod
    def of(cls, service: EcsService | None, record: EcsRecord, unexplained: frozenset[str]) -> "AttachmentFacts":
        """The facts in what ECS lists and the record remembers; ``unexplained``: our groups that no claim has."""
        entries = [entry for one in service.deployments for entry in one.entries] if service else []
        newest = effective_revision.newest_completed(service) if service else None
        return cls(
            named=frozenset(entry.group_arn for entry in entries) | frozenset(group for group, _ in record.registered),
            completed=frozenset(entry.group_arn for entry in newest.entries) if newest else None,
            controlled=frozenset(record.controlled),
            replaced=frozenset(entry.port_name for entry in entries if entry.group_arn in unexplained),
        )


@dataclass(frozen=True, slots=True)
class DesiredState:
    """What the ECS service asks for now. ``routes`` None: what stands declared stays (the declaration is refused).

    ``placements`` and ``own_groups`` are by route name. ``presence``: ``not_found`` when ECS does not know the service,
    ``deleted`` when it is DRAINING or INACTIVE; ``since`` is when that was first seen (epoch seconds). ``at_once``: what goes
    waits for no grace time. ``governed``: ECS shifts the service's traffic itself, on whatever rules its list names: all claims
    are held as if they were paused, so that neither their rules nor their groups are written.
    """

    service: ServiceId
    created_at: float
    routes: tuple[Route, ...] | None
    placements: Mapping[str, Placement]
    own_groups: Mapping[str, str]
    presence: Presence
    since: float
    now: float
    at_once: bool = False
    governed: bool = False


def wanted(asked: DesiredState, records: Iterable[ClaimRecord], facts: AttachmentFacts) -> tuple[Claim, ...]:
    """Every claim of the service as it should stand, those first that are declared; what is over has none."""
    known = {_key(record.claim): record for record in records}
    routes = [record.claim.route for record in known.values() if record.claim.phase == "declared"]
    routes = routes if asked.routes is None else list(asked.routes)
    routes = routes if asked.presence == "active" else []
    held = any(route.pause for route in routes) or (asked.governed and asked.presence == "active")
    declared = [_declared(asked, route, known.get((route.lattice_service, route.name))) for route in routes]
    keys = {_key(claim) for claim in declared}
    leaving = [
        _leaving(asked, record.claim, held=held)
        for key, record in sorted(known.items())
        if key not in keys and not is_over(record)
    ]
    return tuple(with_facts(claim, known.get(_key(claim)), facts, asked.presence) for claim in (*declared, *leaving))


def over(records: Iterable[ClaimRecord], claims: Iterable[Claim]) -> tuple[ClaimRecord, ...]:
    """The records to delete: nothing is left of them, and nobody asks for them again."""
    keys = {_key(claim) for claim in claims}
    return tuple(record for record in records if is_over(record) and _key(record.claim) not in keys)


def is_over(record: ClaimRecord) -> bool:
    """Whether the Lattice side has answered this very claim that nothing of it is left."""
    return record.claim.phase != "declared" and record.answer.state == "Removed" and not record.is_unapplied


def with_facts(
    claim: Claim, record: ClaimRecord | None, facts: AttachmentFacts, presence: Presence = "active"
) -> Claim:
    """``claim`` with ``named`` and ``serving`` as they are now."""
    before = record.claim if record else claim
    group = claim.own_group or (record.answer.group_arn if record else None)
    parked = record is not None and record.answer.state == "Parked"
    named = group in facts.named or claim.route.port_name in facts.replaced
    if presence == "not_found" and not parked:
        named = before.named  # one read that does not find the service proves nothing
    if group is None:
        serving = False
    elif group in facts.controlled:
        serving = True
    elif facts.completed is None or presence != "active":
        serving = before.serving  # no completed deployment is listed: the last one seen counts
    else:
        serving = group in facts.completed
    return dataclasses.replace(claim, named=named, serving=serving)


def _declared(asked: DesiredState, route: Route, record: ClaimRecord | None) -> Claim:
    if record and (route.pause or asked.routes is None):
        # Paused, or refused: what was asked last stays.
        pause = asked.governed or asked.routes is not None or record.claim.route.pause
        kept = dataclasses.replace(record.claim.route, pause=pause)
        return dataclasses.replace(record.claim, route=kept, phase="declared", since=0.0)
    return Claim(
        service=asked.service,
        created_at=asked.created_at,
        route=route,
        placement=asked.placements[route.name],
        own_group=asked.own_groups.get(route.name),
    )


def _leaving(asked: DesiredState, claim: Claim, *, held: bool) -> Claim:
    if held or (claim.route.pause and asked.presence != "active" and asked.now - asked.since < _DAY_SECONDS):
        return dataclasses.replace(claim, route=dataclasses.replace(claim.route, pause=True))
    phase: Phase = "deleted" if asked.presence == "deleted" else "vanished"
    if phase == "vanished" and claim.phase == "deleted" and asked.presence == "not_found":
        phase = "deleted"  # DELETED was seen before ECS forgot the service altogether
    since = claim.since if claim.phase == phase else asked.now
    since = 0.0 if asked.at_once else since
    return dataclasses.replace(claim, route=dataclasses.replace(claim.route, pause=False), phase=phase, since=since)


def _key(claim: Claim) -> tuple[str, str]:
    return claim.route.lattice_service, claim.route.name
