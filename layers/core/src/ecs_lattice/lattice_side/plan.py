"""From the desired graph and the observed one to the ordered tuple of steps: pure. Printing it is the dry run.

Up: target group, service, auth policy, service settings, listener, parked rule, association: what quotas limit comes
first, so that a refusal leaves nothing half made. Then the changes of what serves, in an order in which every request
gets the old answer or the new one at each moment (see :mod:`ecs_lattice.lattice_side.safe_order`). Down in reverse.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from ecs_lattice import naming
from ecs_lattice.claims import Answer
from ecs_lattice.graph import Observed, Service, weights
from ecs_lattice.lattice_side import safe_order
from ecs_lattice.lattice_side import steps as s
from ecs_lattice.lattice_side.desired_values import Desired, DesiredListener, DesiredRule, DesiredService
from ecs_lattice.lattice_side.ports import ServiceSpec
from ecs_lattice.lattice_side.priorities import HIGHEST
from ecs_lattice.lattice_side.seen import Timers, parking_match
from ecs_lattice.lattice_side.steps import CreateStep, Step
from ecs_lattice.model import ListenerKey
from ecs_lattice.outcome import NotYet, Problem

_GROUPS_PER_RULE = 10  # VPC Lattice API, ForwardAction
_NEED_SERVICE = (s.PutPolicy, s.UpdateLatticeService, s.CreateListener, s.Associate)


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What a reconcile of the Lattice service would do now. ``steps`` are in order, each with its kind, a text and its
    members; ``answers`` are by claim, as of before the steps; ``waits`` are what it waits for.
    """

    lattice_service: str
    steps: tuple[dict[str, Any], ...]
    answers: dict[str, Answer]
    problems: tuple[Problem, ...]
    waits: tuple[NotYet, ...] = ()


def plan(desired: Desired, observed: Observed, timers: Timers) -> tuple[Step, ...]:
    """The steps that turn ``observed`` into ``desired``."""
    service_arn = observed.service.arn if observed.service else ""
    usable = {group.id for group in observed.groups if group.status == "ACTIVE"}
    existing = [listener for listener in desired.listeners if listener.there]
    steps: list[Step] = [
        *_groups(desired),
        *_service(desired.service, observed),
        *(
            s.CreateListener(new.needed_by, service_arn, naming.listener_name(new.key), new.key, new.default)
            for new in desired.listeners
            if new.there is None
        ),
        *chain(*(_new_rules(listener, usable) for listener in desired.listeners)),
        *_associations(desired, observed, service_arn),
        *chain(*(safe_order.changes(listener) for listener in existing)),
        *_deletions(desired),
    ]
    return tuple(_with_waits(steps, observed, usable, timers))


def _deletions(desired: Desired) -> Iterator[Step]:
    yield from (s.DeleteListener((), listener.arn, listener.key) for listener in desired.dropped_listeners)
    yield from (s.Disassociate((), dropped.arn, dropped.network_arn) for dropped in desired.dropped_associations)
    if desired.dropped_service:
        yield s.DeleteLatticeService((), desired.dropped_service.arn)
    yield from (s.Deregister((), group.id, group.name, targets) for group, targets in desired.dropped_targets)
    yield from (s.DeleteGroup((), group.id, group.name) for group in desired.dropped_groups)


def _groups(desired: Desired) -> Iterator[Step]:
    for group in desired.groups:
        there = group.there
        if there is None:
            yield s.CreateGroup(group.needed_by, group.spec, group.tags)
        elif there.status == "ACTIVE" and there.health != group.spec.health:
            yield s.UpdateHealth(group.needed_by, there.id, there.name, group.spec.health)


def _service(service: DesiredService | None, observed: Observed) -> Iterator[Step]:
    if service is None:
        return
    spec, needed_by = service.spec, service.needed_by
    if service.there is not None:
        yield from _service_changes(service, service.there, observed.policy)
        return
    # Created without IAM: a service with IAM and without a policy denies everything, so the policy comes first.
    yield s.CreateLatticeService(needed_by, replace(spec, auth=None), service.tags)
    if service.policy is not None:
        yield s.PutPolicy(needed_by, "", service.policy)
    if spec.auth not in {None, "NONE"}:
        yield s.UpdateLatticeService(needed_by, "", ServiceSpec(spec.name, auth=spec.auth))


