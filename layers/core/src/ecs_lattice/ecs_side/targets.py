"""Controller mode: registers the tasks of a service with its target groups and deregisters them, without ECS.

Tasks whose own deployment names the group are registered and deregistered by ECS. The controller registers every other
running task, with its address and the port that its own revision gives the port name.
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ecs_lattice.ecs_side.claims import RouteState, is_leftover_over
from ecs_lattice.ecs_side.lattice_targets import Target, TargetState
from ecs_lattice.ecs_side.observation import Observation
from ecs_lattice.ecs_side.record import EcsRecord
from ecs_lattice.facts import EcsService, Task
from ecs_lattice.model import AddressFamily
from ecs_lattice.settings import Settings

GroupMode = Literal["register", "keep", "deregister"]


@dataclass(frozen=True, slots=True)
class ManagedGroup:
    """A target group for which the controller has something to do.

    ``mode``: ``register`` running tasks; ``keep`` only those ``targets`` that the controller has registered and that
    are still running; ``deregister`` all of them, because the route is gone. ``keeps_ports``: a running task stays
    registered at its present port, because the group is that of an earlier port name, protocol or the like.
    """

    arn: str
    port_name: str
    family: AddressFamily
    mode: GroupMode
    targets: tuple[Target, ...] = ()
    keeps_ports: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What to do with one group: register first, then deregister. ``targets`` are the controller's afterwards.
    ``is_waiting``: a task has to wait until a draining target with its own address is gone. ``unused``: what is to be
    deregistered from a group that no rule uses; whether it drains cannot be seen then (its status stays UNUSED), and it
    receives nothing."""

    group: ManagedGroup
    register: tuple[Target, ...] = ()
    deregister: tuple[Target, ...] = ()
    targets: tuple[Target, ...] = ()
    is_waiting: bool = False
    unused: tuple[Target, ...] = ()


def managed_groups(
    observed: Observation, states: Sequence[RouteState], record: EcsRecord, settings: Settings
) -> tuple[ManagedGroup, ...]:
    """The groups for which the controller has something to do: those of the claims, and those in which it has registered
    tasks and that no claim explains."""
    by_group: dict[str, list[RouteState]] = {}
    for state in states:
        if state.claim.route.pause:
            return ()
        if state.group:
            by_group.setdefault(state.group, []).append(state)
    groups = [_claimed(arn, users, record.registered.get(arn, ())) for arn, users in sorted(by_group.items())]
    for arn in sorted(record.registered.keys() - by_group.keys()):
        is_over = is_leftover_over(arn, record.timers, settings, observed.now, uninstalls=observed.uninstalls)
        groups.append(_unclaimed(arn, record.registered[arn], is_over=is_over))
    # A single read that does not find the service proves nothing.
    is_unsure = observed.presence == "not_found"
    return tuple(group for group in groups if group and not (is_unsure and group.mode != "deregister"))


def _claimed(arn: str, users: Sequence[RouteState], targets: tuple[Target, ...]) -> ManagedGroup | None:
    """What the controller has to do for the group of the routes ``users``; None if nothing. ``targets``: those that
    it has registered in the group."""
    own = [state for state in users if not state.by_ecs]
    if not [*own, *targets]:
        return None
    claim, mode = users[0].claim, _mode(users, own, has_targets=bool(targets))
    if mode == "keep" and not targets:
        return None
    is_changing = not all(state.is_answered for state in users)
    return ManagedGroup(arn, claim.route.port_name, claim.placement.family, mode, targets, keeps_ports=is_changing)


def _mode(users: Sequence[RouteState], own: Sequence[RouteState], *, has_targets: bool) -> GroupMode:
    """``own``: the routes whose tasks the controller registers."""
    if all(state.is_detachable for state in users):
        return "deregister"
    return "register" if any(state.is_registrable(has_targets) for state in own) else "keep"


