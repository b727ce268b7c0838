"""A Lattice service that nobody claims: kept, because its DNS name can never be had again, unless the stack says otherwise."""

import dataclasses

from ecs_lattice import ownership
from ecs_lattice.claims import LatticeRecord
from ecs_lattice.graph import Group, Observed, Service, weights
from ecs_lattice.lattice_side.apply import Applied, Applier
from ecs_lattice.lattice_side.desired_values import Desired
from ecs_lattice.lattice_side.observe import SnapshotReader
from ecs_lattice.lattice_side.plan import plan
from ecs_lattice.lattice_side.ports import Lattice
from ecs_lattice.lattice_side.seen import foreign_rules
from ecs_lattice.outcome import Done, NotYet, Outcome, Problem, Refused, soonest
from ecs_lattice.ports import Registry
from ecs_lattice.settings import Settings
from ecs_lattice.uninstall_state import UNINSTALL

_DELETE_SECONDS = 10


def reconcile(
    lattice: Lattice, registry: Registry, settings: Settings, remembered: LatticeRecord, now: float
) -> Outcome:
    """Keep the service, or delete it where ``delete_empty_services`` or an uninstall asks for that."""
    if remembered.service_arn is None and not remembered.groups:
        return Done()
    if not _is_to_go(registry, settings):
        if now - remembered.read_at > settings.drift_hours * 1800 or remembered.due_at:
            registry.put_lattice(dataclasses.replace(remembered, read_at=now, due_at=0.0))
        return Done()
    reading = SnapshotReader(lattice, settings, (), remembered).read()
    observed, service = reading.observed, reading.observed.service
    groups = tuple(group for group in observed.groups if not group.targets and _is_ours(group.tags, settings))
    if service is None and not groups:
        registry.delete_lattice(remembered.name)
        return Done()
    if service is not None and (problem := _in_use(observed, service, settings)):
        return Refused((problem,))
    if service is not None and service.status not in {"ACTIVE", "DELETE_FAILED"}:
        return NotYet(_DELETE_SECONDS, f"Lattice service {service.name} is {service.status}")
    return _take_away(lattice, registry, settings, observed, reading.remembered, groups)


def _take_away(
    lattice: Lattice,
    registry: Registry,
    settings: Settings,
    observed: Observed,
    remembered: LatticeRecord,
    groups: tuple[Group, ...],
) -> Outcome:
    associations = tuple(one for one in observed.associations if one.status != "DELETE_IN_PROGRESS")
    desired = Desired(
        dropped_associations=associations,
        dropped_service=observed.service if not observed.associations else None,
        dropped_groups=groups if observed.service is None else (),
    )
    applier = Applier(lattice, settings.owner, registry.put_lattice, observed, Applied(remembered))
    applied = applier.apply(plan(desired, observed))
    if applied.remembered != remembered:
        registry.put_lattice(applied.remembered)
    problems = tuple(applied.refused.values())
    if problems:
        return soonest([*applied.waits, Refused(problems)])
    return NotYet(_DELETE_SECONDS, f"Lattice service {remembered.name} is being taken away")


def _is_to_go(registry: Registry, settings: Settings) -> bool:
    """Only a table that has seen a whole sweep knows that nobody claims the service."""
    if registry.document("stack", UNINSTALL) is not None:
        return True
    return settings.delete_empty_services and registry.document("stack", "marker") is not None


def _is_ours(tags: tuple[tuple[str, str], ...] | None, settings: Settings) -> bool:
    return dict(tags or ()).get(ownership.OWNER) == settings.owner


def _in_use(observed: Observed, service: Service, settings: Settings) -> Problem | None:
    """Why the service may not go: it is not ours, or somebody else's things are in it, or it still serves."""
    if not _is_ours(service.tags, settings):
        return Problem("FOREIGN_SERVICE", f"{service.arn} does not carry this stack's {ownership.OWNER} tag.")
    foreign = [rule.name for listener in observed.listeners for rule in foreign_rules(listener)]
    foreign += [one.arn for one in observed.associations if one.status == "ACTIVE" and not one.ours]
    live = [rule.name for each in observed.listeners for rule in each.rules if rule.is_live]
    live += [each.name for each in observed.listeners if any(weights(each.default).values())]
    if foreign or live:
        message = (
            f"Nobody claims {service.name}, but it is not deleted: {', '.join([*foreign, *live])} still stand in it."
        )
        return Problem("STILL_SERVES", message)
    return None
