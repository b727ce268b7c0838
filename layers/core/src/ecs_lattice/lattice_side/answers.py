"""What came of each claim, read from what was observed: pure."""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from ecs_lattice import bounds
from ecs_lattice.claims import ON_THE_WAY, VANISHED, WAITING_FOR_TARGETS, Answer, Notice, State
from ecs_lattice.graph import id_of
from ecs_lattice.lattice_side.claim_facts import ClaimFacts, match_fingerprint
from ecs_lattice.lattice_side.entries import MatchEntry
from ecs_lattice.lattice_side.forwarding import PlanContext, is_ready
from ecs_lattice.lattice_side.notices import notices
from ecs_lattice.lattice_side.resolutions import Resolution
from ecs_lattice.lattice_side.shadows import live_rules, shadows
from ecs_lattice.lattice_side.succession import MATCH_TAKEN, is_awaited, standby_message
from ecs_lattice.model import ServiceId
from ecs_lattice.outcome import NO_PROGRESS, NOT_KEPT, NotYet, Problem, Wait, overdue

_log = logging.getLogger(__name__)
_CREATE_SECONDS = 5
SHARE_PAUSED = "SHARE_PAUSED"
"""The code of a route whose rule stays as it is, because another route that shares it is paused."""
_SAID_ANEW = {NO_PROGRESS, NOT_KEPT}
_AWAITED_SECONDS = 15  # for the grace time at most: then the match is released


def answers(context: PlanContext, *, uninstalling: bool) -> dict[str, Answer]:
    """The answer to each claim, by its key."""
    entries: dict[str, list[MatchEntry]] = defaultdict(list)
    for entry in context.assignment.entries:
        for resolution in entry.claims:
            entries[resolution.key].append(entry)
    told = notices(context)
    answered: dict[str, Answer] = {}
    for resolution in context.assignment.resolutions:
        own = entries[resolution.key]
        answer = _answer(context, resolution, own, uninstalling=uninstalling)
        if answer.state != "Removed":
            live_as, live_since = _live(resolution, own, context.now)
            answer = replace(answer, notices=told.get(resolution.key, ()), live_as=live_as, live_since=live_since)
        answered[resolution.key] = answer
    return answered | _shadowed(context, answered)


def _live(resolution: Resolution, entries: Sequence[MatchEntry], now: float) -> tuple[str, float]:
    """The fingerprint of the match as which the route is live now, else was last; and since when."""
    before, requests = resolution.record.answer, match_fingerprint(resolution.requests)
    if resolution.was_live and not before.live_as:  # from before it was recorded
        return requests, 0.0
    if before.live_as == requests or not any(resolution.group_ref in entry.receiving for entry in entries):
        return before.live_as, before.live_since or 0.0
    return requests, now


def _shadowed(context: PlanContext, found: Mapping[str, Answer]) -> dict[str, Answer]:
    """The answers to the claims whose requests, or part of them, another rule takes, and to those that take them."""
    taken, prefix = shadows(live_rules(context.assignment)), context.settings.label_prefix
    told: dict[str, Answer] = {}
    for key, overlaps in taken.notices.items():
        answer = told[key] = replace(found[key], notices=(*found[key].notices, *overlaps))
        if key in taken.covered and (answer.state, answer.code) == ("Live", ""):
            message = f"{taken.covered[key]} Change one of the two matches, or their {prefix}.priority."
            told[key] = replace(answer, code="SHADOWED", message=message)
    return told


def _answer(
    context: PlanContext, resolution: Resolution, entries: Sequence[MatchEntry], *, uninstalling: bool
) -> Answer:
    before = resolution.record.answer
    is_live = any(resolution.group_ref in entry.receiving for entry in entries)
    match resolution.mode:
        case "removing":
            return _removing(context, resolution, entries, uninstalling=uninstalling)
        case "retained":
            return _retained(context, resolution, is_live=is_live)
        case "active" if is_live:
            return _of(context, resolution, "Live")
        case "active":
            return _of(context, resolution, *_provisioned(context, resolution, entries))
    # Nothing changes for it: a target group that is in use stays its own.
    answer = _of(context, resolution, resolution.rejection or "Paused", resolution.code, resolution.message)
    is_in_use = before.group_arn is not None and id_of(before.group_arn) in context.index.weighted
    return replace(answer, group_arn=before.group_arn) if is_in_use else answer


