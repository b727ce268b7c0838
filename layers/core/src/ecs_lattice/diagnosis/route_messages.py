"""What is said of an incident: which headline, which facts, which causes. Pure."""

from collections import Counter
from collections.abc import Sequence

from ecs_lattice.diagnosis.evidence import Evidence
from ecs_lattice.diagnosis.findings import Command, Finding, aws, duration
from ecs_lattice.diagnosis.incidents import Incident
from ecs_lattice.diagnosis.message import Message, Section, listed, moment
from ecs_lattice.diagnosis.subjects import RouteSubject
from ecs_lattice.messages.alarms import AlarmChange
from ecs_lattice.messages.announcements import StateChange
from ecs_lattice.model import ServiceId

NOT_FOUND = "NOT_FOUND"
_SHOWN = 4  # causes; those behind them are named in one line
_TARGETS, _UNREAD, _A_MINUTE = 6, 5, 60
_RUN = " Run: "  # what a status puts before the command that mends it (ecs_lattice.ingress.problems)


def not_well(incident: Incident, alarm: AlarmChange, evidence: Evidence, findings: Sequence[Finding]) -> Message:
    """A route is not well: the first cause with its commands, the others after it."""
    subject = evidence.subject
    title = findings[0].title if findings else "no cause found"
    comes_and_goes = incident.times > 1
    held = duration(incident.held_for)
    return Message(
        subject=f"ALARM {_short(subject)}: {'comes and goes; ' if comes_and_goes else ''}{title}",
        headline=_headline(incident, subject, evidence.now),
        thread=incident.id,
        step="alarm",
        facts=_facts(evidence, findings),
        sections=(*_causes(evidence, findings), *_unread(evidence)),
        closing=(
            f"docs/troubleshooting.md explains each cause by its code. CloudWatch alarm: {alarm.name}",
            (
                f"You will hear of it once an hour at most while it comes and goes, and when it has been well for {held}."
                if comes_and_goes
                else f"You will hear of it once more, when the route has been well for {held}."
            ),
        ),
        keywords=(subject.lattice_service, str(subject.service), subject.route, code_of(findings)),
        resources=tuple(arn for arn in (subject.service.arn, evidence.group_arn) if arn),
    )


def _headline(incident: Incident, subject: RouteSubject, now: float) -> str:
    if incident.times <= 1:
        return f"{subject} is not well since {moment(incident.opened_at)} ({_ago(now - incident.opened_at)})."
    return (
        f"{subject} comes and goes: it is not well again since {moment(incident.changed_at)}, {incident.times} times since "
        f"{moment(incident.opened_at)} ({_ago(now - incident.opened_at)})."
    )


def code_of(findings: Sequence[Finding]) -> str:
    """The code of the first cause."""
    return findings[0].code if findings else NOT_FOUND


def well_again(incident: Incident, subject: RouteSubject, at: float) -> Message:
    """A route that was told of is well again."""
    length = duration(at - incident.opened_at)
    cause = "" if incident.cause in {"", NOT_FOUND} else f" The first cause named was {incident.cause}."
    when = f"from {moment(incident.opened_at)} to {moment(at)}"
    if incident.times > 1:
        when = f"{incident.times} times between {moment(incident.opened_at)} and {moment(at)}"
    return Message(
        subject=f"OK {_short(subject)}: well again after {length}",
        headline=f"{subject} is well again after {length}.",
        thread=incident.id,
        step="recovery",
        sections=(Section(sentences=(f"It was not well {when}.{cause}",)),),
        keywords=(subject.lattice_service, str(subject.service), subject.route),
        resources=(subject.service.arn,),
    )


def refused(incident: Incident, change: StateChange, table: str, *, again: bool) -> Message:
    """A route, or a whole declaration, turned Refused or Conflicted; ``again``: for another reason than before."""
    subject = RouteSubject(change.lattice_service, ServiceId(change.ecs_service), change.route)
    what = f"The declaration of ECS service {subject.service}" if not change.route else _of_service(subject)
    because = f" (before: {change.previous_code})" if again and change.previous_code else ""
    others = "Nothing of what the others have is touched; w" if change.state == "Conflicted" else "W"
    stands = f"{others}hat was wired before stays as it was."
    return Message(
        subject=f"{change.state.upper()} {_short(subject)}: {change.code}",
        headline=f"{what} is {change.state} since {moment(incident.changed_at)}: {change.code}{because}.",
        thread=incident.id,
        step="refusal",
        sections=(
            Section(sentences=(change.message, stands)),
            Section(commands=(_record(subject, table),)),
        ),
        closing=(
            "docs/troubleshooting.md explains each refusal by its code.",
            "You will hear of it once more, when the refusal is over, or when its reason changes.",
        ),
        keywords=(subject.lattice_service, str(subject.service), subject.route, change.code),
        resources=(subject.service.arn,),
    )


def accepted(incident: Incident, change: StateChange, at: float) -> Message:
    """What was refused no longer is."""
    subject = RouteSubject(change.lattice_service, ServiceId(change.ecs_service), change.route)
    length = duration(at - incident.opened_at)
    what = f"The declaration of ECS service {subject.service}" if not change.route else _of_service(subject)
    now = f" It is {change.state} now." if change.route and change.state else ""
    return Message(
        subject=f"OK {_short(subject)}: no longer refused after {length}",
        headline=f"{what} is no longer refused ({incident.cause}) after {length}.{now}",
        thread=incident.id,
        step="recovery",
        keywords=(subject.lattice_service, str(subject.service), subject.route),
        resources=(subject.service.arn,),
    )


