"""A claim that may not speak costs another's Lattice service next to nothing: counted over the same history, with and without."""

import dataclasses
from collections.abc import Callable

import pytest

from local_aws import lattice
from tests.tenants.direct import DirectWorld
from tests.tenants.tenants import (
    ORDERS,
    OURS,
    RESYNC_SECONDS,
    RIVALS,
    account,
    at,
    declared,
    deleted,
    hours,
    labels,
    release,
    running,
    tagged,
)

AT_MOST = 2


@dataclasses.dataclass
class Costs:
    """What the reconciles of the victim's Lattice service cost: their calls of VPC Lattice, and how many made any."""

    calls: int = 0
    runs: int = 0


def counted(world: DirectWorld) -> Costs:
    """The costs from now on."""
    costs, consumer = Costs(), world.workers["latticeService"]

    def reconcile(key: str, *more):
        before = len(lattice.backend().calls)
        outcome = consumer.reconcile(key, *more)
        made = sum(call.caller != lattice.ECS for call in lattice.backend().calls[before:])
        if key == ORDERS:
            costs.calls += made
            costs.runs += bool(made)
        return outcome

    world.workers["latticeService"] = dataclasses.replace(consumer, reconcile=reconcile)
    return costs


def added(world: DirectWorld, cluster: str) -> str:
    arn = declared(world, "outsider", at("/other", auth="iam", network="public"), cluster)
    world.run(600)
    return arn


def changed(world: DirectWorld, arn: str) -> None:
    for number in range(10):
        release(world, arn, at(f"/other{number}", auth="iam", idle_timeout=str(100 + number), network=f"n{number}"))
        world.run(120)


def paused(world: DirectWorld, arn: str) -> None:
    tagged(world, arn, pause="true")
    world.run(600)


def removed(world: DirectWorld, arn: str) -> None:
    release(world, arn, {})
    world.run(2 * RESYNC_SECONDS)


def taken_away(world: DirectWorld, arn: str) -> None:
    deleted(world, arn)


def waited(world: DirectWorld, _arn: str) -> None:
    """Half a day in which nobody does anything: refused claims are looked at again and again."""
    hours(world, 12)


def costs_of(do: Callable[[DirectWorld, str], None] | None, sharing: str, cluster: str) -> tuple[Costs, float]:
    """The costs of ``do`` by an outsider who is there already; None: only of adding him. And how long it took."""
    with account(sharing=sharing) as world:
        running(world, "victim", labels())
        if do is None:
            costs, began = counted(world), world.clock.time()
            added(world, cluster)
        else:
            arn = added(world, cluster)
            costs, began = counted(world), world.clock.time()
            do(world, arn)
        hours(world, 1)
        return costs, world.clock.time() - began


def costs_alone(seconds: float) -> Costs:
    """The costs of the same time without the outsider."""
    with account() as world:
        running(world, "victim", labels())
        world.run(600)
        costs, end = counted(world), world.clock.time() + seconds
        while world.clock.time() < end:
            world.run(min(RESYNC_SECONDS, end - world.clock.time()))
            world.sweep()
        return costs


@pytest.mark.parametrize("do", [None, changed, paused, removed, taken_away, waited])
@pytest.mark.parametrize(("sharing", "cluster"), [("cluster", RIVALS), ("none", OURS)])
def test_what_an_outsider_does_costs_the_victims_lattice_service_at_most_two_calls_and_runs(sharing, cluster, do):
    costs, seconds = costs_of(do, sharing, cluster)
    alone = costs_alone(seconds)
    assert abs(costs.calls - alone.calls) <= AT_MOST, (costs, alone)
    assert abs(costs.runs - alone.runs) <= AT_MOST, (costs, alone)
