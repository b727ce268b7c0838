"""What a user asks for: docker labels and service tags to a :class:`~ecs_lattice.model.Declaration`, or all its problems.

In this order: reading (which keys are ours), routes (what applies to each, values and defaults), rules (what is allowed). Everything is made from the table in :mod:`ecs_lattice.declaration.keys`.
"""

from collections.abc import Collection

from ecs_lattice.declaration import route_rules, set_rules
from ecs_lattice.declaration.changes import dropped_default_route, rolling_conflicts, too_many_routes
from ecs_lattice.declaration.reading import Bounds, read
from ecs_lattice.declaration.route_rules import Context, Subject
from ecs_lattice.declaration.routes import Draft, build, drafts, ports_of, share
from ecs_lattice.facts import TaskDefinition
from ecs_lattice.model import Declaration, Route
from ecs_lattice.outcome import Problem, Refused

__all__ = ["Bounds", "declare", "dropped_default_route", "rolling_conflicts", "too_many_routes"]


def declare(
    task_definition: TaskDefinition,
    tags: tuple[tuple[str, str], ...],
    controller: str,
    bounds: Bounds,
    standing: Collection[Route] = (),
) -> Declaration | Refused:
    """The declaration of an ECS service: of the labels of ``task_definition`` and the ``tags`` of the service.

    ``controller`` is the service's deployment controller type (ECS, CODE_DEPLOY, EXTERNAL), ``standing`` are the
    service's routes until now, as they were accepted. Without any key under the
    prefix the declaration is empty: the service has not opted in. Refused carries every problem, in a stable order.
    """
    reading = read(task_definition, tags, bounds)
    found = drafts(reading.entries, bounds.label_prefix, task_definition.name)
    ports, port_problems = ports_of(found.routes, task_definition)
    shared, disagreements = _share(found.routes, ports)
    context = Context(task_definition, controller, bounds, standing)
    subjects = [Subject(draft, build(draft, ports.get(draft.name, ""), bounds)) for draft in shared]
    problems = (
        *reading.problems,
        *port_problems,
        *disagreements,
        *(problem for subject in subjects for problem in route_rules.problems_of(subject, context)),
        *set_rules.problems_among(subjects, context),
    )
    if problems:
        # A mistake that several routes inherit is one problem.
        return Refused(tuple(sorted(set(problems), key=lambda p: (p.code, p.key, p.value, p.where, p.message))))
    return Declaration(tuple(subject.route for subject in subjects), found.removed)


def _share(routes: tuple[Draft, ...], ports: dict[str, str]) -> tuple[tuple[Draft, ...], tuple[Problem, ...]]:
    """What belongs to one Lattice service, or to one port on it, is written once and applies to all its routes."""
    if len(routes) < 2:  # noqa: PLR2004  one route shares with no other
        return routes, ()
    services = {draft.name: draft.value("service") or ("unknown", draft.name) for draft in routes}
    of_services, service_problems = share(routes, lambda draft: services[draft.name], "service")
    of_ports, port_problems = share(
        of_services, lambda draft: (services[draft.name], ports.get(draft.name, ("unknown", draft.name))), "port"
    )
    return of_ports, (*service_problems, *port_problems)