def _causes(evidence: Evidence, findings: Sequence[Finding]) -> tuple[Section, ...]:
    if not findings:
        return (_not_found(evidence),)
    sections = tuple(_cause(number, finding) for number, finding in enumerate(findings[:_SHOWN], 1))
    rest = findings[_SHOWN:]
    more = (Section(sentences=(f"Also {', '.join(f'{one.likelihood} {one.code}' for one in rest)}.",)),) if rest else ()
    return sections + more


def _cause(number: int, finding: Finding) -> Section:
    return Section(
        title=f"{number}. {finding.likelihood.upper()}: {finding.title} [{finding.code}]",
        sentences=(finding.seen, *((f"What to do: {finding.advice}",) if finding.advice else ())),
        commands=finding.commands[: 3 if number == 1 else 1],
    )


def _not_found(evidence: Evidence) -> Section:
    """Said honestly, with what was looked at."""
    looked = [
        name
        for name, part in (
            ("targets", evidence.targets), ("target group", evidence.group), ("ECS service", evidence.service),
            ("tasks", evidence.tasks), ("task definition", evidence.definition), ("security groups", evidence.security),
        )
        if part is not None
    ]  # fmt: skip
    service = evidence.subject.service
    return Section(
        title=f"Nothing that was seen explains it [{NOT_FOUND}]",
        sentences=(
            (f"Looked at: {', '.join(looked) or 'nothing could be read'}. Look at the container's log, at network ACLs and "
            "at what was changed lately."),
        ),
        commands=(
            aws("shows what ECS says of the service", service.region, "ecs", "describe-services", "--cluster",
                service.cluster, "--services", service.name, "--query", "services[].events[:10].message"),
            *((aws("shows the targets", service.region, "vpc-lattice", "list-targets", "--target-group-identifier",
                   evidence.group_arn),) if evidence.group_arn else ()),
        ),
    )  # fmt: skip


def _unread(evidence: Evidence) -> tuple[Section, ...]:
    if not evidence.unread:
        return ()
    parts = [f"{one.part}: {one.why}" for one in evidence.unread]
    return (Section("Could not be read, so causes there may be missing:", tuple(parts[:_UNREAD])),)


def _facts(evidence: Evidence, findings: Sequence[Finding]) -> tuple[tuple[str, str], ...]:
    service = evidence.subject.service
    facts = [
        ("ECS service", f"{service} ({service.region}, account {service.account})"),
        ("Requests", _impact(evidence)),
        ("Targets", _targets(evidence)),
        ("Tasks", _tasks(evidence)),
    ]
    if evidence.status is not None and evidence.status.code:
        said = _without_repeated_command(evidence.status.message, findings)
        facts.append(("ecs-lattice", f"{evidence.status.state}, {evidence.status.code}: {said}"))
    return tuple(facts)


def _without_repeated_command(said: str, findings: Sequence[Finding]) -> str:
    """A status without the command at its end, where a cause gives the same one, laid out to be pasted."""
    sentences, _, command = said.partition(_RUN)
    operation = " ".join(command.split()[:3])
    given = [str(one) for finding in findings[:_SHOWN] for one in finding.commands]
    return sentences if operation and any(one.startswith(operation) for one in given) else said


def _impact(evidence: Evidence) -> str:
    """What it means for requests. A group whose targets are all unhealthy still gets them (VPC Lattice User Guide)."""
    if evidence.targets is None:
        return "unknown, the targets could not be read" if evidence.group_arn else "unknown, no target group is known"
    if evidence.route is not None and not evidence.is_live:
        return "the route takes none"
    if evidence.answering:
        return f"go to the {len(evidence.answering)} of {len(evidence.targets)} targets that answer"
    if evidence.unhealthy:
        return "FAIL, or are answered by chance: no target is well, and VPC Lattice then asks them all"
    if not evidence.targets:
        return "FAIL: there is no target"
    return f"FAIL: no target can answer{' yet' if evidence.in_status('INITIAL') else ''}"


def _targets(evidence: Evidence) -> str:
    if evidence.targets is None:
        return "unknown"
    if not evidence.targets:
        return "none is registered"
    counts = Counter(target.status for target in evidence.targets)
    ordered = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    ill = [
        f"{target}{f' {target.reason}' if target.reason else ''}"
        for target in evidence.targets
        if target in evidence.unhealthy
    ]
    return f"{ordered}{f' ({listed(ill, _TARGETS)})' if ill else ''}"


def _tasks(evidence: Evidence) -> str:
    if evidence.service is None:
        return "unknown"
    service = evidence.service.service
    primary = service.primary
    revision = primary.task_definition.rsplit("/", 1)[-1] if primary else "no revision"
    rollout = f", deployment {primary.rollout}" if primary and primary.rollout else ""
    if service.running > service.desired:
        return f"{service.desired} wanted; {service.running} running, as ECS replaces tasks ({revision}{rollout})"
    return f"{service.desired} wanted, {service.running} running ({revision}{rollout})"


def _record(subject: RouteSubject, table: str) -> Command:
    """What the registry holds of the service (docs/operations.md, statuses)."""
    key = f'{{"pk":{{"S":"ecs#{subject.service.arn}"}},"sk":{{"S":"document"}}}}'
    return aws("shows all problems and statuses of the service", subject.service.region, "dynamodb", "get-item",
               "--table-name", table, "--key", key, "--query", "Item.text.S", "--output", "text")  # fmt: skip


def _short(subject: RouteSubject) -> str:
    return f"{subject.lattice_service}/{subject.route} ({subject.service})" if subject.route else str(subject.service)


def _of_service(subject: RouteSubject) -> str:
    return f"Route {subject.route} of ECS service {subject.service}"


def _ago(seconds: float) -> str:
    return f"{duration(seconds)} ago" if seconds >= _A_MINUTE else "just now"
