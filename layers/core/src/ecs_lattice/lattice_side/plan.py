"""What a plan says: data, for people and for direct invocations.

From the desired graph and a reading to the ordered tuple of steps: pure. Printing it is the dry run.

Up: target group, service, auth policy, service settings, listener, parked rule, association: what quotas bound comes
first, so that a refusal leaves nothing half made. Then the changes of what serves, in an order in which every request
gets the old answer or the new one at each moment (see :mod:`ecs_lattice.lattice_side.safe_order`). Down in reverse.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ecs_lattice import naming
from ecs_lattice.claims import Answer
from ecs_lattice.graph import Observed, weights
from ecs_lattice.lattice_side import safe_order
from ecs_lattice.lattice_side.desired_values import Desired, DesiredListener, DesiredRule, DesiredService
from ecs_lattice.lattice_side.ports import ServiceSpec
from ecs_lattice.lattice_side.seen import parked
from ecs_lattice.lattice_side.steps import (
    Associate,
    CreateGroup,
    CreateListener,
    CreateRule,
    CreateService,
    DeleteGroup,
    DeleteListener,
    DeleteService,
    Deregister,
    Disassociate,
    PutPolicy,
    Step,
    TagService,
    UpdateHealth,
    UpdateRule,
    UpdateService,
)
from ecs_lattice.outcome import NotYet, Problem


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What a reconcile of the Lattice service would do now. ``steps`` are in order, each with its kind, a text and its
    members; ``answers`` are by claim as things stand before them; ``waits`` what takes its time.
    """

    lattice_service: str
    steps: tuple[dict[str, Any], ...]
    answers: dict[str, Answer]
    problems: tuple[Problem, ...]
    waits: tuple[NotYet, ...] = ()


_GROUPS_A_RULE = 10  # VPC Lattice API, ForwardAction
HIGHEST_PRIORITY = 2000


def plan(desired: Desired, observed: Observed) -> tuple[Step, ...]:
    """The steps that make ``observed`` into ``desired``."""
    steps: list[Step] = []
    steps += _groups(desired)
    if desired.service:
        steps += _service(desired.service, observed)
    for listener in desired.listeners:
        steps += _new_listener(listener)
    for listener in desired.listeners:
        steps += _new_rules(listener)
    steps += _associations(desired, observed)
    for listener in desired.listeners:
        if listener.there:
            steps += safe_order.moves(listener)
    steps += [DeleteListener((), each.arn, each.key) for each in desired.dropped_listeners]
    steps += [Disassociate((), each.arn, each.network_arn) for each in desired.dropped_associations]
    if desired.dropped_service:
        steps.append(DeleteService((), desired.dropped_service.arn))
    steps += [Deregister((), group.id, group.name, targets) for group, targets in desired.dropped_targets]
    steps += [DeleteGroup((), group.id, group.name) for group in desired.dropped_groups]
    return tuple(steps)


def _groups(desired: Desired) -> Iterator[Step]:
    for group in desired.groups:
        there = group.there
        if there is None:
            yield CreateGroup(group.needed_by, group.spec, group.tags)
        elif there.status == "ACTIVE" and there.health != group.spec.health:
            yield UpdateHealth(group.needed_by, there.id, there.name, group.spec.health)


def _service(service: DesiredService, observed: Observed) -> Iterator[Step]:
    there, spec, needed_by = service.there, service.spec, service.needed_by
    auth = spec.auth
    if there is None:
        # Made without IAM: a service with IAM and without a policy denies everything, so the policy comes first.
        made = ServiceSpec(spec.name, spec.domain, spec.certificate, None, spec.idle_timeout)
        yield CreateService(needed_by, made, service.tags)
        if service.policy is not None:
            yield PutPolicy(needed_by, service.policy)
        if auth not in {None, "NONE"}:
            yield UpdateService(needed_by, "", ServiceSpec(spec.name, auth=auth))
        return
    missing = tuple((key, value) for key, value in service.tags if dict(there.tags).get(key) != value)
    if missing:
        yield TagService((), there.arn, missing)
    if service.policy is not None and not _same_policy(service.policy, observed.policy):
        yield PutPolicy(needed_by, service.policy)
    change = ServiceSpec(
        spec.name,
        certificate=spec.certificate if spec.certificate != there.certificate else None,
        auth=auth if auth != there.auth else None,
        idle_timeout=spec.idle_timeout if spec.idle_timeout != there.idle_timeout else None,
    )
    if change != ServiceSpec(spec.name):
        yield UpdateService(needed_by, there.arn, change)


def _same_policy(wanted: str, there: str | None) -> bool:
    try:
        return there is not None and json.loads(wanted) == json.loads(there)
    except ValueError:
        return False


def _new_listener(listener: DesiredListener) -> Iterator[Step]:
    if listener.there is None:
        yield CreateListener(listener.needed_by, naming.listener_name(listener.key), listener.key, listener.default)


def _new_rules(listener: DesiredListener) -> Iterator[Step]:
    used = {rule.priority for rule in listener.there.rules} if listener.there else set()
    for rule in listener.rules:
        if rule.there is None:
            priority = rule.priority if rule.priority not in used else _free(used)
            used.add(priority)
            # A new rule is made parked, whatever it is to become: it takes traffic by a change of its match.
            yield CreateRule(
                rule.needed_by,
                rule.name,
                listener.key,
                priority,
                parked(rule.name),
                rule.action,
                _instead(listener, rule),
            )


def _free(used: set[int]) -> int:
    return next(number for number in range(HIGHEST_PRIORITY, 0, -1) if number not in used)


def _instead(listener: DesiredListener, rule: DesiredRule) -> UpdateRule | None:
    """Where the group of a waiting place may wait when the listener is full: at weight 0 in another rule of ours."""
    if rule.parks is None:
        return None
    for host in listener.rules:
        groups = weights(host.action)
        if host.there and len(weights(host.there.action)) < _GROUPS_A_RULE and len(groups) < _GROUPS_A_RULE:
            action = safe_order.with_guest(host.there.action, rule.parks)
            return UpdateRule(rule.needed_by, host.there.arn, host.name, listener.key, action=action)
    return None


def _associations(desired: Desired, observed: Observed) -> Iterator[Step]:
    there = {one.network_arn: one for one in observed.associations}
    for network, needed_by in desired.networks:
        association = there.get(network)
        if association is None:
            yield Associate(needed_by, network)
        elif association.status == "CREATE_FAILED":
            yield Disassociate(needed_by, association.arn, network)
