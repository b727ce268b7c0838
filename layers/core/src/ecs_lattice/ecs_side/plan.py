"""What one reconcile of an ECS service does, as data: decided from an observation and nothing else."""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ecs_lattice.claims import Claim, ClaimRecord, Notice
from ecs_lattice.ecs_side import attach, effective_revision
from ecs_lattice.ecs_side.claiming import RouteKey
from ecs_lattice.ecs_side.claims import RouteState, attachment_facts, desired_claims, leftover_seconds, leftovers
from ecs_lattice.ecs_side.ended_update import after_update, conditions_now
from ecs_lattice.ecs_side.fingerprints import fingerprint
from ecs_lattice.ecs_side.moves import blocked_moves
from ecs_lattice.ecs_side.observation import Observation
from ecs_lattice.ecs_side.obstacles import AttachInput
from ecs_lattice.ecs_side.record import PRESENCE_TIMERS, EcsRecord
from ecs_lattice.ecs_side.security_groups import IngressResult
from ecs_lattice.ecs_side.targets import ManagedGroup, managed_groups
from ecs_lattice.ecs_side.update_outcome import AttachDecision, UpdateOutcome
from ecs_lattice.outcome import NotYet, Problem
from ecs_lattice.settings import Settings

_LEAVING_RETRY_SECONDS = 60
_HELD_RETRY_SECONDS = 900
_CLOSED_SECONDS = 3600  # for this long somebody may be about to open a group by hand; after that the resync finds it
_CLOSED = "closed"
"""The name of the timer that says since when a route's security groups have been closed."""
_PACED = {"ATTACHING", "DEPLOYMENT_ROLLS", "LISTED_GROUP_GONE"}  # waits that have a pace or an end of their own

LIST_OVERWRITTEN = Problem(
    "LIST_OVERWRITTEN",
    "A deployment has removed the attached target groups from the service's list, as declarative tools do when the "
    "list is not in their template. ecs-lattice registers the tasks itself until the routes change. Have the tool ignore "
    "the list (Terraform: ignore_changes = [vpc_lattice_configurations]), or declare targets = controller.",
)


