"""Two tenants in one account: what they deploy, what clients of a Lattice service get, and what people are told.

``OURS`` is the cluster that holds the Lattice service ``orders``, ``RIVALS`` another one. What clients get is read from the
simulated VPC Lattice, not from what the application remembers.
"""

import dataclasses
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ecs_lattice.messages.requests import ReconcileRequest
from ecs_lattice.model import ServiceId
from local_aws import inprocess, lattice
from tests.histories.labels import LABELS
from tests.tenants.direct import DirectWorld
from tests.world import SETTINGS

OURS, RIVALS = "shop", "rivals"
ORDERS = "orders"
CRASHES = {"CRASH_AFTER_SECONDS": "1"}
RESYNC_SECONDS = 900
HOUR = 3600


@dataclass(frozen=True)
class Effective:
    """What clients of a Lattice service get, whatever the routes: authentication, idle timeout (seconds), networks."""

    auth: str
    idle_timeout: int
    networks: tuple[str, ...]


PLAIN = Effective("NONE", 60, ("platform",))
SIGNED = dataclasses.replace(PLAIN, auth="AWS_IAM")


@contextmanager
def account(**settings: Any) -> Iterator[DirectWorld]:
    """A stack that has been running for a while: two clusters, the networks ``platform`` and ``public``, registry complete."""
    with inprocess.started() as machine:
        world = DirectWorld(machine, dataclasses.replace(SETTINGS, **settings))
        for cluster in (OURS, RIVALS):
            world.make_cluster(cluster)
        make_networks(world)
        hours(world, 1)
        yield world
        world.every_state_has_a_reason()