def _unclaimed(arn: str, targets: tuple[Target, ...], *, is_over: bool) -> ManagedGroup:
    """A group that no claim names any more: a changed port name, protocol, version, VPC or address family has replaced it.
    It keeps its running tasks until its successor has taken over (``is_over``), and no new task joins."""
    return ManagedGroup(arn, "", "IPV4", "deregister" if is_over else "keep", targets, keeps_ports=True)


def decide(
    group: ManagedGroup,
    service: EcsService | None,
    tasks: tuple[Task, ...],
    ports: Mapping[str, int | None],
    registered: tuple[TargetState, ...],
) -> Change:
    """The change for ``group``. ``ports``: by task definition, the container port of the group's port name, None
    without."""
    naming = _deployments_naming(group, service)
    by_ecs, wanted = set(), set()
    for task in tasks:
        target = _target(task, group, ports)
        if target and task.deployment_id in naming:
            by_ecs.add(target)
        elif target and _is_wanted(task, target, group, service):
            wanted.add(target)
    present = {state.target for state in registered if state.status != "DRAINING"}
    draining = {state.target for state in registered} - present
    # If no deployment names the group, all targets are the controller's, even those that a lost record forgot.
    own = present & set(group.targets) if naming else present
    surplus = own - wanted - by_ecs
    return Change(
        group=group,
        register=tuple(sorted(wanted - present - draining - by_ecs)),
        deregister=tuple(sorted(surplus)),
        targets=tuple(sorted(wanted - by_ecs)),
        is_waiting=bool(wanted & draining),
        unused=tuple(sorted({state.target for state in registered if state.status == "UNUSED"} & surplus)),
    )


def _deployments_naming(group: ManagedGroup, service: EcsService | None) -> set[str]:
    deployments = service.deployments if service else ()
    return {deployment.id for deployment in deployments if group.arn in deployment.groups}


def _is_wanted(task: Task, target: Target, group: ManagedGroup, service: EcsService | None) -> bool:
    """Whether the controller has the target registered. Deregistration begins when ECS wants the task stopped,
    because its SIGTERM follows at once (Amazon ECS Developer Guide, task lifecycle). With the controllers
    CODE_DEPLOY and EXTERNAL only tasks of the PRIMARY task set join: a replacement set takes no traffic before the
    shift (decision 10)."""
    if group.mode == "deregister" or (task.desired_status, task.last_status) != ("RUNNING", "RUNNING"):
        return False
    if target in group.targets:
        return True
    if group.mode == "keep" or service is None:
        return False
    return service.controller == "ECS" or (service.primary is not None and task.deployment_id == service.primary.id)


def _target(task: Task, group: ManagedGroup, ports: Mapping[str, int | None]) -> Target | None:
    if group.keeps_ports and (known := [target for target in group.targets if target.address == task.address]):
        return known[0]
    port = ports.get(task.task_definition)
    if task.address is None or port is None or task.family != group.family:
        return None
    return Target(task.address, port)


def before_change(record: EcsRecord, change: Change) -> EcsRecord:
    """``record`` before the calls: after a crash, whatever may have been registered is known to be the controller's."""
    return _with_targets(record, change, {*change.group.targets, *change.register, *change.targets})


def after_change(record: EcsRecord, change: Change, unkept: Collection[Target]) -> EcsRecord:
    """``record`` after the calls: what is registered, and whether that is everything there is to register. ``unkept``: what
    VPC Lattice does not keep registered or deregistered."""
    failed = set(unkept) - set(change.unused)
    record = _with_targets(record, change, {*change.targets, *failed})
    controlled, arn, registers = set(record.controlled), change.group.arn, change.group.mode == "register"
    if registers and not failed:
        controlled.add(arn)
    if not registers and arn not in record.registered:
        controlled.discard(arn)
    return dataclasses.replace(record, controlled=tuple(sorted(controlled)))


def _with_targets(record: EcsRecord, change: Change, targets: set[Target]) -> EcsRecord:
    registered = {**record.registered, change.group.arn: tuple(sorted(targets))}
    return dataclasses.replace(record, registered={arn: found for arn, found in registered.items() if found})
