"""What the application calls while nothing happens: after everything has settled, resyncs read, and nobody writes."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from ecs_lattice.model import ServiceId
from local_aws import lattice
from tests.tenants.direct import Table
from tests.tenants.tenants import RESYNC_SECONDS
from tests.world import World

READS = ("Describe", "Get", "List", "Batch", "Query", "Scan")


@dataclass
class Calls:
    """Calls of the application: writes to Lattice, ECS and EC2; keys written to the registry; reads by service; when."""

    writes: list[str] = field(default_factory=list)
    registry: list[str] = field(default_factory=list)
    reads: Counter[str] = field(default_factory=Counter)
    moments: set[float] = field(default_factory=set)

    def note(self, now: float, service: str, operation: str, key: str = "") -> None:
        self.moments.add(now)
        if operation.startswith(READS):
            self.reads[service] += 1
        elif service == "dynamodb":
            self.registry.append(key)
        else:
            self.writes.append(f"{service}:{operation}")


@contextmanager
def calls(world: World) -> Iterator[Calls]:
    """Count what the application calls inside the block, where nobody else may use the world's clients."""
    seen = Calls()
    with _of_lattice(world, seen), _of_clients(world, seen), _of_table(world, seen):
        yield seen


@contextmanager
def _of_lattice(world: World, seen: Calls) -> Iterator[None]:
    backend = lattice.backend()
    perform = backend.perform

    def performed(operation: str, params: Mapping[str, Any], caller: str = "") -> Any:
        if caller != lattice.ECS:
            seen.note(world.clock.time(), "lattice", operation)
        return perform(operation, params, caller)

    with patch.object(backend, "perform", performed):
        yield


@contextmanager
def _of_clients(world: World, seen: Calls) -> Iterator[None]:
    clients = [(name, client) for name in ("ecs", "ec2", "dynamodb") if hasattr(client := getattr(world, name), "meta")]

    def noted(params: Mapping[str, Any], model: Any, **_: object) -> None:
        key = params.get("Key") or params.get("Item") or {}
        text = f"{key['pk']['S']} {key['sk']['S']}" if "pk" in key else ""
        seen.note(world.clock.time(), model.service_model.service_name, model.name, text)

    for name, client in clients:
        client.meta.events.register(f"provide-client-params.{name}", noted)
    try:
        yield
    finally:
        for name, client in clients:
            client.meta.events.unregister(f"provide-client-params.{name}", noted)


@contextmanager
def _of_table(world: World, seen: Calls) -> Iterator[None]:
    table = world.dynamodb
    before = len(table.written) if isinstance(table, Table) else 0
    yield
    if isinstance(table, Table):
        seen.registry += [" ".join(key) for key in table.written[before:]]


HEARTBEAT = ("seen#", "stack ", "lattice#")
"""What a resync notes of itself: that it saw an ECS service, how far it came, when it read a Lattice service."""


def comes_to_rest(world: World) -> None:
    """The hour from now, in which nobody does anything, has only the resyncs' reads and notes. Once they run by themselves."""
    with calls(world) as seen:
        world.run(3600)
    assert (found := unrestful(world, seen)) == [], found
    assert len(seen.moments) <= 3600 // RESYNC_SECONDS, sorted(seen.moments)


def unrestful(world: World, seen: Calls) -> list[str]:
    """What was written of ``seen`` that is not written at rest.

    What has an end is no rest: a deployment, also of tasks that exit after a while, and the day for which the paused routes of
    an ECS service that is gone are held. The next look at them is noted.
    """
    waits = [f"due#ecsService#{arn} " for arn in (*_deploying(world), *_held(world, seen))]
    return [*seen.writes, *(key for key in seen.registry if not key.startswith((*HEARTBEAT, *waits)))]


def _held(world: World, seen: Calls) -> list[str]:
    """The ECS services of which a look was noted that are gone and whose paused routes are held."""
    noted = {key.split()[0].partition("due#ecsService#")[2] for key in seen.registry} - {""}
    paused = [arn for arn in noted if any(one.claim.route.pause for one in world.registry.claims_of(ServiceId(arn)))]
    return [arn for arn in sorted(paused) if not _is_there(world, arn)]


def _is_there(world: World, arn: str) -> bool:
    found = world.ecs.describe_services(cluster=arn.split("/")[-2], services=[arn])["services"]
    return any(each["status"] == "ACTIVE" for each in found)


def _deploying(world: World) -> list[str]:
    """The ECS services with a deployment in progress."""
    found = []
    for cluster in world.ecs.list_clusters()["clusterArns"]:
        for arn in world.ecs.list_services(cluster=cluster, maxResults=100)["serviceArns"]:
            states = [deployment.get("rolloutState") for deployment in world.service(arn)["deployments"]]
            found += [arn] if "IN_PROGRESS" in states else []
    return found
