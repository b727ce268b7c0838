"""The messages about the refusals and notices of one ECS service. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ecs_lattice.bounds import MOST_PROBLEMS, listed
from ecs_lattice.diagnosis.findings import Command, aws, duration, sentences
from ecs_lattice.diagnosis.message import Message, Section, moment
from ecs_lattice.diagnosis.refusals import MESSAGES_AN_HOUR, Refusal, Report, Reported
from ecs_lattice.diagnosis.subjects import RouteSubject
from ecs_lattice.model import ServiceId

_CODES = 3  # in a subject


@dataclass(frozen=True, slots=True)
class Findings:
    """What the registry says of an ECS service: the reason of each refusal in words, and the state of each route by Lattice
    service and name; ``exists``: whether there is a record of the ECS service; ``is_deploying``: whether a deployment of ours
    is in progress."""

    reasons: Mapping[Refusal, str]
    states: Mapping[tuple[str, str], str]
    exists: bool
    is_deploying: bool = False


def refused(report: Report, found: Findings, table: str, now: float) -> Message:
    """Some of what the ECS service declares is refused, in conflict, or has a notice."""
    service, present = ServiceId(report.state.service), report.present
    shown, more = present[:MOST_PROBLEMS], len(present) - MOST_PROBLEMS
    hold = duration(report.state.hold_seconds)
    closing = f"You will get one more message once it has not been so for {hold}, or when there is another reason."
    return Message(
        subject=_subject(service, present),
        headline=_headline(service, present),
        thread=report.state.id,
        step="refusal",
        sections=(
            *(_section(reported, found, is_only=len(present) == 1) for reported in shown),
            *((Section(sentences=(f"And {more} more.",)),) if more > 0 else ()),
            *_ended(report),
            Section(sentences=_held(report), commands=(_inspect_record(service, table),)),
        ),
        closing=(
            "docs/troubleshooting.md explains each refusal and notice by its code.",
            closing,
            *_limit(report, now),
        ),
        keywords=(*_keywords(service, present), *(reported.refusal.code for reported in shown)),
        resources=(service.arn,),
    )


def accepted(report: Report, found: Findings, now: float) -> Message:
    """Nothing of the ECS service is refused any more."""
    service, ended = ServiceId(report.state.service), report.ended
    over_at = max((reported.ended_at for reported in ended), default=now)
    length = duration(over_at - report.state.opened_at)
    codes = listed(sorted({reported.refusal.code for reported in ended}), _CODES)
    short, name, state = _what_ended(service, ended, found)
    what = "no longer has a notice" if _is_notice(ended) else "is no longer refused"
    return Message(
        subject=f"OK {short}: {what.removeprefix('is ')} after {length}",
        headline=sentences(
            f"{name} {what}{f' ({codes})' if codes else ''}, after {length}.",
            state,
            "" if found.exists else "The ECS service no longer exists.",
        ),
        thread=report.state.id,
        step="recovery",
        sections=(Section(sentences=_held(report)),) if report.held else (),
        closing=_limit(report, now),
        keywords=_keywords(service, ended),
        resources=(service.arn,),
    )


def _what_ended(service: ServiceId, ended: tuple[Reported, ...], found: Findings) -> tuple[str, str, str]:
    """The name of what was refused for a subject and for a sentence, and the state of a single route in a sentence."""
    if len(ended) != 1:
        return str(service), f"ECS service {service}", ""
    refusal = ended[0].refusal
    state, subject = found.states.get(refusal.subject, ""), _of_one(service, refusal)
    return subject.short, _named(subject), f"It is {state} now." if state else ""


def _subject(service: ServiceId, present: tuple[Reported, ...]) -> str:
    first = present[0].refusal
    if len(present) == 1:
        return f"{first.state.upper()} {_of_one(service, first).short}: {first.code}"
    word = "NOTICES" if _is_notice(present) else "REFUSED"
    codes = sorted({reported.refusal.code for reported in present})
    return f"{word} {service}: {len(present)} reasons, {listed(codes, _CODES)}"


def _headline(service: ServiceId, present: tuple[Reported, ...]) -> str:
    first, since = present[0].refusal, moment(min(reported.since for reported in present))
    if len(present) == 1:
        name = _named(_of_one(service, first))
        has = "had a notice" if _is_notice(present) else f"been {first.state}"
        return f"{name} has {has} since {since}: {first.code}."
    what = "has notices" if _is_notice(present) else "is refused in part"
    return f"ECS service {service} {what}, for {len(present)} reasons, the oldest since {since}."


def _section(reported: Reported, found: Findings, *, is_only: bool) -> Section:
    refusal = reported.refusal
    title = "" if is_only else f"{_label(refusal)}: {refusal.state}, {refusal.code}"
    others = ", and so is that of the other ECS service" if refusal.state == "Conflicted" else ""
    unchanged = "" if refusal.state == "Notice" else f"Existing routing is unchanged{others}."
    return Section(title, (*found.reasons.get(refusal, "").splitlines(), unchanged))


def _ended(report: Report) -> tuple[Section, ...]:
    gone = tuple(f"{_label(reported.refusal)}: {reported.refusal.code}" for reported in report.ended[:MOST_PROBLEMS])
    return (Section("No longer", gone),) if gone else ()


def _held(report: Report) -> tuple[str, ...]:
    if not report.held:
        return ()
    return (
        f"Since the message before this one there were {report.held} more changes, which were not reported one by one.",
    )


def _limit(report: Report, now: float) -> tuple[str, ...]:
    if not report.is_last_of_the_hour:
        return ()
    until = moment(min((*report.state.sent, now)) + 3600)
    counted = f"What changes before {until} is counted and reported then, in one message. Alarms are not affected."
    return (f"This ECS service has caused {MESSAGES_AN_HOUR} such messages within an hour. {counted}",)


def _label(refusal: Refusal) -> str:
    if not refusal.route:
        return "The declaration"
    return f"Route {refusal.route} of Lattice service {refusal.lattice_service}"


def _is_notice(reported: Iterable[Reported]) -> bool:
    states = {entry.refusal.state for entry in reported}
    return states == {"Notice"}


def _keywords(service: ServiceId, reported: tuple[Reported, ...]) -> tuple[str, ...]:
    return _of_one(service, reported[0].refusal).keywords if len(reported) == 1 else (str(service),)


def _of_one(service: ServiceId, refusal: Refusal) -> RouteSubject:
    return RouteSubject(refusal.lattice_service, service, refusal.route)


def _named(subject: RouteSubject) -> str:
    return f"{f'Route {subject.route}' if subject.route else 'The declaration'} of ECS service {subject.service}"


def _inspect_record(service: ServiceId, table: str) -> Command:
    """What the registry holds about the service (docs/operations.md, statuses)."""
    key = f'{{"pk":{{"S":"ecs#{service.arn}"}},"sk":{{"S":"document"}}}}'
    words = ("--table-name", table, "--key", key, "--query", "Item.text.S", "--output", "text")
    return aws("To inspect all problems and statuses of the service", service.region, "dynamodb get-item", *words)
