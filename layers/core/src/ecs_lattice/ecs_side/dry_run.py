"""What a reconcile of an ECS service would do, as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ecs_lattice.claims import Claim, Notice
from ecs_lattice.ecs_side.targets import Change
from ecs_lattice.ecs_side.update_outcome import AttachDecision
from ecs_lattice.ingress.model import IngressRequirement
from ecs_lattice.model import Route, ServiceId
from ecs_lattice.outcome import Problem


@dataclass(frozen=True, slots=True)
class EcsPlan:
    """The plan for one ECS service. Printing it is the dry run.

    ``effective`` is the revision that routing follows (``family:revision``), ``source`` is how it is known. ``claims``
    are those that would be written because they differ, ``deletes`` the routes whose claims would be deleted.
    ``attach`` is the decision about the list, ``changes`` what the controller would register and deregister.
    ``openings`` are the rules that would be added to security groups, ``notices`` those of the routes' last answers, by
    ``<Lattice service>/<route>``.
    """

    service: ServiceId
    effective: str | None = None
    source: str = ""
    routes: tuple[Route, ...] = ()
    problems: tuple[Problem, ...] = ()
    claims: tuple[Claim, ...] = ()
    deletes: tuple[str, ...] = ()
    attach: AttachDecision = field(default_factory=lambda: AttachDecision("no_change"))
    changes: tuple[Change, ...] = ()
    openings: tuple[IngressRequirement, ...] = ()
    notices: Mapping[str, tuple[Notice, ...]] = field(default_factory=dict)
