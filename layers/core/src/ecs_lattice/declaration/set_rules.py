"""What the routes of one declaration must be like together. Rules leave out routes with something broken they read."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import pairwise

from ecs_lattice.declaration import keys
from ecs_lattice.declaration.route_rules import Context, Subject
from ecs_lattice.model import ListenerKey, Match
from ecs_lattice.outcome import Problem

MOST_CONFIGURATIONS = 5
"""vpcLatticeConfigurations of an ECS service (ECS Developer Guide, Amazon VPC Lattice)."""

_MATCH_SLOTS = ("service", "port", "listener", "path", "path.case-sensitive", "method", "header", "priority", "weight")
_TARGET_SLOTS = ("service", "port", "listener", *(key.slot for key in keys.KEYS if key.shared == "port"))


def problems_among(subjects: Sequence[Subject], context: Context) -> Iterator[Problem]:
    """Everything that is wrong between routes."""
    yield from _agree_on_targets(_sound(subjects, _TARGET_SLOTS))
    yield from _fit_the_listeners(_sound(subjects, ("service", "listener")), context)
    yield from _match_differently(_sound(subjects, _MATCH_SLOTS))
    yield from _fit_the_configurations(_sound(subjects, ("service", "port", "targets")), context)


def _sound(subjects: Iterable[Subject], slots: Iterable[str]) -> list[Subject]:
    slots = tuple(slots)
    return [
        one
        for one in subjects
        if one.draft.has("service")
        and not any(one.draft.is_broken(slot) for slot in slots)
        and ("port" not in slots or one.route.port_name)
    ]


def _grouped[T](items: Iterable[T], by: Callable[[T], Hashable]) -> list[list[T]]:
    groups: dict[Hashable, list[T]] = defaultdict(list)
    for item in items:
        groups[by(item)].append(item)
    return list(groups.values())


def _agree_on_targets(subjects: list[Subject]) -> Iterator[Problem]:
    """What follows from defaults can differ although nothing that was written does: TCP on one listener, HTTP elsewhere."""
    for members in _grouped(subjects, lambda one: (one.route.lattice_service, one.route.port_name)):
        first, *others = members
        for other in others:
            if not other.draft.has("protocol") and other.route.protocol != first.route.protocol:
                message = (
                    f"route {first.route.name} speaks {first.route.protocol} to port {first.route.port_name}, route "
                    f"{other.route.name} {other.route.protocol}; give the port a second name, or use one protocol."
                )
                yield other.draft.problem("ROUTES_DISAGREE", "protocol", message, other.route.protocol)


def _fit_the_listeners(subjects: list[Subject], context: Context) -> Iterator[Problem]:
    for members in _grouped(subjects, lambda one: one.route.lattice_service):
        by_port: dict[int, dict[ListenerKey, Subject]] = defaultdict(dict)
        for member in members:
            for listener in member.route.listeners:
                by_port[listener.port].setdefault(listener, member)
        for listeners in by_port.values():
            for (one, _), (two, subject) in pairwise(sorted(listeners.items(), key=lambda item: item[0])):
                message = f"{one} and {two} of Lattice service {subject.route.lattice_service} cannot share a port."
                yield subject.draft.problem("LISTENER_CLASH", "listener", message, two)
        wanted = sorted({listener for listeners in by_port.values() for listener in listeners})
        if len(wanted) > context.bounds.listeners_per_service:
            last = members[-1]
            message = (
                f"Lattice service {last.route.lattice_service} would need {len(wanted)} listeners "
                f"({', '.join(map(str, wanted))}); {context.bounds.listeners_per_service} are allowed."
            )
            yield last.draft.problem("TOO_MANY_LISTENERS", "listener", message, wanted[-1])


def _match_differently(subjects: list[Subject]) -> Iterator[Problem]:
    on_listener = [(one.route.lattice_service, listener, one) for one in subjects for listener in one.route.listeners]
    seen = set()
    for found in _grouped(on_listener, lambda item: item[:2]):
        listener, members = found[0][1], [one for _, _, one in found]
        for problem in (*_share_matches(members, listener), *_share_priorities(members, listener)):
            if (problem.code, problem.key, problem.where) not in seen:
                seen.add((problem.code, problem.key, problem.where))
                yield problem


def _share_matches(members: list[Subject], listener: ListenerKey) -> Iterator[Problem]:
    for same in _grouped(members, lambda one: _fingerprint(one.route.match)):
        first, *others = same
        if not others:
            continue
        names, match = ", ".join(one.route.name for one in same), str(first.route.match or "everything else")
        unweighted = next((one for one in same if one.route.weight is None), None)
        ports = [one.route.port_name for one in same]
        priorities = {one.route.priority for one in same}
        if unweighted is not None:
            message = f"routes {names} want {match} on {listener}; give all a weight, or different matches."
            slot = "path" if unweighted.draft.has("path") else "listener"
            yield unweighted.draft.problem("SAME_MATCH", slot, message, listener)
        elif len(set(ports)) < len(ports):
            message = f"routes {names} share {match} on {listener} with one port; only different ports have shares."
            yield others[0].draft.problem("SAME_MATCH", "weight", message)
        elif len(priorities) > 1:
            message = f"routes {names} share {match} on {listener}, which is one rule with one priority."
            yield others[0].draft.problem("SAME_PRIORITY", "priority", message)
        elif not sum(one.route.weight or 0 for one in same):
            message = f"the weights of {names}, which share {match} on {listener}, are all 0; one must be above."
            yield first.draft.problem("WEIGHTS_ZERO", "weight", message)


def _share_priorities(members: list[Subject], listener: ListenerKey) -> Iterator[Problem]:
    given = [one for one in members if one.route.priority is not None and one.route.match is not None]
    for same in _grouped(given, lambda one: one.route.priority):
        first, *others = same
        for other in others:
            if _fingerprint(other.route.match) != _fingerprint(first.route.match):
                message = f"route {first.route.name} has this priority on {listener} too; each rule needs its own."
                yield other.draft.problem("SAME_PRIORITY", "priority", message)


def _fingerprint(match: Match | None) -> Match | None:
    """Equal for matches that take the same requests: case counts only where Lattice compares it."""
    if match is None:
        return None
    path = match.path if match.path is None or match.path[2] else (match.path[0], match.path[1].lower(), False)
    headers = {(header.name.lower(), header.kind, header.value.lower()): header for header in match.headers}
    folded = tuple(type(header)(name, header.kind, value) for (name, _, value), header in sorted(headers.items()))
    return Match(path, match.method, folded)


def _fit_the_configurations(subjects: list[Subject], context: Context) -> Iterator[Problem]:
    default = "ecs" if context.controller == "ECS" else "controller"
    attached = [one for one in subjects if (one.route.targets or default) == "ecs"]
    pairs = sorted({(one.route.port_name, one.route.lattice_service) for one in attached})
    if len(pairs) > MOST_CONFIGURATIONS:
        listed = ", ".join(f"{port} on {service}" for port, service in pairs)
        message = f"{len(pairs)} target groups ({listed}); ECS attaches {MOST_CONFIGURATIONS} to a service."
        yield attached[-1].draft.problem("TOO_MANY_TARGET_GROUPS", "port", message, attached[-1].route.port_name)
