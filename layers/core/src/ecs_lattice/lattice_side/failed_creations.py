"""Target groups and Lattice services whose creation ends in CREATE_FAILED: what failed is deleted and made anew, which
nothing ends where the cause stays. The deletion is a step that comes again: it has one identity for all things of that name,
and is remembered while the next one is being created, when no plan has it. Pure.
"""

from collections.abc import Iterable
from dataclasses import replace

from ecs_lattice import bounds
from ecs_lattice.claims import RepeatedStep
from ecs_lattice.graph import Group, Observed, Service
from ecs_lattice.lattice_side import steps as s

DELETIONS = (s.DeleteGroup, s.DeleteLatticeService)
"""The kinds of steps that may delete what failed."""
PREFIX = "failed:"
"""What the identities begin with. No digest does."""
_SERVICE, _FAILED = "service", "CREATE_FAILED"


def identity(step: s.Step, observed: Observed) -> str:
    """The identity of a deletion of what failed; empty for any other step."""
    match _failed(step, observed):
        case Group() as group:
            return _group(group.name)
        case Service():
            return PREFIX + _SERVICE
    return ""


def name_of(step: s.Step, observed: Observed) -> str:
    """What failed, for people; empty where nothing did."""
    failed = _failed(step, observed)
    if failed is None:
        return ""
    what = "target group" if isinstance(failed, Group) else "Lattice service"
    why = f" ({bounds.cut(failed.failure, bounds.VALUE)})" if failed.failure else ""
    return f"the creation of {what} {failed.name}, which ends in {_FAILED}{why},"


def creation_of(step: s.Step) -> str:
    """The identity of the failed creation after which the step would make it anew; empty where it creates neither."""
    match step:
        case s.CreateGroup():
            return _group(step.spec.name)
        case s.CreateLatticeService():
            return PREFIX + _SERVICE
    return ""


def remade(known: Iterable[RepeatedStep], plan: Iterable[s.Step], observed: Observed) -> tuple[RepeatedStep, ...]:
    """Those of ``known`` that are failed creations of what is being made anew: it is to be created, or not active yet. Whom
    it concerns, the creation knows."""
    needed_by: dict[str, tuple[str, ...]] = {
        _group(group.name): () for group in observed.groups if group.status != "ACTIVE"
    }
    if observed.service and observed.service.status != "ACTIVE":
        needed_by[PREFIX + _SERVICE] = ()
    needed_by |= {creation_of(step): step.needed_by for step in plan}
    found = (each for each in known if each.identity.startswith(PREFIX) and each.identity in needed_by)
    return tuple(replace(each, needed_by=needed_by[each.identity] or each.needed_by) for each in found)


def _failed(step: s.Step, observed: Observed) -> Group | Service | None:
    """What the step deletes, if its creation has failed."""
    match step:
        case s.DeleteGroup():
            there = (group for group in observed.groups if group.id == step.group)
            return next((group for group in there if group.status == _FAILED), None)
        case s.DeleteLatticeService() if observed.service and observed.service.status == _FAILED:
            return observed.service
    return None


def _group(name: str) -> str:
    return f"{PREFIX}group {name}"
