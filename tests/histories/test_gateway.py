"""A service with a gateway connector is recognised by its service revisions, told once, and otherwise served as before."""

from ecs_lattice.model import ServiceId
from local_aws import ecs
from tests.histories.checks import failing
from tests.histories.labels import LABELS, hooked_up
from tests.histories.on_call import OnCallWorld

CONNECTOR = [{"portName": "web"}]


def notices(world, arn):
    (status,) = world.ecs_side.status(ServiceId(arn)).routes
    return [notice.code for notice in status.notices if notice.code == "GATEWAY_CONNECTOR"]


def read(world):
    """How often DescribeServiceRevisions has been called."""
    return sum(call.operation == "DescribeServiceRevisions" for call in ecs.backend().calls)


def test_it_is_a_notice_of_a_live_route_and_ends_with_the_first_revision_without_one(world):
    on_call = OnCallWorld(world)
    arn = hooked_up(world, gatewayConnectors=CONNECTOR)
    assert world.claims(arn) == {"orders/default": "Live"}
    assert notices(world, arn) == ["GATEWAY_CONNECTOR"]
    (subject,) = on_call.subjects()
    assert "GATEWAY_CONNECTOR" in on_call.mails()[0][1] or "gateway connector" in on_call.mails()[0][1]
    world.run(3600)
    assert len(on_call.subjects()) == 1, subject
    world.ecs.update_service(cluster="shop", service=arn, gatewayConnectors=[], taskDefinition=world.register(LABELS))
    world.run(3600)
    assert notices(world, arn) == []
    assert world.claims(arn) == {"orders/default": "Live"}


def test_each_revision_is_read_once_and_none_at_rest(world):
    arn = hooked_up(world)
    assert notices(world, arn) == []
    before = read(world)
    assert before <= 2, "the user's deployment and ours"
    for _ in range(4):
        world.sweep()
        world.run(900)
    assert read(world) == before


def test_what_ecs_does_not_tell_is_not_said_and_is_asked_again(world):
    with failing(world.ecs, "DescribeServiceRevisions", "AccessDeniedException"):
        arn = hooked_up(world, gatewayConnectors=CONNECTOR)
        assert world.claims(arn) == {"orders/default": "Live"}
        assert notices(world, arn) == []
    world.ecs_side.reconcile(ServiceId(arn))
    assert notices(world, arn) == ["GATEWAY_CONNECTOR"]