def _retained(context: PlanContext, resolution: Resolution, *, is_live: bool) -> Answer:
    """The answer of a route that is no longer declared, and of which nothing changes yet."""
    served: dict[State, State] = {"Pending": "Pending", "Live": "Live"}
    state = "Live" if is_live else served.get(resolution.record.answer.state, "Wired")
    why = VANISHED if state != "Live" and not resolution.code else resolution
    return _of(context, resolution, state, why.code, why.message)


def _of(context: PlanContext, resolution: Resolution, state: State, code: str = "", message: str = "") -> Answer:
    """The answer with the target group and the DNS name, as they are or as they were when last answered."""
    group, service = context.index.groups.get(resolution.group_ref), context.index.observed.service
    before = resolution.record.answer
    arn = group.arn if group else None
    if arn is None and state not in {"Removed", "Parked", "Pending"}:
        arn = before.group_arn
    return Answer(state, code, message, arn, service.domain_name if service else before.domain_name)


def _provisioned(context: PlanContext, resolution: Resolution, entries: Sequence[MatchEntry]) -> tuple[State, str, str]:
    """The state, code and message of an active route without traffic."""
    progress = _progress(context, resolution, entries)
    if progress[0] != "Wired" or not resolution.stands_by_for:
        return progress
    is_ready(context, resolution)  # until it is, its targets are read again
    if is_awaited(resolution, context.assignment.resolutions):
        context.timers.wait_until(_AWAITED_SECONDS, f"a target of {resolution.group_ref} must become healthy")
    return "Wired", MATCH_TAKEN, standby_message(resolution)


def _progress(context: PlanContext, resolution: Resolution, entries: Sequence[MatchEntry]) -> tuple[State, str, str]:
    """The same but for a successor: Wired once all is there that its tasks need."""
    if paused := _paused_share(resolution, entries):
        return "Pending", SHARE_PAUSED, paused
    index, group = context.index, context.index.groups.get(resolution.group_ref)
    networks = set(chain(*(index.networks.get(network, ()) for network in resolution.networks)))
    needs = {
        "The Lattice service": index.observed.service is not None,
        "The target group": group is not None and group.status == "ACTIVE",
        **{f"The rule on {entry.listener}": resolution.group_ref in entry.in_use for entry in entries},
        "The association with a service network": networks <= index.associated,
    }
    missing = next((what for what, is_there in needs.items() if not is_there), "")
    if missing:
        context.timers.wait(_CREATE_SECONDS, f"{missing} is being created", (resolution.key,))
        return "Pending", ON_THE_WAY["Pending"].code, f"{missing} is being created."
    if resolution.is_weightless and is_ready(context, resolution):
        return "Live", "", "Its weight is 0."
    return _wired(resolution)


def _wired(resolution: Resolution) -> tuple[State, str, str]:
    is_attached = resolution.claim.named or resolution.claim.serving
    stage = WAITING_FOR_TARGETS if is_attached else ON_THE_WAY["Wired"]
    return "Wired", stage.code, stage.message


def _paused_share(resolution: Resolution, entries: Sequence[MatchEntry]) -> str:
    """Why the route waits for somebody else: a share of its match is paused, so that the rule stays as it is."""
    for entry in entries:
        if entry.is_frozen and entry.paused and resolution.group_ref not in entry.in_use:
            first = entry.paused[0]
            other = f"route {first.route.name} of {first.claim.service}"
            return f"The rule on {entry.listener} stays as it is: {other} shares it and is paused."
    return ""


def _removing(
    context: PlanContext, resolution: Resolution, entries: Sequence[MatchEntry], *, uninstalling: bool
) -> Answer:
    resolutions = context.assignment.resolutions
    is_shared = resolution.group_ref in {other.group_ref for other in resolutions if other.mode != "removing"}
    own = [entry for entry in entries if entry.is_ending or not is_shared]
    if _still_receives(resolution.group_ref, own):
        message = "It receives traffic until another route can take its place."
        return _of(context, resolution, "Live", "LEAVING", message)
    if _is_used(context, resolution, own, is_shared=is_shared):
        return _of(context, resolution, "Parked")
    if resolution.holds_match and not uninstalling:
        remaining = resolution.claim.since + context.settings.grace_seconds - context.now
        context.timers.wait_until(remaining, "the match of a deleted ECS service is reserved for the grace time")
        message = "Everything is removed; the match is reserved for the grace time."
        return _of(context, resolution, "Parked", "HOLDS_MATCH", message)
    return Answer("Removed", domain_name=None)