@dataclass(frozen=True, slots=True)
class Decisions:
    """All decisions of one reconcile that need no further reading. ``record`` is what to store before anything is
    done. ``over`` are the claims to delete: nothing is left of them, and no route asks for them again. ``groups``
    are the controller's. ``waits``: what needs another reconcile that no event requests. ``problems`` are blocking,
    ``warnings`` are not; ``left_closed`` are those about security groups that the stack has to leave alone. ``moves``: what keeps
    live routes from moving to another Lattice service."""

    record: EcsRecord
    claims: Mapping[RouteKey, Claim]
    over: Mapping[RouteKey, ClaimRecord]
    route_states: Mapping[RouteKey, RouteState]
    attach: AttachDecision
    attach_problems: tuple[Problem, ...]
    groups: tuple[ManagedGroup, ...]
    waits: tuple[NotYet, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    left_closed: tuple[Problem, ...]
    moves: Mapping[RouteKey, Notice]


def decide(observed: Observation, settings: Settings, ingress: IngressResult) -> Decisions:
    """Decide everything about ``observed``, with the security groups as they are."""
    claims = desired_claims(observed, attachment_facts(observed, observed.record))
    record, outcome = after_update(observed, settings)
    states = _route_states(observed, claims, ingress)
    record = dataclasses.replace(record, timers=_timers(observed, tuple(states.values())))
    if observed.ours or record.attached or record.list_overwritten:
        record, states = _remember(observed, record, outcome, states)
    other_stack = _other_stack(record) if record.owners else ()
    given = None if other_stack else tuple(states.values())
    decision, record = _attach_decision(observed, record, outcome, given, settings, ingress)
    attach_problems = (Problem(decision.code, decision.message),) if decision.is_problem else ()
    closed = dict.fromkeys(dict(ingress.state.closed).values())
    problems = (*observed.problems, *other_stack, *observed.warnings, *closed, *attach_problems)
    withheld = dict.fromkeys(observed.withheld.values())
    overwritten = (LIST_OVERWRITTEN,) if record.list_overwritten else ()
    return Decisions(
        record=record,
        claims=claims,
        over={key: observed.claims[key] for key in sorted(observed.claims.keys() - claims.keys())},
        route_states=states,
        attach=decision,
        attach_problems=attach_problems,
        groups=managed_groups(observed, tuple(states.values()), record, settings),
        waits=tuple(_waits(observed, record, decision, problems, tuple(claims.values()), settings)),
        problems=problems,
        warnings=(*withheld, *overwritten, *ingress.state.warnings, *ingress.state.left_closed),
        left_closed=ingress.state.left_closed,
        moves=blocked_moves(observed, decision.code, settings.label_prefix),
    )


def _route_states(
    observed: Observation, claims: Mapping[RouteKey, Claim], ingress: IngressResult
) -> dict[RouteKey, RouteState]:
    default = "ecs" if observed.service is None or observed.service.controller == "ECS" else "controller"
    states = {}
    for key, claim in claims.items():
        record = observed.claims.get(key) or ClaimRecord(claim, declared_generation=1)
        by_ecs = (claim.route.targets or default) == "ecs"
        group = None if claim.own_group else record.answer.group_arn
        timer = f"pending:{'/'.join(key)}"
        states[key] = RouteState(claim, record, by_ecs, group, ingress.closed.get(key), timer)
    return states


def _remember(
    observed: Observation, record: EcsRecord, outcome: UpdateOutcome, states: dict[RouteKey, RouteState]
) -> tuple[EcsRecord, dict[RouteKey, RouteState]]:
    """The record after this observation, and the route states: the controller takes over those whose groups somebody
    has removed from the list."""
    if observed.primary is None or outcome == "too_recent":
        return record, states
    named = observed.ours & observed.primary.groups
    wanted = {state.group for state in states.values() if state.by_ecs and not state.is_detachable}
    lost = frozenset(record.attached) & wanted - named
    overwritten = _list_overwritten(observed, record) if lost else ""
    lost = lost if overwritten else frozenset()
    attached = tuple(sorted(named | lost))
    record = dataclasses.replace(record, attached=attached, list_overwritten=overwritten)
    taken_over = {
        key: dataclasses.replace(state, by_ecs=False, is_lost=True)
        for key, state in states.items()
        if state.group in lost
    }
    return record, states | taken_over


def _attach_decision(
    observed: Observation,
    record: EcsRecord,
    outcome: UpdateOutcome,
    states: tuple[RouteState, ...] | None,
    settings: Settings,
    ingress: IngressResult,
) -> tuple[AttachDecision, EcsRecord]:
    """The decision about the list (``states`` None: it must not change), and the record without a pending update that
    never started and is not needed now."""
    decision = AttachDecision("no_change")
    if observed.service and states is not None and _may_attach(observed, record, states):
        given = AttachInput(
            observed.service, states, record, outcome, observed.ours, settings, observed.now, observed.uninstalls,
            frozenset(observed.gone), conditions_now(observed, states, ingress.state),
        )  # fmt: skip
        decision = attach.decide(given)
    if decision.kind == "no_change" and outcome in {"not_received", "rejected"}:
        record = dataclasses.replace(record, pending_update=None)
    return decision, record


def _may_attach(observed: Observation, record: EcsRecord, states: Sequence[RouteState]) -> bool:
    """Whether the list may change, and there is anything to attach, to detach, to wait for or to hold."""
    if observed.routes is None:
        return False
    return bool(observed.ours or record.pending_update) or any(
        state.group or state.claim.route.pause for state in states
    )


def _list_overwritten(observed: Observation, record: EcsRecord) -> str:
    """The fingerprint of the routes for which somebody has overwritten the list; empty once the routes are others."""
    now = record.list_overwritten if observed.routes is None else fingerprint(observed.routes)
    return now if record.list_overwritten in {"", now} else ""


def _timers(observed: Observation, states: Sequence[RouteState]) -> dict[str, float]:
    """The timers that run: those that continue, and those that start now."""
    stored = observed.record.timers
    running = PRESENCE_TIMERS & stored.keys()
    for state in states:
        if state.is_pending:
            running.add(state.pending_timer)
        if state.closed:
            running.add(_CLOSED)
    running.update(map("gone:{}".format, observed.gone))
    managed = observed.ours | observed.record.registered.keys()
    if managed and observed.routes is not None and all(state.is_settled for state in states):
        running |= {f"leftover:{group}" for group in leftovers(states, managed)}
    return {name: stored.get(name, observed.now) for name in running}


def _other_stack(record: EcsRecord) -> tuple[Problem, ...]:
    return tuple(
        Problem(
            "OTHER_STACK",
            f"The list of this ECS service names {group} of the stack {owner.stack}. Two stacks cannot hook up the same "
            "service: use the parameters Clusters or LabelPrefix to leave it to one of them.",
        )
        for group, owner in sorted(record.owners.items())
        if owner.kind == "other_stack"
    )


def _waits(
    observed: Observation,
    record: EcsRecord,
    decision: AttachDecision,
    problems: Sequence[Problem],
    claims: Sequence[Claim],
    settings: Settings,
) -> Iterator[NotYet]:
    service, now = observed.service, observed.now
    if decision.kind == "wait":
        is_told = decision.code in _PACED or decision.code in {problem.code for problem in problems}  # with its way out
        wait = NotYet.until if is_told else NotYet
        yield wait(decision.after, decision.message)
    is_asked = observed.presence == "active" and (claims or problems or observed.waiting)
    if service and is_asked and (after := effective_revision.wait_while_rolling(service, now)):
        yield NotYet.until(after, "A deployment of the service is in progress.")
    closed_for = now - record.timers.get(_CLOSED, -math.inf)
    if closed_for < _CLOSED_SECONDS:
        after = int(min(max(closed_for, _LEAVING_RETRY_SECONDS), _HELD_RETRY_SECONDS))
        yield NotYet.until(after, "The security groups of the tasks are closed to VPC Lattice.")
    if observed.ours or observed.record.registered or observed.presence != "active":
        yield from _removal_waits(observed, record, claims, settings)


def _removal_waits(
    observed: Observation, record: EcsRecord, claims: Sequence[Claim], settings: Settings
) -> Iterator[NotYet]:
    if observed.presence == "deleted" and any(claim.named for claim in claims):
        yield NotYet(_LEAVING_RETRY_SECONDS, "ECS is still stopping the tasks of the service.")
    if observed.presence != "active" and any(claim.route.pause for claim in claims):
        yield NotYet.until(
            _HELD_RETRY_SECONDS, "The service no longer exists, and its paused routes are held for a day."
        )
    for name, at in record.timers.items():
        left = leftover_seconds(settings, uninstalls=observed.uninstalls) - (observed.now - at)
        if name.startswith("leftover:") and left > 0:
            yield NotYet.until(int(left) + 1, "A replaced target group is detached after the grace time.")
