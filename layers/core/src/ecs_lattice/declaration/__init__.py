"""What a user asks for: docker labels and service tags to a :class:`~ecs_lattice.model.Declaration`, or all its problems.

Reading (which keys are ours), drafts (what holds for each route), building (values and defaults), rules (what is
allowed): in this order. Everything is made from the table in :mod:`ecs_lattice.declaration.keys`.
"""

from collections.abc import Iterable

from ecs_lattice.declaration import route_rules, set_rules
from ecs_lattice.declaration.bounds import Bounds
from ecs_lattice.declaration.building import build
from ecs_lattice.declaration.changes import dropped_default_route, rolling_conflicts
from ecs_lattice.declaration.drafts import Draft, drafts, share
from ecs_lattice.declaration.port_names import port_of
from ecs_lattice.declaration.reading import read
from ecs_lattice.declaration.route_rules import Context, Subject
from ecs_lattice.facts import TaskDefinition
from ecs_lattice.model import Declaration
from ecs_lattice.outcome import Problem, Refused

__all__ = ["Bounds", "declare", "dropped_default_route", "rolling_conflicts"]


def declare(
    task_definition: TaskDefinition, tags: tuple[tuple[str, str], ...], controller: str, bounds: Bounds
) -> Declaration | Refused:
    """The declaration of an ECS service: of the labels of ``task_definition`` and the ``tags`` of the service.

    ``controller`` is the service's deployment controller type (ECS, CODE_DEPLOY, EXTERNAL). Without any key under the
    prefix the declaration is empty: the service has not opted in. Refused carries every problem, in a stable order.
    """
    reading = read(task_definition, tags, bounds)
    found = drafts(reading.entries, bounds.label_prefix, task_definition.name)
    ports = {draft.name: port_of(draft, task_definition) for draft in found.routes if not draft.is_broken("port")}
    names = {name: port for name, port in ports.items() if isinstance(port, str)}
    shared, disagreements = _share(found.routes, names)
    context = Context(task_definition, controller, bounds)
    subjects = [Subject(draft, build(draft, names.get(draft.name, ""), bounds)) for draft in shared]
    problems = (
        *reading.problems,
        *(port for port in ports.values() if isinstance(port, Problem)),
        *disagreements,
        *(problem for subject in subjects for problem in route_rules.problems_of(subject, context)),
        *set_rules.problems_among(subjects, context),
    )
    if problems:
        return Refused(_in_order(problems))
    return Declaration(tuple(subject.route for subject in subjects), found.removed)


def _share(routes: tuple[Draft, ...], ports: dict[str, str]) -> tuple[tuple[Draft, ...], tuple[Problem, ...]]:
    """What is one Lattice service's, and what is one port's on it, is said once and holds for all its routes."""

    def service(draft: Draft) -> object:
        return draft.value("service") or ("unknown", draft.name)

    def port(draft: Draft) -> tuple[object, object]:
        return service(draft), ports.get(draft.name, ("unknown", draft.name))

    of_services, service_problems = share(routes, service, "service")
    of_ports, port_problems = share(of_services, port, "port")
    return of_ports, (*service_problems, *port_problems)


def _in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sorted, and said once where several routes inherit one mistake."""
    said = {(problem.code, problem.key, problem.value, problem.where, problem.message): problem for problem in problems}
    return tuple(said[key] for key in sorted(said))