def _service_changes(service: DesiredService, there: Service, policy: str | None) -> Iterator[Step]:
    spec, existing = service.spec, dict(there.tags)
    if missing := tuple((key, value) for key, value in service.tags if existing.get(key) != value):
        yield s.TagService((), there.arn, missing)
    if service.policy is not None and not _is_same_policy(service.policy, policy):
        yield s.PutPolicy(service.needed_by, there.arn, service.policy)
    change = ServiceSpec(
        spec.name,
        certificate=spec.certificate if spec.certificate != there.certificate else None,
        auth=spec.auth if spec.auth != there.auth else None,
        idle_timeout=spec.idle_timeout if spec.idle_timeout != there.idle_timeout else None,
    )
    if change != ServiceSpec(spec.name):
        yield s.UpdateLatticeService(service.needed_by, there.arn, change)


def _is_same_policy(wanted: str, existing: str | None) -> bool:
    try:
        return existing is not None and json.loads(wanted) == json.loads(existing)
    except ValueError:
        return False


def _new_rules(listener: DesiredListener, usable: set[str]) -> Iterator[Step]:
    """The rules to create: parked, whatever they are to become. A rule receives traffic by a change of its match."""
    listener_arn = listener.there.arn if listener.there else ""
    used = {rule.priority for rule in listener.there.rules} if listener.there else set()
    for rule in listener.rules:
        if rule.there is None:
            is_free = rule.priority not in used
            priority = rule.priority if is_free else next(n for n in range(HIGHEST, 0, -1) if n not in used)
            used.add(priority)
            yield s.CreateRule(
                rule.needed_by,
                listener_arn,
                rule.name,
                listener.key,
                priority,
                parking_match(rule.name),
                rule.action,
                _instead(listener, rule, usable) if rule.parks else None,
            )


def _instead(listener: DesiredListener, rule: DesiredRule, usable: set[str]) -> s.UpdateRule | None:
    """Where the group of a parking rule can be parked on a full listener: at weight 0 in another rule of this stack."""
    for host in listener.rules:
        existing = weights(host.there.action) if host.there else {}
        has_room = len(existing) < _GROUPS_PER_RULE and len(weights(host.action)) < _GROUPS_PER_RULE
        if host.there and rule.parks and has_room and usable.issuperset(existing):
            action = safe_order.with_member(host.there.action, rule.parks)
            return s.UpdateRule(rule.needed_by, host.there.arn, host.name, listener.key, action=action)
    return None


def _associations(desired: Desired, observed: Observed, service_arn: str) -> Iterator[Step]:
    existing = {association.network_arn: association for association in observed.associations}
    domain = observed.service.domain if observed.service else None
    for network_arn, needed_by in desired.networks:
        association = existing.get(network_arn)
        if association is None:
            yield s.Associate(needed_by, service_arn, network_arn, domain)
        elif association.status == "CREATE_FAILED":
            yield s.Disassociate(needed_by, association.arn, network_arn)


def _with_waits(steps: Iterable[Step], observed: Observed, usable: set[str], timers: Timers) -> Iterator[Step]:
    """The steps with what they await, and the creating ones with since when what they create has been missing."""
    listeners = {listener.key for listener in observed.listeners}
    for step in steps:
        awaits = _awaited(step, observed.service, listeners, usable)
        if isinstance(step, s.CreateListener) and not awaits:
            listeners.add(step.key)
        if isinstance(step, CreateStep):
            step = replace(step, missing_since=timers.since(step.TIMER.format(step)))  # noqa: PLW2901
        yield replace(step, awaits=awaits) if awaits else step


def _awaited(step: Step, service: Service | None, listeners: set[ListenerKey], usable: set[str]) -> str:
    """What has to exist before the step can be carried out, and does not yet; empty when nothing is missing."""
    if service is None and isinstance(step, _NEED_SERVICE):
        return "the Lattice service"
    if isinstance(step, s.CreateRule) and step.listener not in listeners:
        return f"listener {step.listener}"
    parts = step.rules if isinstance(step, s.UpdateRules) else (step,)
    groups = {group for part in parts if part.ACTION for group in weights(getattr(part, part.ACTION))}
    return f"target group {min(groups - usable).removeprefix('new:')}" if groups - usable else ""
