"""Which tasks of a service to register with a target group, and which targets to take away: pure.

A task whose own deployment names the group is ECS's: ECS registers and deregisters it. Every other running task is
ours, at its address and the port that its own revision gives the port name.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ecs_lattice.ecs_side.ports import Target, TargetState
from ecs_lattice.facts import EcsService, Task
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
