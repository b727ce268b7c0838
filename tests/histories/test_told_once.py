"""How many messages one mistake causes in four hours, whatever they are, that none of them says OK before it is, and what
they say about the deployment that the stack itself has started."""

from datetime import UTC, timedelta

import pytest

from ecs_lattice.ecs_side import record as records
from tests.histories.labels import LABELS
from tests.histories.on_call import OnCallWorld, causes
from tests.histories.test_causes import words_of
from tests.histories.test_health import alarms
from tests.histories.test_on_call import OFF, closed, placed_in

WRONG_PATH = {**LABELS, "lattice.health.path": "/wrong"}


@pytest.fixture
def on_call(world):
    return OnCallWorld(world)


def a_while(world, minutes: int) -> None:
    """So many minutes with the probe and the resync, which runs every quarter of an hour."""
    for minute in range(1, minutes + 1):
        world.run(60)
        if minute % 15 == 0:
            world.sweep()


def words(on_call) -> list[str]:
    """The first words of the subjects of all mails."""
    return [subject.split()[0] for subject in on_call.subjects()]


def begun(world, labels, **environment: str) -> str:
    arn = world.deploy(world.register(labels, environment=environment), count=1)
    world.start_probing()
    return arn


@pytest.mark.parametrize("interval", ["30", "10"])
def test_a_wrong_health_path_is_two_messages_in_four_hours_and_one_when_the_tag_is_right(world, on_call, interval):
    arn = begun(world, {**WRONG_PATH, "lattice.health.interval": interval}, RESPOND="/wrong=404")
    a_while(world, 240)
    assert words(on_call) == ["ALARM", "REFUSED"]
    (_, alarm), _ = on_call.mails()
    assert "set lattice.health.path and lattice.health.code to the right ones" in words_of(alarm)
    world.ecs.tag_resource(resourceArn=arn, tags=[{"key": "lattice.health.path", "value": "/healthz"}])
    a_while(world, 240)
    assert world.claims(arn) == {"orders/default": "Live"}
    assert words(on_call) == ["ALARM", "REFUSED", "OK"]
    subject, over = on_call.mails()[-1]
    assert subject.startswith("OK orders/default (shop/orders): no longer refused after 3 hours ")
    assert "It is Live now." in words_of(over)


def test_a_wrong_health_path_that_is_put_right_just_after_the_undo_has_recovered_once(world, on_call):
    """The alarm that was reported is not deleted yet, or created anew before anybody asks whether it still exists."""
    arn = begun(world, WRONG_PATH, RESPOND="/wrong=404")
    while "REFUSED" not in words(on_call):
        world.run(60)
    world.ecs.tag_resource(resourceArn=arn, tags=[{"key": "lattice.health.path", "value": "/healthz"}])
    a_while(world, 240)
    assert words(on_call) == ["ALARM", "REFUSED", "OK"]
    assert set(alarms(world).values()) == {"OK"}


def test_a_group_that_its_owner_keeps_closed_is_waited_for_and_nothing_is_attached_or_told(world, on_call):
    arn = world.ecs.create_service(
        cluster="shop", serviceName="orders", taskDefinition=world.register(OFF), desiredCount=1, launchType="FARGATE",
        **placed_in(world, closed(world)),
    )["service"]["serviceArn"]  # fmt: skip
    world.start_probing()
    a_while(world, 240)
    assert world.statuses(arn) == {"default": ("Wired", "INGRESS_OFF")}
    assert len(world.service(arn)["deployments"]) == 1
    assert words(on_call) == []


@pytest.mark.parametrize(
    ("labels", "environment", "cause"),
    [(LABELS, {"LISTEN": "none"}, "NOT_LISTENING"), ({**LABELS, "lattice.protocol": "HTTPS"}, {}, "WRONG_PROTOCOL")],
    ids=["it listens on no port", "a wrong protocol"],
)
def test_an_app_that_answers_nothing_is_two_messages_in_four_hours(world, on_call, labels, environment, cause):
    begun(world, labels, **environment)
    a_while(world, 240)
    assert words(on_call) == ["ALARM", "REFUSED"]
    assert cause in causes(on_call.mails()[0][1])
    assert ": possibly " in on_call.subjects()[0], "no target is UNHEALTHY for long enough to say why"


def test_the_message_and_the_status_say_that_the_deployment_is_our_own_and_when_it_is_undone(world, on_call):
    arn = begun(world, WRONG_PATH, RESPOND="/wrong=404")
    while not on_call.mails():
        world.run(60)
    ((_, mail),) = on_call.mails()
    primary = world.primary(arn)
    undone = f"undoes it if it has not completed by {_in_half_an_hour(primary)}."
    assert f"ecs-lattice started deployment {primary['id']} at 20" in words_of(mail)
    assert undone in words_of(mail)
    assert "roll back to the last good revision" not in words_of(mail)
    assert "or is refused because the deployment was undone" in words_of(mail)
    (status,) = records.parse(world.registry.document(records.KIND, arn)).statuses
    assert (status.state, status.code) == ("Attaching", "ATTACHING")
    assert (
        f"ecs-lattice's own, and it is undone if it has not completed by {_in_half_an_hour(primary)}." in status.message
    )


def _in_half_an_hour(deployment) -> str:
    return (deployment["createdAt"].astimezone(UTC) + timedelta(minutes=30)).strftime("%Y-%m-%d %H:%M UTC")
