"""Registers and deregisters the controller's targets, and reads whether VPC Lattice has kept that."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ecs_lattice import ports
from ecs_lattice.bounds import listed
from ecs_lattice.ecs_side.lattice_targets import Target, Targets
from ecs_lattice.ecs_side.observation import Observation
from ecs_lattice.ecs_side.targets import Change, ManagedGroup, decide
from ecs_lattice.ecs_side.unkept_targets import GONE, TargetBrake
from ecs_lattice.errors import NotFoundError
from ecs_lattice.facts import TaskDefinition
from ecs_lattice.history import note


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of a change: the targets that are not listed although they were to be registered, and those that still are
    although they were to be deregistered, each with the reason that VPC Lattice gives. ``is_gone``: there is no such group."""

    unregistered: Mapping[Target, str] = field(default_factory=dict)
    registered: Mapping[Target, str] = field(default_factory=dict)
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class TargetRegistration:
    """Reads the tasks of the service and the targets of its groups, and registers and deregisters targets. ``brake``: which
    calls about which targets are not made now."""

    ecs: ports.Ecs
    targets: Targets
    brake: TargetBrake

    def changes(self, observed: Observation, groups: tuple[ManagedGroup, ...]) -> tuple[Change, ...]:
        """One change for each group; reads nothing if there is no group."""
        service = observed.service
        if not groups:
            return ()
        tasks = self.ecs.tasks(observed.service_id) if service and service.status != "INACTIVE" else ()
        known = {arn: revision.task_definition for arn, revision in observed.revisions.items()}
        arns = sorted({task.task_definition for task in tasks})
        revisions = {arn: known.get(arn) or self.ecs.task_definition(arn) for arn in arns}
        return tuple(
            self._due(decide(group, service, tasks, _ports(revisions, group), self.targets.registered(group.arn)))
            for group in groups
        )

    def _due(self, change: Change) -> Change:
        arn = change.group.arn
        register = self.brake.due("register", arn, change.register)
        deregister = self.brake.due("deregister", arn, change.deregister)
        return dataclasses.replace(change, register=register, deregister=deregister)

    def apply(self, change: Change) -> Applied:
        """Register, then deregister, then read what the group lists; nothing where there is nothing to do."""
        if not (change.register or change.deregister):
            return Applied()
        applied, arn = self._applied(change), change.group.arn
        self.brake.note("register", arn, change.register, applied.unregistered)
        self.brake.note("deregister", arn, change.deregister, applied.registered)
        _note("register", change.register, applied.unregistered, arn)
        _note("deregister", change.deregister, applied.registered, arn)
        return applied

    def _applied(self, change: Change) -> Applied:
        arn = change.group.arn
        try:
            not_registered = self.targets.register(arn, change.register) if change.register else {}
            not_deregistered = self.targets.deregister(arn, change.deregister) if change.deregister else {}
        except NotFoundError:
            return Applied(dict.fromkeys(change.register, GONE), is_gone=True)
        states = {state.target: state.status for state in self.targets.registered(arn)}
        return Applied(
            {target: not_registered.get(target, "") for target in change.register if target not in states},
            {
                target: not_deregistered.get(target, "")
                for target in change.deregister
                if states.get(target, "DRAINING") != "DRAINING"
            },
        )


def _note(verb: str, targets: Sequence[Target], failed: Mapping[Target, str], group_arn: str) -> None:
    if done := [str(target) for target in targets if target not in failed]:
        note(
            f"{verb} the targets {listed(done)} of target group {group_arn.rpartition('/')[2]}",
            f"{verb.capitalize()}Targets",
        )


def _ports(revisions: Mapping[str, TaskDefinition], group: ManagedGroup) -> dict[str, int | None]:
    return {
        arn: next((port.container_port for port in revision.ports if port.name == group.port_name), None)
        for arn, revision in revisions.items()
    }
