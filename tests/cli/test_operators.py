"""pause, resume, approve-removals, dead-letters and uninstall: what they do to the stack, and that they ask first."""

import json

import boto3
import pytest

from ecs_lattice_cli.dead_letter_queues import QUEUES
from local_aws.iam.evaluation import Request, decide
from tests.cli.test_docs import of_verb


def tags(arn):
    found = boto3.client("ecs").list_tags_for_resource(resourceArn=arn)["tags"]
    return {tag["key"]: tag["value"] for tag in found}


def state(stack, arn):
    (status,) = stack.world.statuses(arn).values()
    return status[0]


def test_a_pause_and_its_end_are_a_tag_that_the_stack_sees(stack, ask):
    arn = stack.live()
    done = ask("pause", "orders")
    assert done.exit_code == 0
    assert done.stdout == "shop/orders has the tag lattice.pause = true. Next: ecs-lattice resume shop/orders\n"
    assert tags(arn)["lattice.pause"] == "true"
    stack.world.run(60)
    assert state(stack, arn) == "Paused"
    again = ask("resume", "orders")
    assert again.stdout.startswith("The tag lattice.pause of shop/orders is removed")
    assert "lattice.pause" not in tags(arn)
    stack.world.run(60)
    assert state(stack, arn) == "Live"
    assert ask("resume", "orders").exit_code == 0, "a pause that is over may be ended again"


@pytest.mark.parametrize("verb", ["approve-removals", "uninstall"])
def test_what_removes_asks_first_and_does_nothing_without_a_yes(stack, ask, verb):
    stack.live()
    for answer in ("n\n", "\n", ""):
        done = ask(verb, stdin=answer)
        assert done.exit_code == 130
        assert "Removals" not in done.stdout + done.stderr
    assert stack.invoked == []


def test_an_approval_says_until_when(stack, ask):
    done = ask("approve-removals", "--yes")
    assert done.exit_code == 0
    assert done.stdout.startswith("Removals are not limited until 20")
    assert ask("approve-removals", stdin="y\n").exit_code == 0


def test_an_uninstall_ends_with_75_while_something_is_left_and_with_0_at_its_end(stack, ask):
    arn = stack.live()
    begun = ask("uninstall", "--yes")
    assert begun.exit_code == 75
    assert f"Left, ECS services:\n  {arn}\n" in begun.stdout
    assert begun.stdout.endswith("Next: ecs-lattice uninstall --wait\n")
    done = ask("uninstall", "--yes", "--wait")
    assert (done.exit_code, done.stdout) == (0, "Nothing is left. Next: sam delete\n")
    assert "Asking again in 30 s" in done.stderr
    assert boto3.client("vpc-lattice").list_services()["items"] == []


def test_waiting_for_an_uninstall_ends_when_its_time_is_over(stack, ask):
    stack.live()
    assert ask("uninstall", "--yes", "--wait", "--timeout", "5").exit_code == 75


@pytest.fixture
def queues(stack):
    """The dead-letter queues by their names in the command: two of them in a pair with the queue that they are of."""
    sqs, urls = boto3.client("sqs"), {}
    for name, output in QUEUES.items():
        urls[name] = sqs.create_queue(QueueName=f"ecs-lattice-{output.removesuffix('Url')}-X")["QueueUrl"]
        stack.outputs[output] = urls[name]
    source = sqs.get_queue_attributes(QueueUrl=urls["alarms"], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": source, "maxReceiveCount": 5})
    urls["of alarms"] = sqs.create_queue(QueueName="ecs-lattice-Alarms-X", Attributes={"RedrivePolicy": policy})[
        "QueueUrl"
    ]
    return urls


def test_no_dead_letters_is_good(queues, ask):
    done = ask("dead-letters")
    assert (done.exit_code, done.stdout) == (0, "There are no dead letters.\n")


def test_dead_letters_are_shown_with_what_they_are_about_and_why(queues, ask):
    sqs = boto3.client("sqs")
    reason = {"reason": {"DataType": "String", "StringValue": "no function takes it"}}
    sqs.send_message(QueueUrl=queues["rejected"], MessageBody="not json", MessageAttributes=reason)
    sqs.send_message(QueueUrl=queues["alarms"], MessageBody=json.dumps({"AlarmName": "a"}))
    done = ask("dead-letters")
    assert done.exit_code == 1
    assert "rejected: 1\n" in done.stdout
    assert "text that is not JSON: no function takes it" in done.stdout
    assert "alarms: 1\n" in done.stdout
    alone = json.loads(ask("dead-letters", "show", "events", "--json").stdout)
    assert [each["queue"] for each in alone["result"]["queues"]] == ["events"]


def test_a_redrive_asks_sqs_for_each_queue_that_has_dead_letters(stack, queues, ask, monkeypatch):
    """What SQS does then: tests/local_aws/test_delivery_queues.py."""
    boto3.client("sqs").send_message(QueueUrl=queues["alarms"], MessageBody="{}")
    moved, client = [], stack.client

    def of_service(service):
        made = client(service)
        if service == "sqs":
            made.start_message_move_task = lambda **given: moved.append(given["SourceArn"])
        return made

    monkeypatch.setattr(stack, "client", of_service)
    done = ask("dead-letters", "redrive")
    assert (done.exit_code, done.stdout) == (0, "alarms: 1 are being moved back to their queue.\n")
    assert [arn.rpartition(":")[2] for arn in moved] == ["ecs-lattice-AlarmsDeadLetterQueue-X"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "alarm"], "There is no queue alarm; did you mean alarms?"),
        (["redrive", "rejected"], "belongs to no queue"),
    ],
)
def test_a_wrong_queue_is_a_sentence(queues, ask, arguments, said):
    done = ask("dead-letters", *arguments)
    assert done.exit_code == 64
    assert said in done.stderr


@pytest.mark.parametrize("line", [["pause", "orders"], ["resume", "orders"], ["dead-letters"], ["approve-removals", "--yes"],
                                  ["uninstall", "--yes"], ["status"], ["history"]], ids=lambda line: line[0])  # fmt: skip
def test_the_example_policy_allows_what_each_asks_for_and_not_more_than_its_verb(stack, queues, ask, line):
    stack.live()
    stack.asked.clear()
    ask(*line)
    assert stack.asked
    assert {one for one in stack.asked if not decide([of_verb(line[0])], Request(*one)).allowed} == set()


def test_a_denied_tag_names_the_action(stack, ask):
    stack.live()
    stack.denied.add("ecs:TagResource")
    done = ask("pause", "orders")
    assert done.exit_code == 69
    assert "ecs:TagResource" in done.stderr
