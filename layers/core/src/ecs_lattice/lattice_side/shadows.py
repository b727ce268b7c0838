"""Routes whose requests a rule takes that is evaluated before theirs: who is told what. Pure.

Lattice evaluates the rules of a listener by ascending priority, its default action last. Within ``Sharing`` a route may
take requests from another by priority, method, header, case or a containing prefix; both are told. A narrower path is
evaluated before a wider one by default, which is how routes of one Lattice service divide it: nobody is told of that.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby

from ecs_lattice.claims import Notice
from ecs_lattice.graph import Listener, OtherMatch, weighted_groups
from ecs_lattice.lattice_side.entries import ListenerAssignment, RuleAssignment
from ecs_lattice.lattice_side.resolutions import UNCHANGED, Resolution, Resolutions
from ecs_lattice.matching import covers, has_narrower_path, normal, overlaps
from ecs_lattice.model import ListenerKey, Match

MOST_NOTICES = 5


@dataclass(frozen=True, slots=True)
class LiveRule:
    """A rule that requests can reach, or the default action, with the claims whose routes receive them.

    ``match`` is normal. ``name`` is the rule's. One that others created has no routes.
    """

    match: Match
    routes: Resolutions = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What the people of a claim are to know: ``is_loss``: its own requests go elsewhere; ``is_whole``: all of them."""

    key: str
    listener: ListenerKey
    is_loss: bool
    is_whole: bool
    message: str


@dataclass(frozen=True, slots=True)
class Shadows:
    """Notices by claim key, at most MOST_NOTICES each; ``covered`` are the claims that receive no request on any listener,
    each with the reason."""

    notices: Mapping[str, tuple[Notice, ...]]
    covered: Mapping[str, str]


def shadows(listeners: Mapping[ListenerKey, Sequence[LiveRule]]) -> Shadows:
    """What the rules of the listeners, each in the order of their evaluation, take from each other."""
    told = [each for key, rules in listeners.items() for each in _on_listener(key, rules)]
    told.sort(key=lambda each: (each.key, not each.is_loss, not each.is_whole, each.message))
    by_claim = {key: list(group) for key, group in groupby(told, key=lambda each: each.key)}
    receives_on: dict[str, set[ListenerKey]] = defaultdict(set)
    for listener, rules in listeners.items():
        for key in chain.from_iterable(map(_keys, rules)):
            receives_on[key].add(listener)
    covered = {key: _covered(group, receives_on[key]) for key, group in by_claim.items()}
    notices = {key: _bounded(group) for key, group in by_claim.items()}
    return Shadows(notices, {key: message for key, message in covered.items() if message})


def _covered(told: Sequence[Told], receives_on: set[ListenerKey]) -> str:
    """Why a claim receives no request on any of its listeners; empty when it receives some."""
    lost = [each for each in told if each.is_loss and each.is_whole]
    return lost[0].message if lost and {each.listener for each in lost} == receives_on else ""


def _keys(rule: LiveRule) -> frozenset[str]:
    return frozenset(route.key for route in rule.routes)


def _bounded(told: Sequence[Told]) -> tuple[Notice, ...]:
    notices = tuple(Notice("SHADOWED", message) for message in dict.fromkeys(each.message for each in told))
    if len(notices) <= MOST_NOTICES:
        return notices
    left = len(notices) - MOST_NOTICES + 1
    return (*notices[: MOST_NOTICES - 1], Notice("SHADOWED", f"{left} more routes overlap with this one."))


def _on_listener(key: ListenerKey, rules: Sequence[LiveRule]) -> Iterator[Told]:
    reached: list[LiveRule] = []
    for rule in rules:
        taking = [earlier for earlier in reached if overlaps(earlier.match, rule.match)]
        whole = next((earlier for earlier in taking if covers(earlier.match, rule.match)), None)
        for earlier in taking[: taking.index(whole)] if whole else taking:
            if not has_narrower_path(earlier.match, rule.match):
                yield from _between(key, earlier, rule, is_whole=False)
        if whole:
            yield from _between(key, whole, rule, is_whole=True)
        else:
            reached.append(rule)  # a rule that no request reaches takes none


def _between(key: ListenerKey, taking: LiveRule, losing: LiveRule, *, is_whole: bool) -> Iterator[Told]:
    """What both sides are told. Of routes of one ECS service only one that loses all is told: the rest is its own choice."""
    amount = "all requests" if is_whole else "requests"
    for loser in losing.routes:
        if not taking.routes and is_whole:
            message = f"Rule {taking.name} on {key} ({taking.match}) is evaluated first and takes all its requests."
            yield Told(loser.key, key, True, is_whole, message)
        for taker in taking.routes:
            is_own = taker.owner == loser.owner
            if taker.key == loser.key or (is_own and not is_whole):
                continue
            first = f"{_route(taker)} ({taking.match}) is evaluated first and takes {amount}"
            yield Told(loser.key, key, True, is_whole, f"On {key}, {first} of this one ({losing.match}).")
            if not is_own:
                message = (
                    f"On {key}, this route is evaluated first and takes {amount} of {_route(loser)} ({losing.match})."
                )
                yield Told(taker.key, key, False, is_whole, message)


def _route(resolution: Resolution) -> str:
    return f"route {resolution.route.name} of {resolution.claim.service}"


# What was observed


def live_rules(assignment: RuleAssignment) -> dict[ListenerKey, tuple[LiveRule, ...]]:
    """The rules that requests can reach now, by listener, in the order of their evaluation."""
    unchanged = tuple(resolution for resolution in assignment.resolutions if resolution.mode in UNCHANGED)
    return {
        assigned.key: tuple(_in_order(assigned, assigned.there, unchanged))
        for assigned in assignment.listeners
        if assigned.there
    }


def _in_order(assigned: ListenerAssignment, there: Listener, unchanged: Resolutions) -> Iterator[LiveRule]:
    entries = {entry.rule.name: entry for entry in assigned.matches if entry.rule} | {"": assigned.default}
    rules = sorted((rule for rule in there.rules if rule.is_live), key=lambda rule: rule.priority)
    for name, match, action in (*((rule.name, rule.match, rule.action) for rule in rules), ("", None, there.default)):
        if isinstance(match, OtherMatch):
            continue  # it takes fewer requests than any match of a route that it overlaps with
        requests, groups = normal(match), weighted_groups(action)
        entry = entries.get(name)
        # A rejected claim has no entry, but its rule stays.
        claims = entry.claims if entry else tuple(claim for claim in unchanged if claim.requests == requests)
        yield LiveRule(requests, tuple(claim for claim in claims if claim.group_ref in groups), name)
