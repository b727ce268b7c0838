"""What the routes of one declaration must be like together. A rule leaves out routes in which a slot that it reads is broken."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise

from ecs_lattice.bounds import listed
from ecs_lattice.declaration.keys import SHARED_SLOTS
from ecs_lattice.declaration.route_rules import Context, Subject
from ecs_lattice.declaration.routes import grouped
from ecs_lattice.model import ListenerKey, Match, Route
from ecs_lattice.outcome import Problem

MOST_CONFIGURATIONS = 5
"""vpcLatticeConfigurations of an ECS service (ECS Developer Guide, Amazon VPC Lattice)."""

_MATCH_SLOTS = ("service", "port", "listener", "path", "path.case-sensitive", "method", "header", "priority", "weight")
_TARGET_SLOTS = ("service", "port", "listener", *SHARED_SLOTS["port"])


def problems_among(subjects: Sequence[Subject], context: Context) -> Iterator[Problem]:
    """Everything that is wrong between routes, or between the listeners of one."""
    yield from _fit_the_listeners(_sound(subjects, ("service", "listener")), context)
    if len(subjects) < 2:  # noqa: PLR2004
        return
    yield from _agree_on_targets(_sound(subjects, _TARGET_SLOTS))
    yield from _match_differently(_sound(subjects, _MATCH_SLOTS), context)
    yield from _fit_the_configurations(_sound(subjects, ("service", "port", "targets")), context)


def _sound(subjects: Iterable[Subject], slots: Sequence[str]) -> list[Subject]:
    return [
        subject
        for subject in subjects
        if "service" in subject.draft.slots
        and subject.draft.broken.isdisjoint(slots)
        and ("port" not in slots or subject.route.port_name)
    ]


def _agree_on_targets(subjects: list[Subject]) -> Iterator[Problem]:
    """What follows from defaults can differ although nothing that was written does: TCP on one listener, HTTP elsewhere."""
    for first, *others in grouped(subjects, lambda subject: (subject.route.lattice_service, subject.route.port_name)):
        for other in others:
            if "protocol" not in other.draft.slots and other.route.protocol != first.route.protocol:
                message = (
                    f"route {first.route.name} uses {first.route.protocol} to port {first.route.port_name}, route "
                    f"{other.route.name} {other.route.protocol}; give the port a second name, or use one protocol."
                )
                yield other.draft.problem("ROUTES_DISAGREE", "protocol", message, other.route.protocol)


def _fit_the_listeners(subjects: list[Subject], context: Context) -> Iterator[Problem]:
    for members in grouped(subjects, lambda subject: subject.route.lattice_service):
        service, draft = members[-1].route.lattice_service, members[-1].draft
        first: dict[ListenerKey, Subject] = {}
        for member in reversed(members):
            first |= dict.fromkeys(member.route.listeners, member)
        wanted = sorted(first, key=lambda listener: (listener.port, listener))
        for listener, other in pairwise(wanted):
            if listener.port == other.port:
                message = f"{listener} and {other} of Lattice service {service} cannot share a port."
                yield first[other].draft.problem("LISTENER_CLASH", "listener", message, other)
        if len(wanted) > context.bounds.listeners_per_service:
            message = (
                f"Lattice service {service} would need {len(wanted)} listeners "
                f"({listed(list(map(str, sorted(wanted))))}); {context.bounds.listeners_per_service} are allowed."
            )
            yield draft.problem("TOO_MANY_LISTENERS", "listener", message, max(wanted))


def _match_differently(subjects: list[Subject], context: Context) -> Iterator[Problem]:
    """Rules of one listener have different matches and priorities, or are one rule that several routes share.

    Routes that were accepted when two spellings of the same requests counted as two matches stay accepted.
    """
    accepted = {_spelled(route) for route in context.standing}
    on_listeners = ((subject, listener) for subject in subjects for listener in subject.route.listeners)
    found: dict[tuple[str, str, str], Problem] = {}
    for members in grouped(on_listeners, lambda item: (item[0].route.lattice_service, item[1])):
        listener, alike = members[0][1], grouped((subject for subject, _ in members), lambda subject: subject.requests)
        apart = [each for same in alike for each in _apart(same, accepted)]
        for problem in (*_shared_matches(apart, listener), *_shared_priorities(alike, listener)):
            found.setdefault((problem.code, problem.key, problem.where), problem)
    yield from found.values()


type _Spelled = tuple[str, str, Match | None]


def _spelled(route: Route) -> _Spelled:
    return route.name, route.lattice_service, route.match.canonical if route.match else None


def _apart(same: list[Subject], accepted: Collection[_Spelled]) -> list[list[Subject]]:
    """Routes of the same requests; apart by spelling if all of them have been accepted already."""
    is_accepted = all(_spelled(subject.route) in accepted for subject in same)
    return grouped(same, lambda subject: _spelled(subject.route)[2]) if is_accepted else [same]


def _shared_matches(alike: list[list[Subject]], listener: ListenerKey) -> Iterator[Problem]:
    for subjects in alike:
        if len(subjects) == 1:
            continue
        names, match = listed([subject.route.name for subject in subjects]), _text(subjects)
        if unweighted := next((subject.draft for subject in subjects if subject.route.weight is None), None):
            message = f"routes {names} want {match} on {listener}; give all a weight, or different matches."
            slot = "path" if "path" in unweighted.slots else "listener"
            yield unweighted.problem("SAME_MATCH", slot, message, listener)
        else:
            yield from _shares(subjects, f"{match} on {listener}", names)


def _text(subjects: list[Subject]) -> str:
    """The match of routes that match the same requests, in all spellings."""
    spellings = list(dict.fromkeys(str(subject.route.match or "everything else") for subject in subjects))
    return f"the same requests ({', '.join(spellings)})" if spellings[1:] else spellings[0]


def _shares(subjects: list[Subject], rule: str, names: str) -> Iterator[Problem]:
    """What is wrong with the routes that share a rule by weight."""
    first, second, *_ = subjects
    if len({subject.route.port_name for subject in subjects}) < len(subjects):
        message = f"routes {names} share {rule} with one port; only different ports can have shares."
        yield second.draft.problem("SAME_MATCH", "weight", message)
    elif len({subject.route.priority for subject in subjects}) > 1:
        message = f"routes {names} share {rule}, which is one rule with one priority."
        yield second.draft.problem("SAME_PRIORITY", "priority", message)
    elif not any(subject.route.weight for subject in subjects):
        message = f"the weights of {names}, which share {rule}, are all 0; at least one must be above 0."
        yield first.draft.problem("WEIGHTS_ZERO", "weight", message)


def _shared_priorities(alike: list[list[Subject]], listener: ListenerKey) -> Iterator[Problem]:
    taken: dict[int, tuple[Match, str]] = {}
    for subject in sorted((s for subjects in alike for s in subjects), key=lambda subject: subject.route.name):
        priority, match = subject.route.priority, subject.requests
        if priority is None or subject.route.match is None:
            continue
        holder, name = taken.setdefault(priority, (match, subject.route.name))
        if holder != match:
            message = f"route {name} has this priority on {listener} too; each rule needs its own."
            yield subject.draft.problem("SAME_PRIORITY", "priority", message)


def _fit_the_configurations(subjects: list[Subject], context: Context) -> Iterator[Problem]:
    default = "ecs" if context.controller == "ECS" else "controller"
    attached = [subject for subject in subjects if (subject.route.targets or default) == "ecs"]
    pairs = sorted({(subject.route.port_name, subject.route.lattice_service) for subject in attached})
    if len(pairs) > MOST_CONFIGURATIONS:
        named = listed([f"{port} on {service}" for port, service in pairs])
        message = f"{len(pairs)} target groups ({named}); ECS attaches {MOST_CONFIGURATIONS} to a service."
        yield attached[-1].draft.problem("TOO_MANY_TARGET_GROUPS", "port", message, attached[-1].route.port_name)
