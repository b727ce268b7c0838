"""From the routes of an ECS service to its claims on Lattice services: pure.

A claim is declared while a route of the effective revision asks for it, vanished from the moment no route does, and
deleted once ECS reports the service as DRAINING or INACTIVE. A service of which no deployment has ever completed makes no
claim. ``named`` and ``serving`` are facts read from the listed deployments and from what the controller has registered.
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ecs_lattice.claims import Claim, ClaimRecord, Phase
from ecs_lattice.ecs_side.claiming import RouteKey, is_over, route_key
from ecs_lattice.ecs_side.moves import waits_for_successor
from ecs_lattice.ecs_side.observation import Observation, Presence
from ecs_lattice.ecs_side.record import EcsRecord
from ecs_lattice.model import Placement, Route
from ecs_lattice.outcome import Problem
from ecs_lattice.settings import Settings

_DAY_SECONDS = 86400


@dataclass(frozen=True, slots=True)
class AttachmentFacts:
    """What is attached now, as target-group ARNs.

    ``named``: groups that a listed deployment names or in which the controller has targets. ``completed``: groups that
    the newest completed deployment names; None when no completed deployment is listed. ``controlled``: groups in which
    the controller has registered all tasks. ``replaced``: port names whose listed group is ours and that no claim
    explains: the predecessor of the present group.
    """

    named: frozenset[str] = frozenset()
    completed: frozenset[str] | None = None
    controlled: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RouteState:
    """A claim as it is about to be written, and its record as it was read (that of a new claim has no answer yet).

    ``by_ecs``: ECS attaches its tasks; otherwise the controller registers them. ``group``: the target group that the
    Lattice side has created for it. ``closed``: why the tasks' security groups keep VPC Lattice out; None when they do
    not. ``pending_timer``: the name of the timer that says since when it has been pending. ``is_lost``: somebody has
    removed its group from the list, so that the controller has taken over from ECS.
    """

    claim: Claim
    record: ClaimRecord
    by_ecs: bool
    group: str | None = None
    closed: Problem | None = None
    pending_timer: str = ""
    is_lost: bool = False

    @property
    def is_answered(self) -> bool:
        """Whether the answer is for the claim as it is now; ``named`` and ``serving`` need no other answer."""
        stored = self.record.claim
        return not self.record.is_unapplied and stored == dataclasses.replace(
            self.claim, named=stored.named, serving=stored.serving
        )

    @property
    def is_pending(self) -> bool:
        return self.claim.phase == "declared" and (
            self.record.answer.state in {"Pending", "Parked", "Removed"} or not self.is_answered
        )

    @property
    def is_detachable(self) -> bool:
        """Whether the route has stopped taking traffic, so that its tasks can be detached."""
        return self.claim.phase != "declared" and self.record.answer.state in {"Parked", "Removed"}

    @property
    def is_attachable(self) -> bool:
        """Whether ECS is to attach its group once the answer is for the claim as it is now (:attr:`is_answered`)."""
        may_attach = self.by_ecs and self.closed is None
        return may_attach and self.claim.phase == "declared" and self.record.answer.state in {"Wired", "Live"}

    def is_registrable(self, has_targets: bool) -> bool:
        """Whether the controller is to register its tasks; ``has_targets``: it has done so before."""
        may_register = has_targets or self.is_lost or self.record.answer.state in {"Wired", "Live"}
        return may_register and not self.is_detachable

    @property
    def is_settled(self) -> bool:
        """Whether nothing more happens to the route by itself."""
        at_rest = {"Live", "Refused", "Conflicted", "Paused"}
        return self.is_detachable or (self.record.answer.state in at_rest and self.is_answered)


def leftovers(route_states: Iterable[RouteState], ours: frozenset[str]) -> frozenset[str]:
    """Groups of ours that no claim explains: replaced groups, and those whose claims were lost with the table."""
    return ours - {state.group for state in route_states if state.group}


def leftover_seconds(settings: Settings, *, uninstalls: bool) -> float:
    """For how long every route has to have been settled before tasks leave a group that no claim explains: the grace time
    (decision 11), which an uninstall does not wait for."""
    return settings.settle_seconds if uninstalls else max(settings.grace_seconds, settings.settle_seconds)


def is_leftover_over(
    group: str, timers: Mapping[str, float], settings: Settings, now: float, *, uninstalls: bool
) -> bool:
    """Whether tasks may leave a group that no claim explains; ``timers`` are the record's."""
    return now - timers.get(f"leftover:{group}", math.inf) >= leftover_seconds(settings, uninstalls=uninstalls)


def attachment_facts(observed: Observation, record: EcsRecord) -> AttachmentFacts:
    """What is attached, by what ECS lists and ``record`` says."""
    unclaimed, completed = observed.ours - observed.claimed, observed.completed
    deployments = observed.service.deployments if observed.service else ()
    entries = (entry for deployment in deployments for entry in deployment.entries)
    return AttachmentFacts(
        named=observed.listed | record.registered.keys(),
        completed=frozenset(entry.group_arn for entry in completed.entries) if completed else None,
        controlled=frozenset(record.controlled),
        replaced=frozenset(entry.port_name for entry in entries if entry.group_arn in unclaimed),
    )


