"""At rest nothing is written: no call of AWS but reads, neither to ECS nor to VPC Lattice nor to the registry."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.histories.labels import LABELS, hooked_up

READS = ("Describe", "List", "Get", "Query", "Scan", "BatchGet")


@contextmanager
def every_write(world) -> Iterator[list[str]]:
    """The write calls of the application's own clients, the registry's included."""
    written: list[str] = []

    def noted(model, **_: object) -> None:
        if not model.name.startswith(READS):
            written.append(model.name)

    clients = (world.ecs, world.lattice, world.dynamodb)
    for client in clients:
        client.meta.events.register("before-call", noted)
    yield written
    for client in clients:
        client.meta.events.unregister("before-call", noted)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"lattice.auth": "iam", "lattice.idle-timeout": "120", "lattice.weight": "90"},
        {"lattice.listener": "HTTP:80 HTTPS:443", "lattice.targets": "controller", "lattice.priority": "7"},
    ],
    ids=["plain", "iam", "controller"],
)
def test_a_reconcile_of_what_is_as_it_should_be_makes_read_calls_only(world, more):
    arn = hooked_up(world, {**LABELS, **more})
    assert world.claims(arn) == {"orders/default": "Live"}
    for _ in range(2):
        world.run(60)
        with every_write(world) as written:
            world.workers["ecsService"].reconcile(arn)
            world.workers["latticeService"].reconcile("orders")
        assert written == []
    assert world._requests == []


def test_the_writes_of_all_three_services_are_seen(world):
    with every_write(world) as written:
        hooked_up(world)
    assert {"UpdateService", "CreateRule", "PutItem"} <= set(written)
