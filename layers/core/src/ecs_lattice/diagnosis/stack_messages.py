"""The messages about a part of the stack itself: what has happened, what it means, and where to look. Pure."""

import shlex

from ecs_lattice.diagnosis.findings import Command, aws, duration
from ecs_lattice.diagnosis.incidents import Incident
from ecs_lattice.diagnosis.message import Message, Section, cut, moment
from ecs_lattice.diagnosis.ports import DeadLetter, DeadLetterSample
from ecs_lattice.diagnosis.subjects import StackPart, StackSubject
from ecs_lattice.health import metric_names
from ecs_lattice.messages.alarms import AlarmChange

_BODY, _VALUE = 300, 200

# What has happened; {be} is one of: is, has been, is no longer.
_HEADLINES: dict[StackPart, str] = {
    "probe": "Route health {be} unmonitored",
    "errors": "Function {name} {be} failing",
    "throttles": "Function {name} {be} throttled",
    "deadLetters": "Dead-letter queue {name} {be} holding messages",
    "queueAge": "Queue {name} {be} backing up",
    "other": "CloudWatch alarm {name} {be} firing",
}
# What it means for the routes.
_MEANINGS: dict[StackPart, str] = {
    "probe": "The function target_health has not completed a run for several minutes. Until it does, no route alarm recovers, "
    "and one fires only where ECS replaces tasks: a route that was healthy may have become unhealthy. Routing itself continues.",
    "errors": "The failed work is retried from its queue, and moves to a dead-letter queue after five attempts. Existing routing "
    "continues; changes may be delayed.",
    "throttles": "Lambda had no concurrency left for it: the account's is used up, or the function's own limit is too low. The "
    "work waits in its queue and is not lost.",
    "deadLetters": "The messages exhausted their retries or were rejected. No route is lost: the resync enqueues a reconcile request for "
    "whatever differs. But something is wrong. The alarm clears when the queue is empty.",
    "queueAge": "Its oldest message has been waiting for too long: its function is failing, throttled, or has more work than it "
    "can do. Changes to routes are delayed.",
    "other": "",
}


def alarm_message(
    incident: Incident, alarm: AlarmChange, subject: StackSubject, sample: DeadLetterSample | None, unread: str = ""
) -> Message:
    """A part of the stack has a problem; ``sample`` is of its dead-letter queue, ``unread`` why there is none."""
    often = f", {incident.occurrences} times with interruptions" if incident.is_flapping else ""
    return Message(
        subject=f"ALARM {_headline(alarm, subject, 'is')}",
        headline=f"{_headline(alarm, subject, 'has been')} since {moment(incident.opened_at)}{often}.",
        thread=incident.id,
        step="alarm",
        sections=(
            Section(sentences=(_MEANINGS[subject.part],)),
            *_dead_letters(sample, unread),
            Section(commands=(_command(alarm, subject, sample),)),
        ),
        closing=(f"See Dead letters and Logs in docs/operations.md. CloudWatch alarm: {alarm.name}",),
        keywords=(subject.part, subject.name),
        resources=(alarm.arn,),
    )


def recovery_message(incident: Incident, alarm: AlarmChange, subject: StackSubject) -> Message:
    """The alarm of the stack has recovered."""
    length = duration(incident.recovered_at - incident.opened_at)
    headline = _headline(alarm, subject, "is no longer")
    when = f"from {moment(incident.opened_at)} to {moment(incident.recovered_at)}"
    return Message(
        subject=f"OK after {length}: {headline}",
        headline=f"{headline}, after {length}.",
        thread=incident.id,
        step="recovery",
        sections=(Section(sentences=(f"The alarm lasted {when}.",)),),
        keywords=(subject.part, subject.name),
        resources=(alarm.arn,),
    )


def _headline(alarm: AlarmChange, subject: StackSubject, be: str) -> str:
    return _HEADLINES[subject.part].format(name=subject.name or alarm.name, be=be)


def _dead_letters(sample: DeadLetterSample | None, unread: str) -> tuple[Section, ...]:
    if unread:
        return (Section(sentences=(f"The queue could not be read: {unread}",)),)
    if sample is None:
        return ()
    if not sample.messages:
        return (Section(sentences=("The queue was empty when it was read.",)),)
    return tuple(_dead_letter(number, message) for number, message in enumerate(sample.messages, 1))


def _dead_letter(number: int, message: DeadLetter) -> Section:
    attributes = tuple(f"{name}: {cut(value, _VALUE)}" for name, value in message.attributes)
    when = f" sent at {moment(message.sent_at)}" if message.sent_at else ""
    return Section(f"{number}. Message{when}", (*attributes, f"body: {cut(message.body, _BODY)}"))


def _command(alarm: AlarmChange, subject: StackSubject, sample: DeadLetterSample | None) -> Command:
    """What shows more about the part; the alarm itself where nothing does."""
    region = alarm.arn.split(":")[3]
    if subject.part == "probe":
        owner = dict(alarm.dimensions).get(metric_names.OWNER, "")
        raw = owner.replace("\\", "\\\\").replace("'", "\\'")
        ours = f"Environment.Variables.OWNER=='{raw}' && contains(FunctionName, 'TargetHealth')"
        query = f"Functions[?{ours}].[FunctionName,LoggingConfig.LogGroup]"
        purpose = "To find the function and its log group"
        return aws(purpose, region, "lambda list-functions --query", query, "--output", "text")
    if subject.part in {"errors", "throttles"} and subject.name:
        group = (
            f"$(aws lambda get-function-configuration --function-name {shlex.quote(subject.name)} "
            f"--query LoggingConfig.LogGroup --output text --region {shlex.quote(region)})"
        )
        tail = f'aws logs tail "{group}" --since 1h --filter-pattern ERROR --region {shlex.quote(region)}'
        return Command("To inspect its log", raw=tail)
    if subject.part == "deadLetters" and sample is not None:
        options = "--max-number-of-messages 10 --message-attribute-names All --visibility-timeout 0"
        return aws("To inspect the messages", region, f"sqs receive-message {options} --queue-url", sample.url)
    return aws("To inspect the alarm", region, "cloudwatch describe-alarms --alarm-names", alarm.name)
