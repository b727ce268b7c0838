"""Whatever happens to the messages on their way, resyncs until quiet end in the same state."""

import random

import pytest

from tests.histories.labels import LABELS


def live(world, until: int) -> None:
    """Three services: one is deployed and stays, one moves its path, one is deleted. Then resyncs, without further loss."""
    stays = world.deploy(world.register(LABELS), name="stays")
    moves = world.deploy(world.register({**LABELS, "lattice.path.prefix": "/a"}, "moves"), name="moves")
    goes = world.deploy(world.register({**LABELS, "lattice.path.prefix": "/gone"}, "goes"), name="goes")
    world.run(900)
    world.ecs.update_service(
        cluster="shop", service=moves, taskDefinition=world.register({**LABELS, "lattice.path.prefix": "/b"}, "moves")
    )
    world.ecs.delete_service(cluster="shop", service=goes, force=True)
    world.run(until)
    world.chaos.lose = 0.0
    for _ in range(8):
        world.sweep()
        world.run(900)
    assert world.claims(stays) == world.claims(moves) == {"orders/default": "Live"}
    assert world.claims(goes) == {}


def what_is_there(world) -> object:
    graph = world.graph()["orders"]
    rules = sorted(
        (match["pathMatch"]["match"]["prefix"], len(action)) for match, action in graph["listeners"]["HTTP:80"]["rules"]
    )
    return rules, graph["listeners"]["HTTP:80"]["default"], graph["networks"], len(world._all("list_target_groups"))


@pytest.mark.parametrize("seed", range(6))
def test_messages_in_any_order_repeated_and_lost_end_in_the_same_state(world, seed):
    world.chaos.dice = random.Random(seed)
    world.chaos.lose, world.chaos.repeat, world.chaos.shuffle = 0.4, 0.3, True
    live(world, 1800)
    assert what_is_there(world) == ([("/b", 1), ("/orders", 1)], 404, ["platform"], 2)
    assert [world.ask("orders", path).status for path in ("/orders", "/b", "/a", "/gone")] == [200, 200, 404, 404]


def test_when_every_message_is_lost_the_resyncs_alone_hook_the_services_up(world):
    world.chaos.lose = 1.0
    live(world, 900)
    assert what_is_there(world) == ([("/b", 1), ("/orders", 1)], 404, ["platform"], 2)