def _still_receives(group: str, entries: Sequence[MatchEntry]) -> bool:
    """Whether the group has to lose its traffic before its tasks may be detached. A TLS_PASSTHROUGH listener cannot be
    parked: it forwards until they are, then it is deleted."""
    return any(
        group in entry.receiving and not (entry.is_ending and entry.listener.protocol == "TLS_PASSTHROUGH")
        for entry in entries
    )


def _is_used(context: PlanContext, resolution: Resolution, entries: Sequence[MatchEntry], *, is_shared: bool) -> bool:
    """Whether a rule of the entries still exists where another claim shares the group; else whether the group does. A group
    that others made only has to be released."""
    group, claim = resolution.group_ref, resolution.claim
    if is_shared:
        return any(entry.rule for entry in entries)
    return group in context.index.referenced or claim.named if claim.own_group else group in context.index.groups


def unchanged(claims: Iterable[ClaimFacts]) -> dict[str, Answer]:
    """The answers as they are, by claim key, without what each run says anew."""
    return {facts.key: _bare(facts.record.answer) for facts in claims}


def _bare(answer: Answer) -> Answer:
    code, message = ("", "") if answer.code in _SAID_ANEW else (answer.code, answer.message)
    notices = tuple(notice for notice in answer.notices if notice.code not in _SAID_ANEW)
    return replace(answer, code=code, message=message, notices=notices)


def stalled(
    answers: Mapping[str, Answer], waits: Sequence[NotYet], known: Iterable[Wait], now: float
) -> dict[str, Answer]:
    """The answers, with what has been waited for longer than a day: a notice, and the code where nothing else stands in the
    way. What no claim needs is told to all that are neither refused nor gone."""
    told = overdue(known, now)
    return _with_problems(answers, waits, told) if told else dict(answers)


def _with_problems(
    answers: Mapping[str, Answer], waits: Sequence[NotYet], lasting: Iterable[Wait]
) -> dict[str, Answer]:
    told: dict[str, list[str]] = defaultdict(list)
    of_all = [key for key, answer in answers.items() if answer.state not in {"Refused", "Conflicted", "Removed"}]
    for wait in lasting:
        waiting = set(chain(*(each.needed_by for each in waits if each.why == wait.why))) or of_all
        for key in answers.keys() & waiting:
            told[key].append(wait.problem.message)
    with_notice = {key: _with(answers[key], Notice(NO_PROGRESS, " ".join(texts))) for key, texts in told.items()}
    return {**answers, **with_notice}


def _with(answer: Answer, notice: Notice) -> Answer:
    told = replace(answer, notices=(*answer.notices, notice))
    return replace(told, code=notice.code, message=notice.message) if answer.is_stage else told


def log_new(changed: Iterable[tuple[ServiceId, str, Answer]]) -> None:
    """Log the refusals, conflicts and waits of days among the answers, of each ECS service as many as are told of it."""
    counts: Counter[ServiceId] = Counter()
    for service, key, answer in changed:
        if answer.state in {"Refused", "Conflicted"} or answer.code == NO_PROGRESS:
            counts[service] += 1
            if counts[service] <= bounds.MOST_PROBLEMS:
                _log.warning("%s: %s %s: %s", key, answer.state, answer.code, answer.message)
    for service, count in counts.items():
        if count > bounds.MOST_PROBLEMS:
            _log.warning("%s: and %d more routes have a problem", service, count - bounds.MOST_PROBLEMS)


def problems_of(answers: Iterable[tuple[str, Answer]]) -> tuple[Problem, ...]:
    """The problems of the answers that are refusals or conflicts, by claim."""
    return tuple(
        Problem(answer.code, answer.message, where=key)
        for key, answer in answers
        if answer.state in {"Refused", "Conflicted"}
    )
