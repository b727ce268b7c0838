"""Has VPC Lattice let in to the tasks of an ECS service: the first step of a reconcile, before anything is made."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from ecs_lattice import ports
from ecs_lattice.declaration import Bounds, declare
from ecs_lattice.ecs_side.look import View
from ecs_lattice.ecs_side.record import EcsRecord, Ingressed
from ecs_lattice.ecs_side.wanting import Revisions, RouteKey, Wanted, wanted
from ecs_lattice.errors import DeniedError
from ecs_lattice.facts import EcsService, TaskDefinition
from ecs_lattice.ingress import problems
from ecs_lattice.ingress.model import Need
from ecs_lattice.ingress.opening import Ingress
from ecs_lattice.ingress.routes import RouteIngress
from ecs_lattice.model import Declaration, Route
from ecs_lattice.outcome import Problem
from ecs_lattice.settings import Settings


@dataclass(frozen=True, slots=True)
class Admitted:
    """``closed``: by route, why the tasks of PRIMARY cannot be reached for it. ``problems``: all that is closed;
    ``notices`` stop nothing. ``is_verified``: whether EC2 was asked just now."""

    closed: tuple[tuple[RouteKey, Problem], ...] = ()
    problems: tuple[Problem, ...] = ()
    notices: tuple[Problem, ...] = ()
    is_verified: bool = True


@dataclass(frozen=True, slots=True)
class Admitter:
    """``save`` stores the record; it is called before needs are written, and with what came of it."""

    settings: Settings
    ecs: ports.Ecs
    ingress: Ingress

    def admit(self, view: View, save: Callable[[EcsRecord], None], *, verify: bool) -> tuple[View, Admitted]:
        """Open what is wanted and not known to be open, take back what is not wanted any more; the view with what is
        remembered of it. ``verify``: ask EC2 also when nothing has changed."""
        known = view.record.ingress
        asked = wanted(view, self._revisions(view), self.settings)
        if asked is None:
            return view, Admitted(problems=_distinct(known), notices=known.notices, is_verified=False)
        is_known = (known.wants, known.off) == (asked.wants, asked.off)
        is_quiet = not known.closed and not any(one.code == "INGRESS_OFF" for one in known.notices)
        if is_known and is_quiet and not (verify and (asked.wants or asked.off)):
            return view, Admitted(notices=known.notices, is_verified=not (asked.wants or asked.off))
        done = self._settled(view, asked, save)
        view = dataclasses.replace(view, record=dataclasses.replace(view.record, ingress=done))
        return view, _admitted(asked, done)

    def preview(self, view: View) -> tuple[tuple[Need, ...], Admitted]:
        """The rules that :meth:`admit` would add now, and what is known to be closed; writes nothing."""
        known = view.record.ingress
        asked = wanted(view, self._revisions(view), self.settings)
        if asked is None:
            return (), Admitted(problems=_distinct(known), notices=known.notices)
        routes = RouteIngress(self.ingress)
        needer = view.service_id.arn
        try:
            openings = routes.preview(needer, routes.resolved(asked.wants)) if asked.wants else ()
            notices = routes.closed(needer, routes.resolved(asked.off)) if asked.off else ()
        except DeniedError as error:
            return (), Admitted(problems=(problems.denied(_group_ids(asked), error),))
        return openings, dataclasses.replace(_admitted(asked, known), notices=notices)

    def _settled(self, view: View, asked: Wanted, save: Callable[[EcsRecord], None]) -> Ingressed:
        known, needer = view.record.ingress, view.service_id.arn
        routes, group_ids = RouteIngress(self.ingress), known.group_ids
        try:
            wants, off = routes.resolved(asked.wants), routes.resolved(asked.off)
            group_ids = tuple(sorted({*group_ids, *(one for want in wants for one in want.group_ids)}))
            # A need that a crash leaves behind must be known: nobody else takes it back.
            save(dataclasses.replace(view.record, ingress=dataclasses.replace(known, group_ids=group_ids)))
            answer = routes.open(needer, wants, group_ids, f"VPC Lattice to ECS service {view.service_id}")
            notices = answer.notices + (routes.closed(needer, off) if off else ())
        except DeniedError as error:
            problem = problems.denied(_group_ids(asked), error)
            return Ingressed(asked.wants, asked.off, group_ids, tuple((want, problem) for want in asked.wants))
        shut = dict(answer.closed)
        closed = tuple((want, shut[it]) for want, it in zip(asked.wants, wants, strict=True) if it in shut)
        return Ingressed(asked.wants, asked.off, answer.group_ids, closed, notices)

    def _revisions(self, view: View) -> Revisions:
        bounds = Bounds.of(self.settings)

        def revision(arn: str) -> TaskDefinition:
            return view.revision if view.revision and view.revision.arn == arn else self.ecs.task_definition(arn)

        def routes(revision: TaskDefinition, service: EcsService) -> tuple[Route, ...]:
            said = declare(revision, service.tags, service.controller, bounds)
            return said.routes if isinstance(said, Declaration) else ()

        return Revisions(revision, routes)


def _admitted(asked: Wanted, known: Ingressed) -> Admitted:
    shut = dict(known.closed)
    closed = {key: shut[want] for key, want in reversed(asked.primary) if want in shut}
    return Admitted(tuple(sorted(closed.items())), _distinct(known), known.notices)


def _distinct(known: Ingressed) -> tuple[Problem, ...]:
    return tuple(dict.fromkeys(problem for _, problem in known.closed))


def _group_ids(asked: Wanted) -> tuple[str, ...]:
    ids = {one for want in (*asked.wants, *asked.off) for one in (want.group_ids or (f"default of {want.vpc_id}",))}
    return tuple(sorted(ids))
