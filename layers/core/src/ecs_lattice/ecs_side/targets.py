"""Which tasks of a service to register with a target group, and which targets to take away: pure.

A task whose own deployment names the group is ECS's: ECS registers and deregisters it. Every other running task is
ours, at its address and the port that its own revision gives the port name.

Controller mode: reads the tasks and targets of the groups it answers for, and carries the changes out.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from ecs_lattice import ports
from ecs_lattice.ecs_side.lattice_targets import Target, Targets, TargetState
from ecs_lattice.ecs_side.observe import Observation
from ecs_lattice.ecs_side.record import EcsRecord, with_registered
from ecs_lattice.facts import EcsService, Task, TaskDefinition
from ecs_lattice.model import AddressFamily


@dataclass(frozen=True, slots=True)
class Change:
    """What to do with one group: register first, then deregister. ``mine`` is what the controller answers for afterwards;
    ``is_waiting``: a task has to wait until a draining target of its own address has gone."""

    group_arn: str
    register: tuple[Target, ...] = ()
    deregister: tuple[Target, ...] = ()
    mine: tuple[Target, ...] = ()
    is_waiting: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A target group and what is asked of the controller for it.

    ``admits``: running tasks are registered; else only those stay that the controller has registered (``mine``) and that
    still run. ``leaves``: the route is gone, all of the controller's targets go.
    """

    arn: str
    port_name: str
    family: AddressFamily
    mine: frozenset[Target]
    admits: bool
    leaves: bool = False


def decide(
    group: Group,
    service: EcsService | None,
    tasks: tuple[Task, ...],
    ports: Mapping[str, int | None],
    registered: tuple[TargetState, ...],
) -> Change:
    """The change for ``group``. ``ports``: by task definition, the container port of the group's port name, None without."""
    deployments = service.deployments if service else ()
    naming = {one.id for one in deployments if group.arn in {entry.group_arn for entry in one.entries}}
    of_ecs = {target for task in tasks if task.deployment_id in naming and (target := _target(task, group, ports))}
    present = {state.target for state in registered if state.status != "DRAINING"}
    draining = {state.target for state in registered} - present

    running = {
        target
        for task in tasks
        if task.deployment_id not in naming and _is_running(task) and (target := _target(task, group, ports))
        and (target in group.mine or _may_join(task, service))
    }  # fmt: skip
    wanted = set() if group.leaves else running if group.admits else running & group.mine
    # Where no deployment names the group all targets are the controller's, also those that a lost record forgot.
    own = present if not naming else present & group.mine
    register = wanted - present - draining - of_ecs
    deregister = (own - wanted) - of_ecs
    return Change(
        group_arn=group.arn,
        register=tuple(sorted(register)),
        deregister=tuple(sorted(deregister)),
        mine=tuple(sorted(wanted - of_ecs)),
        is_waiting=bool(wanted & draining),
    )


def _is_running(task: Task) -> bool:
    """Removal begins when ECS wants the task stopped: its SIGTERM follows at once (Amazon ECS Developer Guide, task life)."""
    return task.desired_status == "RUNNING" and task.last_status == "RUNNING"


def _may_join(task: Task, service: EcsService | None) -> bool:
    """CODE_DEPLOY and EXTERNAL: only tasks of the PRIMARY task set; a green one takes no traffic before the shift."""
    if service is None:
        return False
    if service.controller == "ECS":
        return True
    return service.primary is not None and task.deployment_id == service.primary.id


def _target(task: Task, group: Group, ports: Mapping[str, int | None]) -> Target | None:
    port = ports.get(task.task_definition)
    if task.address is None or port is None or task.family != group.family:
        return None
    return Target(task.address, port)


@dataclass(frozen=True, slots=True)
class TargetRegistration:
    """Registers and deregisters tasks for the groups that it is given."""

    ecs: ports.Ecs
    targets: Targets

    def changes(self, view: Observation, groups: tuple[Group, ...]) -> tuple[Change, ...]:
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

    def _revisions(self, view: Observation, tasks: tuple[Task, ...]) -> dict[str, TaskDefinition]:
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
