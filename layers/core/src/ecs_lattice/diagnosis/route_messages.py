"""The messages about a route: headline, facts, causes and commands. Pure."""

from collections import Counter
from collections.abc import Sequence

from ecs_lattice.bounds import listed
from ecs_lattice.diagnosis.causes import commands
from ecs_lattice.diagnosis.evidence import Evidence
from ecs_lattice.diagnosis.findings import Finding, duration, sentences
from ecs_lattice.diagnosis.incidents import Incident
from ecs_lattice.diagnosis.message import Message, Section, moment
from ecs_lattice.diagnosis.subjects import RouteSubject
from ecs_lattice.messages.alarms import AlarmChange

NOT_FOUND = "NOT_FOUND"
_SHOWN = 4  # causes; those after them are named in one line
_FIRST_COMMANDS, _OTHER_COMMANDS = 3, 1  # of the first cause, of each other one
_TARGETS, _UNREAD, _A_MINUTE = 6, 5, 60


def alarm_message(incident: Incident, alarm: AlarmChange, evidence: Evidence, findings: Sequence[Finding]) -> Message:
    """A route is unhealthy: the most likely cause with its commands, the others after it."""
    subject, opened = evidence.subject, _with_age(incident.opened_at, evidence.now)
    title = _title(findings)
    hold = duration(incident.hold_seconds)
    if incident.is_flapping:
        title = f"flapping; {title}"
        headline = (
            f"{subject} is flapping: it has become unhealthy {incident.occurrences} times since {opened}, most recently at "
            f"{moment(incident.changed_at)}."
        )
        closing = (
            f"While it is flapping, you get at most one message an hour, and one once it has been healthy for {hold}."
        )
    else:
        headline = f"{subject} has been unhealthy since {opened}."
        closing = f"You will get one more message once the route has been healthy for {hold}{_or_refused(evidence)}."
    return Message(
        subject=f"ALARM {subject.short}: {title}",
        headline=headline,
        thread=incident.id,
        step="alarm",
        facts=_facts(evidence, findings),
        sections=(*_causes(evidence, findings), *_unread(evidence)),
        closing=(f"docs/troubleshooting.md explains each cause by its code. CloudWatch alarm: {alarm.name}", closing),
        keywords=(*subject.keywords, code_of(findings)),
        resources=tuple(arn for arn in (subject.service.arn, evidence.group_arn) if arn),
    )


def _title(findings: Sequence[Finding]) -> str:
    """The most likely cause for a subject, which claims no more than is known."""
    if not findings:
        return "no cause found"
    return f"{'possibly ' if findings[0].likelihood == 'possible' else ''}{findings[0].title}"


def _or_refused(evidence: Evidence) -> str:
    """What also ends the alarm of a route whose tasks the stack is attaching: the message about the refusal then."""
    own = evidence.own_deployment
    is_undone = own is not None and own.attaches and own.undone_at and not evidence.is_live
    return ", or is refused because the deployment was undone" if is_undone else ""


def code_of(findings: Sequence[Finding]) -> str:
    """The code of the most likely cause."""
    return findings[0].code if findings else NOT_FOUND


def recovery_message(incident: Incident, subject: RouteSubject) -> Message:
    """A route whose alarm was reported has recovered."""
    opened, recovered = moment(incident.opened_at), moment(incident.recovered_at)
    length = duration(incident.recovered_at - incident.opened_at)
    when = (
        f"{incident.occurrences} times between {opened} and {recovered}"
        if incident.is_flapping
        else f"from {opened} to {recovered}"
    )
    cause = "" if incident.cause in {"", NOT_FOUND} else f"The most likely cause was {incident.cause}."
    return Message(
        subject=f"OK {subject.short}: recovered after {length}",
        headline=f"{subject} recovered after {length}.",
        thread=incident.id,
        step="recovery",
        sections=(Section(sentences=(sentences(f"It was unhealthy {when}.", cause),)),),
        keywords=subject.keywords,
        resources=(subject.service.arn,),
    )


def unwatched_message(incident: Incident, subject: RouteSubject, why: str, now: float) -> Message:
    """A route whose alarm was reported has none any more, so its recovery cannot be reported; ``why`` is a sentence."""
    length = duration(now - incident.opened_at)
    return Message(
        subject=f"CLOSED {subject.short}: no longer watched after {length}",
        headline=f"{subject} is no longer watched, after {length}: it has no alarm any more.",
        thread=incident.id,
        step="closed",
        sections=(Section(sentences=(sentences(why, "Whether it has recovered is unknown."),)),),
        keywords=subject.keywords,
        resources=(subject.service.arn,),
    )


