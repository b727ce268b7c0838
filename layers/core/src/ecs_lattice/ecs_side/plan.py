"""What one reconcile of an ECS service would do, as data; made from a view and nothing else."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from ecs_lattice.claims import Claim, ClaimRecord
from ecs_lattice.ecs_side import attach, effective_revision
from ecs_lattice.ecs_side import claims as claiming
from ecs_lattice.ecs_side.attach import AttachInput, Decision, RouteState
from ecs_lattice.ecs_side.claims import AttachmentFacts, DesiredState
from ecs_lattice.ecs_side.observe import Observation, explained_groups, our_groups
from ecs_lattice.ecs_side.record import EcsRecord, fingerprint, with_clocks
from ecs_lattice.ecs_side.security_groups import IngressResult
from ecs_lattice.ecs_side.targets import Change, Group
from ecs_lattice.facts import EcsService, LatticeEntry
from ecs_lattice.ingress.model import IngressRequirement
from ecs_lattice.model import Placement, Route, ServiceId
from ecs_lattice.outcome import Problem
from ecs_lattice.settings import Settings

CLOSED = "closed"
"""The name of the clock that says since when a route's security groups are closed."""

LIST_OVERWRITTEN = Problem(
    "LIST_OVERWRITTEN",
    "A deployment came without the target groups that were attached, as a declarative tool makes it that does not know "
    "of them. The tasks are registered without ECS until the routes change. To hand it back to ECS, put the list into "
    "the template, or have the tool ignore it (Terraform: ignore_changes = [vpc_lattice_configurations]).",
)


