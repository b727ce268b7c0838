"""What is told, and what is not, of routes that nobody watches, of several at once, of conflicts, and of the stack itself."""

import boto3
import pytest

from ecs_lattice.aws.queues import SqsDeadLetters
from local_aws import monitoring
from local_aws.delivery import queues
from tests.histories.checks import failing
from tests.histories.labels import hooked_up
from tests.histories.on_call import OnCallWorld, causes
from tests.histories.test_causes import AT_ONCE, words_of
from tests.histories.test_health import alarms, close, well
from tests.template.test_alarms import resolved
from tests.template.translation import translated_with

STACK = "ecs-lattice/ecs-lattice/stack/"


@pytest.fixture
def on_call(world):
    return OnCallWorld(world)


def watched_as_in_the_template(logical_id: str, *dimensions: tuple[str, str]) -> str:
    """Make an alarm of the template, about these dimensions; its name."""
    alarm = resolved(translated_with({})["Resources"][logical_id]["Properties"])
    name = alarm["AlarmName"].replace("the-owner", "ecs-lattice")
    given = {key: value for key, value in alarm.items() if key != "WarmUpConfiguration"}
    about = [{"Name": key, "Value": value} for key, value in dimensions]
    boto3.client("cloudwatch").put_metric_alarm(**{**given, "AlarmName": name, "Dimensions": about})
    return name


def test_a_route_with_its_alarm_off_has_none_and_nobody_is_told(world, on_call):
    hooked_up(world, {**AT_ONCE, "lattice.alarm": "off"}, count=1)
    world.start_probing()
    world.run(600)
    close(world)
    world.run(3600)
    assert world.ask("orders", "/orders").status != 200
    assert alarms(world) == {}
    assert on_call.mails() == []


def test_two_routes_of_one_service_that_are_ill_at_once_are_told_of_one_by_one(world, on_call):
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


def test_a_route_in_conflict_is_told_with_who_has_it_and_its_end_when_that_one_has_gone(world, on_call):
    first = hooked_up(world, family="first", name="first")
    hooked_up(world, family="second", name="second")
    world.run(1800)
    ((subject, mail),) = on_call.mails()
    assert subject.startswith("CONFLICTED orders/default (shop/second): ")
    assert "shop/first" in words_of(mail)
    assert "Nothing of what the others have is touched" in words_of(mail)
    for _ in range(4):
        world.sweep()
        world.run(900)
    assert len(on_call.mails()) == 1, "it is told once"
    world.ecs.delete_service(cluster="shop", service=first, force=True)
    for _ in range(4):
        world.run(900)
        world.sweep()
    assert on_call.subjects()[1].startswith("OK orders/default (shop/second): no longer refused after ")
    assert len(on_call.mails()) == 2


def test_a_dead_letter_is_told_with_its_reason_and_its_end_when_the_queue_is_empty(world, on_call):
    queues.install()
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
    assert subject == "ALARM Messages lie in the dead-letter queue letters"
    for words in (
        "reason: A message without detail-type.",
        "function: ecs_events",
        'body: {"odd": true}',
        "shows the messages",
    ):
        assert words.lower() in words_of(mail).lower()
    world.run(7200)
    assert len(on_call.mails()) == 1, "it is told once, and reading it takes nothing away"
    (letter,) = sqs.receive_message(QueueUrl=url)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=letter["ReceiptHandle"])
    world.run(1200)
    (over,) = on_call.subjects()[1:]
    assert over.startswith("OK after 2 hours ")
    assert over.endswith(": Messages lie in the dead-letter queue letters")


def test_a_silent_probe_is_told_of_and_so_is_a_route_whose_tasks_ecs_replaces_meanwhile(world, on_call):
    well(world, AT_ONCE, count=1)
    watched_as_in_the_template("ProbeSilentAlarm", ("Owner", "ecs-lattice"))
    world.run(600)
    assert on_call.mails() == []
    (group,) = world.ec2.describe_security_groups(GroupIds=[world.open_group])["SecurityGroups"]
    with failing(world.dynamodb, "Scan", "InternalServerError"):
        close(world)
        world.run(3600)
        by_ecs, silent = sorted(on_call.mails(), reverse=True)
        assert silent[0] == "ALARM The health of routes is not being watched"
        assert by_ecs[0].startswith(
            "ALARM orders/default (shop/orders): the security group does not let VPC Lattice in"
        )
        assert "No alarm of a route is over meanwhile" in words_of(silent[1])
        world.ec2.authorize_security_group_ingress(GroupId=world.open_group, IpPermissions=group["IpPermissions"])
        world.run(3600)
        assert len(on_call.mails()) == 2, "nobody can say that the route is well again"
    world.run(1800)
    of_the_probe, of_the_route = sorted(on_call.subjects()[2:])
    assert of_the_probe.startswith("OK after 1 hour 5")  # it takes some minutes to be missed
    assert of_the_probe.endswith(": The health of routes is not being watched")
    assert of_the_route.startswith("OK orders/default (shop/orders): well again after ")
