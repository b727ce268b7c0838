"""What was read of that which a step writes: a step that comes again with the same reading has not been kept. Pure."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Protocol

from ecs_lattice.graph import Observed, Rule
from ecs_lattice.lattice_side import failed_creations
from ecs_lattice.lattice_side import steps as s
from ecs_lattice.model import HealthCheck

_ACCIDENTAL = frozenset({"needed_by", "awaits", "missing_since", "instead", "listener_arn", "service_arn", "targets"})
"""Members of steps that may differ when the same thing is written again."""


def identity(step: s.Step, observed: Observed) -> str:
    """The digest of the step and of the reading of what it writes; that of the creation where the step deletes what failed."""
    if isinstance(step, failed_creations.DELETIONS) and (failed := failed_creations.identity(step, observed)):
        return failed
    members = {each.name: getattr(step, each.name) for each in fields(step) if each.name not in _ACCIDENTAL}
    if isinstance(step, s.CreateRule):
        del members["priority"]  # of a parked rule: any that is free
    text = repr((type(step).__name__, members, _KINDS[type(step)].reading(step, observed)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def name_of(step: s.Step, observed: Observed) -> str:
    """What the step writes, for people."""
    return failed_creations.name_of(step, observed) or _KINDS[type(step)].name(step, observed)


def single(steps: Iterable[s.Step]) -> Iterator[s.Step]:
    """The steps, those of one call for several rules each by itself."""
    for step in steps:
        yield from step.rules if isinstance(step, s.UpdateRules) else (step,)


def rule_of(observed: Observed, arn: str) -> Rule | None:
    """The rule that was read."""
    return next((rule for listener in observed.listeners for rule in listener.rules if rule.arn == arn), None)


class _Reading(Protocol):
    def __call__(self, step: Any, observed: Observed, /) -> object: ...


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a kind of step is read: ``reading`` of what it writes, and its ``name`` for people."""

    reading: _Reading
    name: Callable[[Any, Observed], str]


def _missing(_step: s.Step, _observed: Observed) -> object:
    """A thing that is created has not been read."""
    return None


def _service(*members: str) -> _Reading:
    def reading(_step: s.Step, observed: Observed) -> object:
        return [getattr(observed.service, member, None) for member in members]

    return reading


def _health(step: s.UpdateHealth, observed: Observed) -> HealthCheck | None:
    return next((group.health for group in observed.groups if group.id == step.group), None)


def _status(step: s.DeleteGroup, observed: Observed) -> object:
    return [group.status for group in observed.groups if group.id == step.group]


def _default(step: s.UpdateDefault, observed: Observed) -> object:
    return [listener.default for listener in observed.listeners if listener.arn == step.arn]


def _association(step: s.Disassociate, observed: Observed) -> object:
    return [association.status for association in observed.associations if association.arn == step.arn]


def _registered(step: s.Deregister, observed: Observed) -> object:
    """The targets to deregister that are registered, whatever their health."""
    asked = {(target.id, target.port) for target in step.targets}
    targets = [target for group in observed.groups if group.id == step.group for target in group.targets or ()]
    return sorted(
        (each.id, each.port) for each in targets if (each.id, each.port) in asked and each.status != "DRAINING"
    )


def _differing(step: s.UpdateHealth, observed: Observed) -> str:
    """The members of the health check that are read back differently."""
    read, names = _health(step, observed), [each.name for each in fields(HealthCheck)]
    return ", ".join(name for name in names if getattr(read, name, None) != getattr(step.health, name))


def _given(what: object, names: tuple[str, ...]) -> str:
    return ", ".join(name.replace("_", " ") for name in names if getattr(what, name) is not None)


_KINDS: Mapping[type[s.Step], _Kind] = {
    s.CreateGroup: _Kind(_missing, lambda step, _: f"the creation of target group {step.spec.name}"),
    s.UpdateHealth: _Kind(
        _health, lambda step, seen: f"{_differing(step, seen)} of the health check of target group {step.name}"
    ),
    s.CreateLatticeService: _Kind(_missing, lambda step, _: f"the creation of Lattice service {step.spec.name}"),
    s.TagService: _Kind(_service("tags"), lambda step, _: f"tags {', '.join(dict(step.tags))} of the Lattice service"),
    s.PutPolicy: _Kind(lambda _, seen: seen.policy, lambda _step, _: "the auth policy of the Lattice service"),
    s.UpdateLatticeService: _Kind(
        _service("certificate", "auth", "idle_timeout"),
        lambda step, _: (
            f"{_given(step.spec, ('certificate', 'auth', 'idle_timeout'))} of Lattice service {step.spec.name}"
        ),
    ),
    s.CreateListener: _Kind(_missing, lambda step, _: f"the creation of listener {step.key}"),
    s.UpdateDefault: _Kind(_default, lambda step, _: f"the default action of listener {step.key}"),
    s.CreateRule: _Kind(_missing, lambda step, _: f"the creation of rule {step.name} on {step.listener}"),
    s.UpdateRule: _Kind(
        lambda step, seen: rule_of(seen, step.arn),
        lambda step, _: f"{_given(step, ('priority', 'match', 'action'))} of rule {step.name} on {step.listener}",
    ),
    s.Associate: _Kind(_missing, lambda step, _: f"the association with {step.network_arn}"),
    s.Disassociate: _Kind(_association, lambda step, _: f"the deletion of the association with {step.network_arn}"),
    s.DeleteRule: _Kind(
        lambda step, seen: rule_of(seen, step.arn),
        lambda step, _: f"the deletion of rule {step.name} on {step.listener}",
    ),
    s.DeleteListener: _Kind(
        lambda step, seen: [listener.arn for listener in seen.listeners if listener.arn == step.arn],
        lambda step, _: f"the deletion of listener {step.key}",
    ),
    s.Deregister: _Kind(
        _registered, lambda step, _: f"the deregistration of {len(step.targets)} targets of target group {step.name}"
    ),
    s.DeleteGroup: _Kind(_status, lambda step, _: f"the deletion of target group {step.name}"),
    s.DeleteLatticeService: _Kind(_service("status"), lambda step, _: f"the deletion of Lattice service {step.arn}"),
}
