"""A live route whose Lattice service changes: it is not taken away before it is live at the other one."""

from ecs_lattice.model import ServiceId
from tests.histories.checks import answers, released
from tests.histories.labels import LABELS, hooked_up


def notices(world, arn: str) -> dict[str, str]:
    return {notice.code: notice.message for route in world.ecs_side.status(ServiceId(arn)) for notice in route.notices}


def test_a_route_that_moves_to_somebody_elses_lattice_service_stays_where_it_is_live(world):
    world.lattice.create_service(name="theirs")
    arn = hooked_up(world)
    answers(world, "orders", "/orders")
    released(world, arn, {**LABELS, "lattice.service": "theirs"})
    world.run(2 * 3600)
    assert world.wrong == []
    assert world.claims(arn) == {"orders/default": "Live", "theirs/default": "Refused"}
    assert "FOREIGN_SERVICE" in notices(world, arn)["MOVE_BLOCKED"]


def test_deleting_the_ecs_service_ends_a_move_that_is_blocked(world):
    world.lattice.create_service(name="theirs")
    arn = hooked_up(world)
    released(world, arn, {**LABELS, "lattice.service": "theirs"})
    world.run(1800)
    world.ecs.delete_service(cluster="shop", service=arn, force=True)
    world.run(2400)
    assert world.claims(arn) == {}
