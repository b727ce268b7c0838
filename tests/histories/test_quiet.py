"""A service at rest costs nothing, and one in trouble costs the same however long it lasts."""

from tests.histories.labels import LABELS, hooked_up


def runs_in_an_hour(world) -> int:
    before = len(world.outcomes)
    world.run(3600)
    return len(world.outcomes) - before


def test_a_service_at_rest_is_not_looked_at_again(world):
    hooked_up(world)
    world.run(3600)
    assert runs_in_an_hour(world) == 0


def test_a_deployment_that_never_completes_is_looked_at_no_more_often_however_many_events_came(world):
    arn = world.deploy(world.register(LABELS, environment={"CRASH_AFTER_SECONDS": "1"}))
    for number in range(60):
        world.ecs.tag_resource(resourceArn=arn, tags=[{"key": "touched", "value": str(number)}])
        world.run(60)
    assert runs_in_an_hour(world) <= 3600 / 900 + 4


def test_a_route_in_conflict_is_not_looked_at_again(world):
    hooked_up(world, family="first", name="first")
    hooked_up(world, family="second", name="second")
    world.run(3600)
    assert runs_in_an_hour(world) == 0
