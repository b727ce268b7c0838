"""Flapping: how many mails arrive in three hours, what they say, and that the last one is right."""

import pytest

from local_aws.services import events
from tests.histories.on_call import OnCallWorld, causes
from tests.histories.test_causes import AT_ONCE, release, words_of
from tests.histories.test_health import close, well

ALARM = "ALARM orders/default (shop/orders): "
OK = "OK orders/default (shop/orders): "


@pytest.fixture
def on_call(world):
    return OnCallWorld(world)


@pytest.fixture
def changes(world):
    """When the alarm fired and recovered."""
    seen: list[tuple[float, str]] = []

    def parsed(event):
        if event["detail-type"] == "CloudWatch Alarm State Change":
            seen.append((world.clock.time(), event["detail"]["state"]["value"]))

    events().subscribe(parsed)
    return seen


def mailed_in(world, on_call, minutes: int) -> list[tuple[int, str]]:
    """The mails of the next minutes: in which minute they arrived, and their subjects."""
    before, found = len(on_call.mails()), []
    for minute in range(minutes):
        world.run(60)
        found += [(minute, subject) for subject in on_call.subjects()[before + len(found) :]]
    return found


def test_a_container_that_exits_every_twenty_seconds_is_one_alarm_until_it_has_stopped_exiting(world, on_call, changes):
    arn = well(world, AT_ONCE, count=1)
    changes.clear()
    release(world, arn, CRASH_AFTER_SECONDS="20")
    ((first, begun),) = mailed_in(world, on_call, 180)
    assert [state for _, state in changes] == ["ALARM"], "between two exits the alarm stays as it is"
    assert first < 10
    assert begun.startswith(f"{ALARM}tasks keep stopping")
    assert "one more message once the route has been healthy for 10 minutes" in words_of(on_call.mails()[0][1])
    assert causes(on_call.mails()[0][1])[0] == "TASK_RESTARTING"
    release(world, arn)
    ((minute, over),) = mailed_in(world, on_call, 120)
    assert over.startswith(f"{OK}recovered after ")
    assert 10 <= minute < 30
    assert [state for _, state in changes] == ["ALARM", "OK"]
    assert len({chat["metadata"]["threadId"] for chat in on_call.chats()}) == 1


def test_a_route_that_is_unhealthy_for_ten_minutes_in_every_forty_is_reported_at_once_and_then_once_an_hour(
    world, on_call
):
    well(world, AT_ONCE, count=1)
    (group,) = world.ec2.describe_security_groups(GroupIds=[world.open_group])["SecurityGroups"]
    subjects: list[str] = []
    for _ in range(5):
        close(world)
        subjects += [subject for _, subject in mailed_in(world, on_call, 10)]
        if subjects:
            assert subjects[-1].startswith(ALARM), "while it is unhealthy, the last message says so"
        world.ec2.authorize_security_group_ingress(GroupId=world.open_group, IpPermissions=group["IpPermissions"])
        subjects += [subject for _, subject in mailed_in(world, on_call, 30)]
    # Told as over once, as it turned out too soon; from then on it has to be well for an hour.
    assert [subject.split()[0] for subject in subjects] == ["ALARM", "OK", "ALARM", "ALARM"]
    assert all(subject.startswith(f"{ALARM}flapping; ") for subject in subjects[2:])
    assert "healthy for 1 hour" in words_of(on_call.mails()[2][1])
    ((minute, over),) = mailed_in(world, on_call, 120)
    assert over.startswith(OK)
    assert 30 <= minute < 40, "an hour after it was well, half of which had passed"
    assert len({chat["metadata"]["threadId"] for chat in on_call.chats()}) == 1