def make_networks(world: DirectWorld) -> None:
    """The service networks ``platform`` and ``public``, each with a VPC in which there are clients."""
    world.associate_vpc(world.make_network("platform"))
    world.associate_vpc(world.make_network("public"), world.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"])


def labels(**more: str | None) -> dict[str, str]:
    """The labels that histories begin with; ``idle_timeout`` stands for ``lattice.idle-timeout``; None: left out."""
    changed = {f"lattice.{key.replace('_', '-')}": value for key, value in more.items()}
    merged: dict[str, str | None] = {**LABELS, **changed}
    return {key: value for key, value in merged.items() if value is not None}


def matching(match: dict[str, str], **more: str | None) -> dict[str, str]:
    """The labels of a route with just these conditions, priority and weight."""
    return labels(**{"path.prefix": None, **match, **more})


def at(path: str | None, **more: str | None) -> dict[str, str]:
    """The labels of a route at ``path``; None: of the default route."""
    return labels(**{"path.prefix": path, **more})


def declared(world: DirectWorld, name: str, wanted: dict[str, str], cluster: str = OURS, **more: Any) -> str:
    """An ECS service with these labels, of which nothing has happened yet; its ARN. Its bodies name it."""
    environment, ports = more.pop("environment", None), more.pop("ports", (("web", 8080),))
    more.setdefault("groups", [group_of(world, name)])
    return world.deploy(world.register(wanted, name, ports, environment), name=name, cluster=cluster, **more)


def running(world: DirectWorld, name: str, wanted: dict[str, str], cluster: str = OURS, **more: Any) -> str:
    """The same an hour later."""
    arn = declared(world, name, wanted, cluster, **more)
    hours(world, 1)
    return arn


def group_of(world: DirectWorld, name: str) -> str:
    """The security group of an ECS service's tasks, opened for VPC Lattice by nobody but the application."""
    if name not in world.task_groups:
        made = world.ec2.create_security_group(GroupName=f"tasks-{name}", Description="tasks")
        world.task_groups[name] = str(made["GroupId"])
    return world.task_groups[name]


def release(
    world: DirectWorld, arn: str, wanted: dict[str, str], ports=(("web", 8080),), environment=None, **more: Any
) -> None:
    """UpdateService with a new revision."""
    service = ServiceId(arn)
    revision = world.register(wanted, service.name, ports, environment)
    world.ecs.update_service(cluster=service.cluster, service=arn, taskDefinition=revision, **more)


def released(world: DirectWorld, arn: str, wanted: dict[str, str], **more: Any) -> None:
    """The same, and an hour."""
    release(world, arn, wanted, **more)
    hours(world, 1)


def scaled(world: DirectWorld, arn: str, count: int) -> None:
    world.ecs.update_service(cluster=ServiceId(arn).cluster, service=arn, desiredCount=count)
    hours(world, 1)


def deleted(world: DirectWorld, arn: str) -> None:
    world.ecs.delete_service(cluster=ServiceId(arn).cluster, service=arn, force=True)
    hours(world, 2)


def tagged(world: DirectWorld, arn: str, **tags: str) -> None:
    world.ecs.tag_resource(
        resourceArn=arn, tags=[{"key": f"lattice.{key}", "value": value} for key, value in tags.items()]
    )


def untagged(world: DirectWorld, arn: str, *keys: str) -> None:
    world.ecs.untag_resource(resourceArn=arn, tagKeys=[f"lattice.{key}" for key in keys])


def hours(world: DirectWorld, count: float) -> None:
    """Time, with a resync every quarter of an hour."""
    for _ in range(round(count * HOUR / RESYNC_SECONDS)):
        resynced(world)


def resynced(world: DirectWorld) -> None:
    """A quarter of an hour and the resync at its end, with what that leads to at once."""
    world.run(RESYNC_SECONDS)
    world.sweep()
    world.run(30)


def lose_table(world: DirectWorld) -> None:
    world.table.items.clear()


# What clients get.


def effective(name: str = ORDERS) -> Effective | None:
    """What the clients of a Lattice service get; None: there is no such service."""
    backend = lattice.backend()
    service = next((each for each in backend.services.values() if each.name == name), None)
    if service is None:
        return None
    associations = backend.service_network_service_associations.values()
    networks = sorted(each.network.name for each in associations if each.service is service and each.status == "ACTIVE")
    return Effective(service.auth_type, service.idle_timeout, tuple(networks))


def who(world: DirectWorld, path: str, name: str = ORDERS, port: int = 80, **request: str) -> str:
    """The ECS service that answers an unsigned request, or the status."""
    answer = world.ask(name, path, port, **request)
    if answer.status != 200:
        return str(answer.status)
    return str(json.loads(answer.body)["taskDefinition"].rpartition(":")[0])


def keeps(world: DirectWorld, paths: dict[str, str] | None = None, name: str = ORDERS) -> None:
    """From now on, at every step and after every write: the Lattice service has what it has now, and each path is
    answered by the ECS service named. What was otherwise is in ``world.wrong``."""
    before = effective(name)

    def question() -> str | None:
        now = effective(name)
        if now != before:
            return f"{before} became {now}"
        others = {path: found for path, wanted in (paths or {}).items() if (found := who(world, path, name)) != wanted}
        return f"requests go elsewhere: {others}" if others else None

    world.watch(question)


def requests_go_to(world: DirectWorld, path: str, *allowed: str) -> None:
    """From now on ``path`` is answered by one of the ECS services named."""
    world.watch(lambda: None if (found := who(world, path)) in allowed else f"{path} is answered by {found}")


# What people are told.


def codes(world: DirectWorld, arn: str) -> set[str]:
    """Every code that the status of an ECS service has: of routes, problems and notices."""
    status = world.ecs_side.status(ServiceId(arn))
    noted: list[Any] = [*getattr(status, "notices", ())]
    for route in status.routes:
        noted += getattr(route, "notices", ())
    for record in world.registry.claims_of(ServiceId(arn)):
        noted += record.answer.notices
    told = [route.code for route in status.routes] + [problem.code for problem in status.problems]
    return {code for code in (*told, *(notice.code for notice in noted)) if code}


def texts(world: DirectWorld, arn: str) -> str:
    """Everything that the status of an ECS service says, as one text."""
    status = world.ecs_side.status(ServiceId(arn))
    answers = [record.answer for record in world.registry.claims_of(ServiceId(arn))]
    noted = [notice.message for answer in answers for notice in answer.notices]
    return "\n".join([*(route.message for route in status.routes), *map(str, status.problems), *noted])


def state(world: DirectWorld, arn: str, route: str = "default") -> str:
    """The state of a route as people see it; empty: there is no such route."""
    return next((each.state for each in world.ecs_side.status(ServiceId(arn)) if each.route == route), "")


# What it costs.


def lattice_calls(do: Callable[[], object]) -> list[str]:
    """The calls of VPC Lattice that the application makes while ``do`` runs."""
    before = len(lattice.backend().calls)
    do()
    return [call.operation for call in lattice.backend().calls[before:] if call.caller != lattice.ECS]


def reconcile(world: DirectWorld, name: str = ORDERS) -> None:
    """One reconcile of a Lattice service now, and what it leads to at once."""
    world.enqueue([ReconcileRequest("latticeService", name, "a test", world.clock.time())])
    world.run()


def holder(world: DirectWorld, name: str = ORDERS) -> str | None:
    """Whose the Lattice service is, as its tag says."""
    service = next(each for each in lattice.backend().services.values() if each.name == name)
    return service.tags.get("ecs-lattice:holder")