def _causes(evidence: Evidence, findings: Sequence[Finding]) -> tuple[Section, ...]:
    if not findings:
        nothing = not_found(evidence)
        return (Section(f"{nothing.title} [{nothing.code}]", (f"{nothing.seen} {nothing.advice}",), nothing.commands),)
    sections = tuple(_cause(number, finding) for number, finding in enumerate(findings[:_SHOWN], 1))
    rest = ", ".join(f"{finding.likelihood} {finding.code}" for finding in findings[_SHOWN:])
    return (*sections, Section(sentences=(f"Also {rest}.",))) if rest else sections


def _cause(number: int, finding: Finding) -> Section:
    return Section(
        title=f"{number}. {finding.likelihood.upper()}: {finding.title} [{finding.code}]",
        sentences=(finding.seen, f"What to do: {finding.advice}" if finding.advice else ""),
        commands=finding.commands[: _FIRST_COMMANDS if number == 1 else _OTHER_COMMANDS],
    )


def not_found(evidence: Evidence) -> Finding:
    """That no cause fits, and what was checked."""
    parts = {
        "targets": evidence.targets, "target group": evidence.group, "ECS service": evidence.service, "tasks": evidence.tasks,
        "task definition": evidence.task_definition, "security groups": evidence.security,
    }  # fmt: skip
    checked = ", ".join(name for name, part in parts.items() if part is not None) or "nothing could be read"
    events = commands.service(evidence, "To inspect the service's events", "services[].events[:10].message")
    return Finding(
        NOT_FOUND,
        "possible",
        "Nothing that was checked explains it",
        f"Checked: {checked}.",
        "Check the container's log, network ACLs and recent changes, too.",
        (events, commands.targets(evidence)) if evidence.group_arn else (events,),
    )


def _unread(evidence: Evidence) -> tuple[Section, ...]:
    parts = tuple(f"{unread.part}: {unread.why}" for unread in evidence.unread[:_UNREAD])
    return (Section("Could not be read, so causes may be missing:", parts),) if parts else ()


def _facts(evidence: Evidence, findings: Sequence[Finding]) -> tuple[tuple[str, str], ...]:
    service, status = evidence.subject.service, evidence.status
    facts = (("ECS service", f"{service} ({service.region}, account {service.account})"), *observed(evidence))
    if status is None or not status.code:
        return facts
    # A cause that gives the same command lays it out to be pasted.
    shown = {command.words[:3] for finding in findings[:_SHOWN] for command in finding.commands}
    is_repeated = tuple(status.command.split()[:3]) in shown
    fix = f"To fix: {status.command}" if status.command and not is_repeated else ""
    return (*facts, ("ecs-lattice", sentences(f"{status.state}, {status.code}: {status.message}", fix)))


def observed(evidence: Evidence) -> tuple[tuple[str, str], ...]:
    """What was seen of the route, by name: requests, targets, tasks."""
    return ("Requests", _impact(evidence)), ("Targets", _targets(evidence)), ("Tasks", _tasks(evidence))


def _impact(evidence: Evidence) -> str:
    """What it means for requests. A group whose targets are all unhealthy still gets them (VPC Lattice User Guide)."""
    if evidence.targets is None:
        return f"unknown: {'the targets could not be read' if evidence.group_arn else 'no target group is known'}"
    if evidence.route is not None and not evidence.is_live:
        return "none: the route is not Live"
    if evidence.answering:
        is_whole = len(evidence.answering) == len(evidence.targets)
        some = f"the {len(evidence.answering)} of {len(evidence.targets)} targets that can answer"
        return f"go to {'all targets' if is_whole else some}"
    if evidence.unhealthy:
        return "may fail: no target is healthy, so VPC Lattice sends requests to all of them (fail-open)"
    if not evidence.targets:
        return "fail: no target is registered"
    return f"fail: no target can answer{' yet' if evidence.in_status('INITIAL') else ''}"


def _targets(evidence: Evidence) -> str:
    if not evidence.targets:
        return "unknown" if evidence.targets is None else "none registered"
    counts = Counter(target.status for target in evidence.targets)
    ordered = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    unhealthy = [sentences(str(target), target.reason) for target in evidence.unhealthy]
    return f"{ordered} ({listed(unhealthy, _TARGETS)})" if unhealthy else ordered


def _tasks(evidence: Evidence) -> str:
    service, primary = evidence.service, evidence.primary
    if service is None:
        return "unknown"
    revision = primary.task_definition.rsplit("/", 1)[-1] if primary else "no revision"
    rollout = f", deployment {primary.rollout}" if primary and primary.rollout else ""
    replacing = " while ECS replaces tasks" if service.running > service.desired else ""
    return f"{service.desired} desired, {service.running} running{replacing} ({revision}{rollout})"


def _with_age(at: float, now: float) -> str:
    age = f"{duration(now - at)} ago" if now - at >= _A_MINUTE else "just now"
    return f"{moment(at)} ({age})"