@dataclass(frozen=True, slots=True)
class EcsPlan:
    """The plan of one ECS service. Printing it is the dry run.

    ``effective`` is the revision that routing follows (``family:revision``) and ``source`` how that is known. ``claims``
    are those that would be written because they differ, ``deletes`` the routes whose claims would go. ``attach`` is the
    decision on the list, ``changes`` what the controller would register and deregister. ``openings`` are the rules that would
    be added to security groups.
    """

    service: ServiceId
    effective: str | None = None
    source: str = ""
    routes: tuple[Route, ...] = ()
    problems: tuple[Problem, ...] = ()
    claims: tuple[Claim, ...] = ()
    deletes: tuple[str, ...] = ()
    attach: Decision = field(default_factory=lambda: Decision("keep"))
    changes: tuple[Change, ...] = ()
    openings: tuple[IngressRequirement, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """All decisions that need no further reading. ``record``: what is to be remembered before anything is done.
    ``notices`` stop nothing."""

    view: Observation
    record: EcsRecord
    facts: AttachmentFacts
    claims: tuple[Claim, ...]
    over: tuple[ClaimRecord, ...]
    seats: tuple[RouteState, ...]
    attach: Decision
    groups: tuple[Group, ...]
    problems: tuple[Problem, ...]
    notices: tuple[Problem, ...]


def draft(view: Observation, settings: Settings, admitted: IngressResult) -> Draft:
    """Decide everything about ``view``, with the security groups as they were found."""
    ours, explained = our_groups(view), explained_groups(view)
    facts = AttachmentFacts.of(view.service, view.record, ours - explained)
    claims = claiming.wanted(_asked(view), view.claims, facts)
    known = {_key(one.claim): one for one in view.claims}
    closed = dict(admitted.closed)
    seats = tuple(
        RouteState(claim, known.get(_key(claim)), _by_ecs(claim, view.service), closed.get(_key(claim)))
        for claim in claims
    )
    update_outcome = (
        attach.update_outcome(view.record.pending_update, view.service, view.now, settings.attach_minutes * 60)
        if view.service
        else "none"
    )
    record, lost = _remembered(view, seats, ours, update_outcome)
    seats = tuple(dataclasses.replace(seat, by_ecs=seat.by_ecs and seat.group not in lost) for seat in seats)
    decision = Decision("keep")
    stranger = _other_stack(record)
    if view.service and view.presence == "active" and view.routes is not None and not stranger:
        decision = attach.decide(AttachInput(view.service, seats, record, update_outcome, ours, settings, view.now))
    if decision.kind == "keep" and record.pending_update and update_outcome in {"lost", "refused"}:
        record = dataclasses.replace(record, pending_update=None)
    return Draft(
        view=view,
        record=record,
        facts=facts,
        claims=claims,
        over=claiming.over(view.claims, claims),
        seats=seats,
        attach=decision,
        groups=_groups(view, seats, record, lost),
        problems=view.problems
        + stranger
        + view.warnings
        + admitted.problems
        + ((decision.problem,) if decision.problem else ()),
        notices=((LIST_OVERWRITTEN,) if record.list_overwritten else ()) + admitted.notices,
    )


def _asked(view: Observation) -> DesiredState:
    record, service = view.record, view.service
    placements: dict[str, Placement] = {}
    if view.routes and record.subnets and view.effective:
        placements = {
            route.name: Placement(record.subnets.vpc_id, record.subnets.family, _port(view, route))
            for route in view.routes
        }
    return DesiredState(
        service=view.service_id,
        created_at=service.created_at if service else record.created_at,
        routes=view.routes,
        placements=placements,
        own_groups=_own_groups(view),
        presence=view.presence,
        since=view.since,
        now=view.now,
        at_once=view.uninstalls,
        governed=service is not None and effective_revision.is_governed(service),
    )


def _port(view: Observation, route: Route) -> int:
    assert view.revision is not None  # there are routes only where a revision was read
    return next(port.container_port for port in view.revision.ports if port.name == route.port_name)


def _own_groups(view: Observation) -> Mapping[str, str]:
    """Groups that somebody else has attached for a port, by route: those of the completed deployment, else of PRIMARY."""
    service = view.service
    if service is None:
        return {}
    source = effective_revision.newest_completed(service) or service.primary
    foreign = {group for group, whose in view.record.foreign if whose != "ours"}
    by_port: dict[str, str] = {}
    for entry in source.entries if source else ():
        if entry.group_arn in foreign and not entry.advanced:
            by_port.setdefault(entry.port_name, entry.group_arn)
    return {route.name: by_port[route.port_name] for route in view.routes or () if route.port_name in by_port}


def _by_ecs(claim: Claim, service: EcsService | None) -> bool:
    default = "ecs" if service is None or service.controller == "ECS" else "controller"
    return (claim.route.targets or default) == "ecs"


def _remembered(
    view: Observation, seats: tuple[RouteState, ...], ours: frozenset[str], update_outcome: attach.UpdateOutcome
) -> tuple[EcsRecord, frozenset[str]]:
    """The record after what was seen now, and the groups that somebody has taken off the list."""
    record = dataclasses.replace(view.record, clocks=_clocks(view, seats, ours))
    if view.service is None or view.service.primary is None or update_outcome == "believed":
        return record, frozenset()
    named = ours & {entry.group_arn for entry in view.service.primary.entries}
    wanted = {seat.group for seat in seats if seat.group and seat.by_ecs and not seat.is_out}
    attached = (set(record.attached) & wanted) | named
    if update_outcome == "rolled back" and record.pending_update:
        attached -= _groups_of(record.pending_update.entries) - _groups_of(record.pending_update.previous)
        failed = attach.list_fingerprint(record.pending_update.task_definition, record.pending_update.entries)
        record = dataclasses.replace(record, failed=failed)
    if update_outcome in {"settled", "overtaken", "rolled back"} or (
        update_outcome == "failed" and record.pending_update and record.pending_update.undo
    ):
        record = dataclasses.replace(record, pending_update=None)
    lost = attached - named
    list_overwritten = _taken_away(view, record, lost=bool(lost))
    if not list_overwritten:
        attached, lost = attached - lost, set()
    record = dataclasses.replace(record, attached=tuple(sorted(attached)), list_overwritten=list_overwritten)
    return record, frozenset(lost)


def _taken_away(view: Observation, record: EcsRecord, *, lost: bool) -> str:
    """The routes for which somebody took the list away, by fingerprint; empty when it is back or the routes are others."""
    if not lost:
        return ""
    now = record.list_overwritten if view.routes is None else fingerprint(view.routes)
    return now if record.list_overwritten in {"", now} else ""


def _clocks(view: Observation, seats: tuple[RouteState, ...], ours: frozenset[str]) -> tuple[tuple[str, float], ...]:
    """Clocks that go on, clocks that start now; all others are over."""
    running = {attach.pending_clock(seat.claim) for seat in seats if seat.is_pending}
    is_quiet = all(seat.is_out or (seat.is_answered and seat.state in _AT_REST) for seat in seats)
    if is_quiet and view.routes is not None:
        running |= {f"leftover:{group}" for group in attach.leftovers(seats, ours)}
    running |= {CLOSED} if any(seat.closed for seat in seats) else set()
    standing = {name: at for name, at in view.record.clocks if name in running or name in {"not_found", "deleted"}}
    return with_clocks({**dict.fromkeys(running, view.now), **standing}.items())


_AT_REST = {"Live", "Refused", "Conflicted", "Paused"}


def _groups(
    view: Observation, seats: tuple[RouteState, ...], record: EcsRecord, lost: frozenset[str]
) -> tuple[Group, ...]:
    """The groups that the controller has to look after."""
    if any(seat.claim.route.pause for seat in seats):
        return ()
    groups = []
    for arn in sorted({seat.group for seat in seats if seat.group}):
        users = [seat for seat in seats if seat.group == arn]
        mine = record.targets_in(arn)
        by_controller = [seat for seat in users if not seat.by_ecs]
        leaves = all(seat.is_out for seat in users)
        admits = any(
            seat.state in {"Wired", "Live"} or mine or arn in lost for seat in by_controller if not seat.is_out
        )
        if view.presence == "not_found" and not leaves:
            continue  # one read that does not find the service proves nothing
        if admits or mine or (leaves and by_controller):
            claim = users[0].claim
            groups.append(Group(arn, claim.route.port_name, claim.placement.family, mine, admits, leaves))
    return tuple(groups)


def _other_stack(record: EcsRecord) -> tuple[Problem, ...]:
    return tuple(
        Problem(
            "OTHER_STACK",
            f"The list of this ECS service names {group}, which belongs to the {whose}. Two stacks cannot hook up one "
            "service: leave it to one of them by the parameters Clusters or LabelPrefix.",
        )
        for group, whose in record.foreign
        if whose.startswith("stack ")
    )


def _groups_of(entries: tuple[LatticeEntry, ...]) -> set[str]:
    return {entry.group_arn for entry in entries}


def _key(claim: Claim) -> tuple[str, str]:
    return claim.route.lattice_service, claim.route.name
