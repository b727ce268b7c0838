"""What is said when a part of the stack itself is not well: what it means, and where to look. Pure."""

import shlex

from ecs_lattice.diagnosis.findings import Command, aws, duration
from ecs_lattice.diagnosis.incidents import Incident
from ecs_lattice.diagnosis.message import Message, Section, cut, moment
from ecs_lattice.diagnosis.ports import DeadLetter, DeadLetterSample
from ecs_lattice.diagnosis.subjects import StackPart, StackSubject
from ecs_lattice.messages.alarms import AlarmChange

_BODY, _VALUE = 300, 200

# What has happened, and what it means for those who use the routes.
_MEANINGS: dict[StackPart, tuple[str, str]] = {
    "probe": (
        "The health of routes is not being watched",
        (
            "The function target_health has not come to its end for minutes. No alarm of a route is over meanwhile, and one goes "
            "off only where ECS replaces tasks: what was well may not be well any more. Routing itself goes on."
        ),
    ),
    "errors": (
        "Function {name} fails",
        (
            "What it was to do is tried again from its queue, and goes to a dead-letter queue after five times. Routing as it is "
            "goes on; changes may wait."
        ),
    ),
    "throttles": (
        "Function {name} is throttled",
        (
            "Lambda had no capacity for it: the account's concurrency is used up, or the function's own is too small. Work waits "
            "in its queue and is not lost."
        ),
    ),
    "deadLetters": (
        "Messages lie in the dead-letter queue {name}",
        (
            "They were given up on. No route is lost by it: the resync rings for what differs. But something is wrong. The alarm "
            "is over when the queue is empty."
        ),
    ),
    "queueAge": (
        "Queue {name} is not being worked off",
        (
            "Its oldest message waits too long: its function fails, is throttled, or has more to do than it can. Changes to routes "
            "wait with it."
        ),
    ),
    "other": ("CloudWatch alarm {name} fires", ""),
}


def not_well(
    incident: Incident,
    alarm: AlarmChange,
    subject: StackSubject,
    region: str,
    peek: DeadLetterSample | None,
    unread: str = "",
) -> Message:
    """A part of the stack is not well; ``peek`` are messages of its dead-letter queue, ``unread`` why there are none."""
    title, meaning = _MEANINGS[subject.part]
    headline = title.format(name=subject.name or alarm.name)
    often = f", with breaks, {incident.times} times" if incident.times > 1 else ""
    said = tuple(
        words
        for words in (meaning, alarm.description, f"CloudWatch says: {alarm.reason}" if alarm.reason else "")
        if words
    )
    return Message(
        subject=f"ALARM {headline}",
        headline=f"{headline}, since {moment(incident.opened_at)}{often}.",
        thread=incident.id,
        step="alarm",
        sections=(
            Section(sentences=said),
            *_letters(peek, unread),
            Section(commands=_commands(alarm, subject, region, peek)),
        ),
        closing=(f"docs/operations.md, Dead letters and Logs, says more. CloudWatch alarm: {alarm.name}",),
        keywords=(subject.part, subject.name),
        resources=(alarm.arn,),
    )


def well_again(incident: Incident, alarm: AlarmChange, subject: StackSubject, at: float) -> Message:
    """The alarm of the stack is over."""
    length = duration(at - incident.opened_at)
    headline = _MEANINGS[subject.part][0].format(name=subject.name or alarm.name)
    return Message(
        subject=f"OK after {length}: {headline}",
        headline=f"Over after {length}: {headline}.",
        thread=incident.id,
        step="recovery",
        sections=(Section(sentences=(f"It lasted from {moment(incident.opened_at)} to {moment(at)}.",)),),
        keywords=(subject.part, subject.name),
        resources=(alarm.arn,),
    )


def _letters(peek: DeadLetterSample | None, unread: str) -> tuple[Section, ...]:
    if unread:
        return (Section(sentences=(f"The queue could not be looked into: {unread}",)),)
    if peek is None:
        return ()
    if not peek.letters:
        return (Section(sentences=("Nothing was found in the queue when it was looked into.",)),)
    return tuple(_letter(number, letter) for number, letter in enumerate(peek.letters, 1))


def _letter(number: int, letter: DeadLetter) -> Section:
    attributes = tuple(f"{name}: {cut(value, _VALUE)}" for name, value in letter.attributes)
    when = f" of {moment(letter.sent_at)}" if letter.sent_at else ""
    return Section(f"{number}. Message{when}", (*attributes, f"body: {cut(letter.body, _BODY)}"))


def _commands(
    alarm: AlarmChange, subject: StackSubject, region: str, peek: DeadLetterSample | None
) -> tuple[Command, ...]:
    if subject.part == "probe":
        name = "Functions[?contains(FunctionName, `TargetHealth`)].[FunctionName,LoggingConfig.LogGroup]"
        return (
            aws(
                "finds the function and its log group",
                region,
                "lambda",
                "list-functions",
                "--query",
                name,
                "--output",
                "text",
            ),
        )
    if subject.part in {"errors", "throttles"} and subject.name:
        function = shlex.quote(subject.name)
        group = (
            f"$(aws lambda get-function-configuration --function-name {function} --query LoggingConfig.LogGroup "
            f"--output text --region {region})"
        )
        return (
            Command(
                "shows its log", raw=f'aws logs tail "{group}" --since 1h --filter-pattern ERROR --region {region}'
            ),
        )
    if subject.part == "deadLetters" and peek is not None:
        return (
            aws("shows the messages", region, "sqs", "receive-message", "--queue-url", peek.url, "--max-number-of-messages",
                "10", "--message-attribute-names", "All", "--visibility-timeout", "0"),
        )  # fmt: skip
    return (aws("shows the alarm", region, "cloudwatch", "describe-alarms", "--alarm-names", alarm.name),)
