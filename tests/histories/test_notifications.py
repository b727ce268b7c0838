"""Which messages are sent about routes without an alarm, several routes at once, conflicts, and the stack itself."""

import boto3
import pytest

from ecs_lattice.aws.queues import SqsDeadLetters
from local_aws import monitoring
from local_aws.delivery import redrive
from tests.histories.checks import failing
from tests.histories.labels import hooked_up
from tests.histories.on_call import OnCallWorld, causes
from tests.histories.test_causes import AT_ONCE, words_of
from tests.histories.test_health import alarms, close, well
from tests.template.resolution import resolved
from tests.template.translation import translated_with

STACK = "ecs-lattice/ecs-lattice/stack/"


@pytest.fixture
def on_call(world):
    return OnCallWorld(world)


def watched_as_in_the_template(logical_id: str, *dimensions: tuple[str, str]) -> str:
    """Create an alarm as in the template, with these dimensions; its name."""
    alarm = resolved(translated_with({})["Resources"][logical_id]["Properties"])
    name = alarm["AlarmName"].replace("the-owner", "ecs-lattice")
    given = {key: value for key, value in alarm.items() if key != "WarmUpConfiguration"}
    about = [{"Name": key, "Value": value} for key, value in dimensions]
    boto3.client("cloudwatch").put_metric_alarm(**{**given, "AlarmName": name, "Dimensions": about})
    return name


def test_a_route_with_its_alarm_off_has_none_and_sends_no_message(world, on_call):
    hooked_up(world, {**AT_ONCE, "lattice.alarm": "off"}, count=1)
    world.start_probing()
    world.run(600)
    close(world)
    world.run(3600)
    assert world.ask("orders", "/orders").status != 200
    assert alarms(world) == {}
    assert on_call.mails() == []


def test_two_unhealthy_routes_of_one_service_are_reported_separately(world, on_call):
    labels = {key: value for key, value in AT_ONCE.items() if key != "lattice.path.prefix"}
    labels |= {"lattice.routes.a.path.prefix": "/a", "lattice.routes.b.path.prefix": "/b"}
    hooked_up(world, labels, count=1)
    world.start_probing()
    world.run(600)
    (group,) = world.ec2.describe_security_groups(GroupIds=[world.open_group])["SecurityGroups"]
    close(world)
    world.run(1800)
    assert sorted(subject.split(":")[0] for subject in on_call.subjects()) == [
        "ALARM orders/a (shop/orders)",
        "ALARM orders/b (shop/orders)",
    ]
    assert [causes(mail)[0] for _, mail in on_call.mails()] == ["PREFIX_LIST_RULE_MISSING"] * 2
    world.ec2.authorize_security_group_ingress(GroupId=world.open_group, IpPermissions=group["IpPermissions"])
    world.run(2400)
    assert sorted(subject.split(":")[0] for subject in on_call.subjects()[2:]) == [
        "OK orders/a (shop/orders)",
        "OK orders/b (shop/orders)",
    ]
    assert len({chat["metadata"]["threadId"] for chat in on_call.chats()}) == 2


def test_a_conflict_is_reported_with_the_other_service_and_its_end_when_that_is_deleted(world, on_call):
    first = hooked_up(world, family="first", name="first")
    hooked_up(world, family="second", name="second")
    world.run(1800)
    ((subject, mail),) = on_call.mails()
    assert subject.startswith("CONFLICTED orders/default (shop/second): ")
    assert "shop/first" in words_of(mail)
    assert "Existing routing is unchanged, and so is that of the other ECS service" in words_of(mail)
    for _ in range(4):
        world.sweep()
        world.run(900)
    assert len(on_call.mails()) == 1, "it is reported once"
    world.ecs.delete_service(cluster="shop", service=first, force=True)
    for _ in range(4):
        world.run(900)
        world.sweep()
    assert on_call.subjects()[1].startswith("OK orders/default (shop/second): no longer refused after ")
    assert len(on_call.mails()) == 2


def test_a_dead_letter_is_reported_with_its_reason_and_its_end_when_the_queue_is_empty(world, on_call):
    redrive.install()
    monitoring.start()  # queues publish their metrics, too
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="letters")["QueueUrl"]
    name = watched_as_in_the_template("DeadLettersAlarm", ("QueueName", "letters"))
    world.run(300)
    assert on_call.mails() == []
    letters = SqsDeadLetters(sqs, url, "ecs_events")
    letters.put('{"odd": true}', "A message without detail-type.", world.clock.time())
    world.run(300)
    assert alarms(world) == {name: "ALARM"}
    ((subject, mail),) = on_call.mails()
    assert subject == "ALARM Dead-letter queue letters is holding messages"
    for words in (
        "reason: A message without detail-type.",
        "function: ecs_events",
        'body: {"odd": true}',
        "To inspect the messages",
    ):
        assert words.lower() in words_of(mail).lower()
    world.run(7200)
    assert len(on_call.mails()) == 1, "it is reported once, and sampling removes nothing"
    (letter,) = sqs.receive_message(QueueUrl=url)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=letter["ReceiptHandle"])
    world.run(1200)
    (over,) = on_call.subjects()[1:]
    assert over.startswith("OK after 2 hours ")
    assert over.endswith(": Dead-letter queue letters is no longer holding messages")


def test_a_silent_probe_is_reported_and_so_is_a_route_whose_tasks_ecs_replaces_meanwhile(world, on_call):
    well(world, AT_ONCE, count=1)
    watched_as_in_the_template("ProbeSilentAlarm", ("Owner", "ecs-lattice"))
    world.run(600)
    assert on_call.mails() == []
    (group,) = world.ec2.describe_security_groups(GroupIds=[world.open_group])["SecurityGroups"]
    with failing(world.dynamodb, "Scan", "InternalServerError"):
        close(world)
        world.run(3600)
        by_ecs, silent = sorted(on_call.mails(), reverse=True)
        assert silent[0] == "ALARM Route health is unmonitored"
        assert by_ecs[0].startswith("ALARM orders/default (shop/orders): the security group does not allow VPC Lattice")
        assert "Until it does, no route alarm recovers" in words_of(silent[1])
        world.ec2.authorize_security_group_ingress(GroupId=world.open_group, IpPermissions=group["IpPermissions"])
        world.run(3600)
        assert len(on_call.mails()) == 2, "nobody can say that the route has recovered"
    world.run(1800)
    of_the_probe, of_the_route = sorted(on_call.subjects()[2:])
    assert of_the_probe.startswith("OK after 1 hour 5")  # it takes some minutes to be missed
    assert of_the_probe.endswith(": Route health is no longer unmonitored")
    assert of_the_route.startswith("OK orders/default (shop/orders): recovered after ")
