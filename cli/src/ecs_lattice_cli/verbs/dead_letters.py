"""`dead-letters`: what could not be processed, and once more."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click

from ecs_lattice_cli.app import App
from ecs_lattice_cli.aws_errors import explained
from ecs_lattice_cli.dead_letter_queues import QUEUES
from ecs_lattice_cli.errors import GOOD, PROBLEM, CommandError
from ecs_lattice_cli.nearest import suggestion
from ecs_lattice_cli.options import verb
from ecs_lattice_cli.output import moment, safe, wrapped

_MOST = 10  # of a queue, in one call (Amazon SQS API, ReceiveMessage)


@verb("dead-letters")
@click.argument("action", type=click.Choice(["show", "redrive"]), default="show")
@click.argument("queue", required=False)
def command(app: App, action: str, queue: str | None) -> int:
    """Show dead letters, or have them processed again.

    QUEUE is events, ecs-services, lattice-services, alarms or rejected. Without one, all are shown, and the first four are redriven.
    Ends with 1 where there are dead letters. A message that is shown is hidden from other readers for two seconds.
    """
    found = [_shown(app, name) for name in _wanted(action, queue)]
    if action == "redrive":
        moved = [_redriven(app, each) for each in found if each["messages"]]
        app.emit("dead-letters", {"action": action, "queues": moved}, render)
        return GOOD
    app.emit("dead-letters", {"action": action, "queues": found}, render)
    return PROBLEM if any(each["messages"] for each in found) else GOOD


def _wanted(action: str, queue: str | None) -> list[str]:
    """The queues that are meant. CommandError for one that is not there or cannot be redriven."""
    if queue and queue not in QUEUES:
        raise CommandError(f"There is no queue {queue}; {suggestion(queue, list(QUEUES))}")
    if queue == "rejected" and action == "redrive":
        raise CommandError(
            "What was rejected belongs to no queue: read why (dead-letters show rejected), then delete it."
        )
    return [queue] if queue else [name for name in QUEUES if action == "show" or name != "rejected"]


def _shown(app: App, name: str) -> dict[str, Any]:
    """How many messages the queue has, and some of them."""
    url = app.stack.output(QUEUES[name])
    with explained():
        sqs = app.stack.client("sqs")
        names = ["ApproximateNumberOfMessages"]
        count = int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"][names[0]])
        received = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=_MOST,
            VisibilityTimeout=2,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["SentTimestamp"],
        )
    letters = [_letter(message) for message in received.get("Messages", [])]
    return {"queue": name, "messages": max(count, len(letters)), "sample": letters}


def _letter(message: Mapping[str, Any]) -> dict[str, Any]:
    attributes = {name: value.get("StringValue", "") for name, value in message.get("MessageAttributes", {}).items()}
    sent = float(message.get("Attributes", {}).get("SentTimestamp", 0)) / 1000
    reason = attributes.get("reason") or attributes.get("ERROR_MESSAGE") or ""
    return {"sentAt": moment(sent), "about": _about(message["Body"]), "reason": reason, "body": message["Body"]}


def _about(body: str) -> str:
    """What a message is about, in a few words."""
    try:
        data = json.loads(body)
    except ValueError:
        return "text that is not JSON"
    if not isinstance(data, dict):
        return "JSON that is no object"
    return str(data.get("key") or data.get("detail-type") or data.get("AlarmName") or ", ".join(sorted(data)[:5]))


def _redriven(app: App, found: Mapping[str, Any]) -> dict[str, Any]:
    url = app.stack.output(QUEUES[found["queue"]])
    with explained():
        sqs = app.stack.client("sqs")
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sqs.start_message_move_task(SourceArn=arn)
    return {**found, "sample": []}


def render(result: dict[str, Any], columns: int) -> list[str]:
    """By queue: how many, and a sample with the reasons."""
    found = [each for each in result["queues"] if each["messages"]]
    if not found:
        return ["There are no dead letters."]
    if result["action"] == "redrive":
        return [f"{each['queue']}: {each['messages']} are being moved back to their queue." for each in found]
    lines = [line for each in found for line in _queue(each, columns)]
    return [*lines, "Fix the cause (ecs-lattice status; the function's log). Next: ecs-lattice dead-letters redrive"]


def _queue(found: Mapping[str, Any], columns: int) -> Iterator[str]:
    yield f"{found['queue']}: {found['messages']}"
    for letter in found["sample"]:
        reason = f": {letter['reason']}" if letter["reason"] else ""
        yield from wrapped(f"{letter['sentAt']}  {safe(letter['about'])}{safe(reason)}", columns, "  ")
    yield ""