def desired_claims(observed: Observation, facts: AttachmentFacts) -> dict[RouteKey, Claim]:
    """Every claim of the service as it should be, declared claims first; without those that are over.

    If ECS shifts the service's traffic, all claims are held as if they were paused: ECS changes the rules that the
    service's list names, so neither rules nor groups are written.
    """
    records = observed.claims
    shifts = observed.shifts_traffic and observed.presence == "active"
    claims = _declared(observed, is_paused=shifts)
    for key, record in observed.claims.items():
        if key not in claims and waits_for_successor(observed, key, record):
            claims[key] = _as_before(record.claim, pause=record.claim.route.pause)
    is_held = shifts or any(claim.route.pause for claim in claims.values())
    for key, record in sorted(records.items()):
        if not (key in claims or is_over(record)):
            # What was rebuilt from tags is held until a declaration that is followed says whether it is declared.
            is_unsaid = observed.routes is None or bool(observed.withheld)
            is_rebuilt = is_unsaid and observed.presence == "active" and not record.claim.created_at
            claims[key] = _leaving(observed, record.claim, is_held=is_held or is_rebuilt)
    return {key: with_facts(claim, records.get(key), facts, observed.presence) for key, claim in claims.items()}


def with_facts(
    claim: Claim, record: ClaimRecord | None, facts: AttachmentFacts, presence: Presence = "active"
) -> Claim:
    """``claim`` with ``named`` and ``serving`` as they are now."""
    record = record or ClaimRecord(claim, declared_generation=1)
    group = claim.own_group or record.answer.group_arn
    if presence == "not_found" and record.answer.state != "Parked":
        named = record.claim.named  # a single read that does not find the service proves nothing
    else:
        named = group in facts.named or claim.route.port_name in facts.replaced
    if group is None:
        serving = False
    elif group in facts.controlled:
        serving = True
    elif facts.completed is None or presence != "active":
        serving = record.claim.serving  # no completed deployment is listed: the last one that was seen counts
    else:
        serving = group in facts.completed
    return dataclasses.replace(claim, named=named, serving=serving)


def _declared(observed: Observation, *, is_paused: bool) -> dict[RouteKey, Claim]:
    """The declared claims. A paused route keeps its previous claim, as does every route of a declaration that is refused
    or waits for its first deployment; and a live one that may make no new claim."""
    if observed.routes is None:
        return _as_they_were(observed, is_paused=is_paused)
    claims: dict[RouteKey, Claim] = {}
    for route in observed.routes:
        key = route_key(route)
        standing, is_withheld = observed.claims.get(key), key in observed.withheld
        if standing and (route.pause or (is_withheld and standing.answer.was_live)):
            claims[key] = _as_before(standing.claim, pause=is_paused or route.pause)
        elif not is_withheld:
            claims[key] = _new(observed, route)
    return claims


def _new(observed: Observation, route: Route) -> Claim:
    """The claim of a route as it is declared."""
    subnets, revision = observed.record.subnets, observed.revision
    assert subnets is not None  # they were read with the declaration,
    assert revision is not None  # which is that of the effective revision
    port = next(port.container_port for port in revision.task_definition.ports if port.name == route.port_name)
    group, owner = observed.listed_by_port.get(route.port_name, (None, None))
    return Claim(
        observed.service_id,
        observed.record.created_at,
        route,
        Placement(subnets.vpc_id, subnets.family, port),
        own_group=group if owner and owner.kind == "somebody" else None,
        claimed_at=observed.claimed_at.get(route_key(route), observed.now),
        task_family=revision.task_definition.family,
    )


def _as_they_were(observed: Observation, *, is_paused: bool) -> dict[RouteKey, Claim]:
    """The previous claims, paused if they were or if ``is_paused``. A service that waits for its first deployment keeps
    none of a predecessor's."""
    claims = {key: record.claim for key, record in observed.claims.items() if record.claim.phase == "declared"}
    if observed.waiting:
        created_at = observed.record.created_at
        claims = {key: claim for key, claim in claims.items() if claim.created_at == created_at}
    return {key: _as_before(claim, pause=is_paused or claim.route.pause) for key, claim in claims.items()}


def _as_before(claim: Claim, *, pause: bool) -> Claim:
    return dataclasses.replace(claim, route=dataclasses.replace(claim.route, pause=pause), phase="declared", since=0.0)


def _leaving(observed: Observation, claim: Claim, *, is_held: bool) -> Claim:
    presence, now = observed.presence, observed.now
    missing_for = now - observed.record.timers.get(presence, -math.inf)
    if is_held or (claim.route.pause and missing_for < _DAY_SECONDS):
        return dataclasses.replace(claim, route=dataclasses.replace(claim.route, pause=True))
    # A service that was seen deleted stays so when ECS forgets it altogether.
    was_deleted = presence == "not_found" and claim.phase == "deleted"
    phase: Phase = "deleted" if presence == "deleted" or was_deleted else "vanished"
    since = claim.since if claim.phase == phase else now
    since = 0.0 if observed.uninstalls else since
    return dataclasses.replace(claim, route=dataclasses.replace(claim.route, pause=False), phase=phase, since=since)
