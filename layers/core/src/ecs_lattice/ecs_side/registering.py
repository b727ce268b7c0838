"""Controller mode: reads the tasks and targets of the groups it answers for, and carries the changes out."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from ecs_lattice import ports
from ecs_lattice.ecs_side.controller import Change, Group, decide
from ecs_lattice.ecs_side.look import View
from ecs_lattice.ecs_side.ports import Target, Targets
from ecs_lattice.ecs_side.record import EcsRecord, with_registered
from ecs_lattice.facts import Task, TaskDefinition


@dataclass(frozen=True, slots=True)
class Registrar:
    """Registers and deregisters tasks for the groups that it is given."""

    ecs: ports.Ecs
    targets: Targets

    def changes(self, view: View, groups: tuple[Group, ...]) -> tuple[Change, ...]:
        """What has to be done, one change a group; nothing is read when there is no group."""
        if not groups:
            return ()
        there = view.service is not None and view.service.status != "INACTIVE"
        tasks = self.ecs.tasks(view.service_id) if there else ()
        revisions = self._revisions(view, tasks)
        return tuple(
            decide(group, view.service, tasks, _ports(revisions, group), self.targets.registered(group.arn))
            for group in groups
        )

    def announced(self, record: EcsRecord, change: Change) -> EcsRecord:
        """``record`` before the calls: after a crash, what may have been registered is known to be ours."""
        mine = record.targets_in(change.group_arn) | set(change.register) | set(change.mine)
        return _with_targets(record, change.group_arn, mine)

    def apply(self, change: Change) -> tuple[Target, ...]:
        """Register, then deregister; the targets that Lattice answered as unsuccessful."""
        failed: tuple[Target, ...] = ()
        if change.register:
            failed += self.targets.register(change.group_arn, change.register)
        if change.deregister:
            failed += self.targets.deregister(change.group_arn, change.deregister)
        return failed

    def done(
        self, record: EcsRecord, groups: tuple[Group, ...], change: Change, failed: tuple[Target, ...]
    ) -> EcsRecord:
        """``record`` after the calls: what is registered, and whether that is all there is to register."""
        group = next(one for one in groups if one.arn == change.group_arn)
        record = _with_targets(record, group.arn, set(change.mine) | set(failed))
        controlled = set(record.controlled)
        if group.admits and not failed:
            controlled.add(group.arn)
        if not group.admits and not record.targets_in(group.arn):
            controlled.discard(group.arn)
        return dataclasses.replace(record, controlled=tuple(sorted(controlled)))

    def _revisions(self, view: View, tasks: tuple[Task, ...]) -> dict[str, TaskDefinition]:
        known = {view.revision.arn: view.revision} if view.revision else {}
        for arn in sorted({task.task_definition for task in tasks} - set(known)):
            known[arn] = self.ecs.task_definition(arn)
        return known


def _ports(revisions: Mapping[str, TaskDefinition], group: Group) -> dict[str, int | None]:
    return {
        arn: next((port.container_port for port in revision.ports if port.name == group.port_name), None)
        for arn, revision in revisions.items()
    }


def _with_targets(record: EcsRecord, group_arn: str, targets: set[Target] | frozenset[Target]) -> EcsRecord:
    registered = {**dict(record.registered), group_arn: targets}
    return dataclasses.replace(record, registered=with_registered(registered))
