"""A Lattice service without claims: kept, because its DNS name cannot be had again, unless the stack deletes empty services."""

import dataclasses
import logging
from collections.abc import Iterable, Iterator, Sequence

from ecs_lattice import naming, ownership
from ecs_lattice.claims import LatticeRecord
from ecs_lattice.graph import Group, Listener, Observed, Service, weighted_groups
from ecs_lattice.lattice_side.apply import Applied, Applier
from ecs_lattice.lattice_side.desired_values import Desired
from ecs_lattice.lattice_side.observe import Snapshot, SnapshotReader
from ecs_lattice.lattice_side.plan import plan
from ecs_lattice.lattice_side.ports import Lattice
from ecs_lattice.lattice_side.repeats import Repeats, problems_of
from ecs_lattice.lattice_side.seen import Timers
from ecs_lattice.lattice_side.steps import Step
from ecs_lattice.outcome import Done, NotYet, Outcome, Problem, Refused, soonest
from ecs_lattice.ports import Registry
from ecs_lattice.settings import Settings
from ecs_lattice.stack_state import is_complete, is_uninstalling

_log = logging.getLogger(__name__)
_DELETE_SECONDS, _DRAIN_SECONDS = 10, 60
_DELETABLE = {"ACTIVE", "CREATE_FAILED", "DELETE_FAILED"}


def reconcile(
    lattice: Lattice, registry: Registry, settings: Settings, remembered: LatticeRecord, now: float
) -> Outcome:
    """Keep the service, or delete it where ``delete_empty_services`` or an uninstall asks for that."""
    if remembered.service_arn is None and not remembered.groups:
        return _forget(registry, settings, remembered)
    if not _is_deletable(registry, settings):
        return _keep(registry, settings, remembered, now)
    snapshot = SnapshotReader(lattice, settings, (), remembered).read()
    observed, service = snapshot.observed, snapshot.observed.service
    own = [group for group in observed.groups if _is_own(group.tags, settings)]
    if service is not None:
        if problem := _in_use(observed, service, settings):
            return Refused((problem,))
        if service.status not in _DELETABLE:
            return NotYet(_DELETE_SECONDS, f"Lattice service {service.name} is {service.status}")
    elif not own:
        registry.delete_lattice(remembered.name)
        return Done()
    return _delete(lattice, registry, settings, snapshot, own, now)


def _forget(registry: Registry, settings: Settings, remembered: LatticeRecord) -> Done:
    """Of a service that does not exist nothing is left to do, where it may be forgotten: it has been deleted by hand, or there
    only was a group that no rule named (:mod:`ecs_lattice.rebuild`)."""
    if remembered != LatticeRecord(remembered.name) and (
        naming.is_ours(remembered.name) or _is_deletable(registry, settings)
    ):
        registry.delete_lattice(remembered.name)
    return Done()


def _keep(registry: Registry, settings: Settings, remembered: LatticeRecord, now: float) -> Done:
    kept = dataclasses.replace(remembered, due_at=0.0, holder_gone_since=None)  # nobody looks for the holder
    if now - remembered.read_at > settings.drift_hours * 1800 or kept != remembered:
        registry.put_lattice(dataclasses.replace(kept, read_at=now))
    return Done()


def _delete(
    lattice: Lattice, registry: Registry, settings: Settings, snapshot: Snapshot, own: Sequence[Group], now: float
) -> Outcome:
    """First the associations, then the service, then its groups, once they are empty: each in a run of its own."""
    observed = snapshot.observed
    groups = tuple(group for group in own if not group.targets)
    if observed.service is None and not groups:
        return NotYet(_DRAIN_SECONDS, f"tasks are still registered in {own[0].name}, which no route claims")
    desired = Desired(
        dropped_associations=tuple(a for a in observed.associations if a.status != "DELETE_IN_PROGRESS"),
        dropped_service=observed.service if not observed.associations else None,
        dropped_groups=groups if observed.service is None else (),
    )
    applier = Applier(lattice, settings.owner, registry.put_lattice, Applied(snapshot.remembered))
    return _carry_out(applier, registry, plan(desired, observed, Timers({}, 0.0)), snapshot, now)


def _carry_out(
    applier: Applier, registry: Registry, steps: tuple[Step, ...], snapshot: Snapshot, now: float
) -> Outcome:
    observed, remembered = snapshot.observed, snapshot.remembered
    repeats = Repeats(remembered.repeated, now)
    applied = applier.apply(repeats.sift(steps, observed))
    repeats.note(applied.done, observed, is_last=True)
    repeats.forget((step for step, _ in applied.refused_steps), observed)
    after = dataclasses.replace(applied.remembered, repeated=repeats.known)
    if after != remembered:
        registry.put_lattice(after)
    for _, problem in problems_of(repeats.known, now):  # there is no claim to tell it
        _log.warning("Lattice service %s: %s", remembered.name, problem)
    if problems := tuple(applied.refused.values()):
        return soonest([*applied.waits, Refused(problems)])
    if repeats.known and not applied.done:  # all of it waits to be tried again
        return soonest([*repeats.waits, *applied.waits])
    deleting = NotYet(_DELETE_SECONDS, f"Lattice service {remembered.name} is being deleted")
    return soonest([deleting, *applied.waits])


def _is_deletable(registry: Registry, settings: Settings) -> bool:
    """Only a table that has seen a whole resync shows that no claim is left."""
    if is_uninstalling(registry):
        return True
    return settings.delete_empty_services and is_complete(registry)


def _is_own(tags: tuple[tuple[str, str], ...] | None, settings: Settings) -> bool:
    return dict(tags or ()).get(ownership.OWNER) == settings.owner


def _in_use(observed: Observed, service: Service, settings: Settings) -> Problem | None:
    """Why the service may not be deleted: it is not this stack's, or has objects of others, or still serves."""
    if not _is_own(service.tags, settings):
        return Problem("FOREIGN_SERVICE", f"{service.arn} does not carry this stack's {ownership.OWNER} tag.")
    remaining = [*serving(observed.listeners)]
    remaining += [known.arn for known in observed.associations if known.status == "ACTIVE" and not known.ours]
    if not remaining:
        return None
    message = f"No route claims {service.name}, but it is not deleted: it still contains {', '.join(remaining)}."
    return Problem("STILL_SERVES", message)


def serving(listeners: Iterable[Listener]) -> Iterator[str]:
    """The names of the rules and listeners that still serve, or that others created."""
    for listener in listeners:
        yield from (rule.name for rule in listener.rules if rule.is_live or not naming.is_ours(rule.name))
        if weighted_groups(listener.default) or not naming.is_ours(listener.name):
            yield listener.name
