"""What one reconcile has read about an ECS service, as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ecs_lattice.claims import ClaimRecord, Notice
from ecs_lattice.ecs_side.claiming import RouteKey
from ecs_lattice.ecs_side.effective_revision import Effective
from ecs_lattice.ecs_side.record import EcsRecord, Owner
from ecs_lattice.facts import Deployment, EcsService, TaskDefinition
from ecs_lattice.model import Declaration, Route, ServiceId
from ecs_lattice.outcome import Problem

Presence = Literal["active", "not_found", "deleted"]
"""``not_found``: ECS does not know the service. ``deleted``: it is DRAINING or INACTIVE."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A task definition and what it declares, with the tags of the service. ``problems``: why that is refused."""

    task_definition: TaskDefinition
    declaration: Declaration
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Observation:
    """What was read about one ECS service.

    ``stored`` is the record in the registry (None: there is none), ``record`` the one to continue with. ``claims`` are
    those in the registry; ``standing`` are the routes of those that are not over. ``completed`` is the newest completed
    deployment that is listed. ``revision`` is the effective one; ``revisions``, by task-definition ARN, also has those
    of all listed deployments if the service asks for something. ``routes`` None: the declaration changes nothing, because
    it is refused (``problems``) or because no deployment has ever completed; its routes are ``waiting`` then. ``withheld``:
    routes that make no claim, and why; ``failing``: that the first deployment does not come to anything. ``claimed_at``:
    since when the others claim their matches, where that is not now.
    ``warnings`` do not block the declaration. ``shifts_traffic``: ECS shifts the service's traffic itself.
    ``uninstalls``: the stack is being uninstalled, so nothing is declared and no grace time applies.

    Target-group ARNs: ``listed`` by any deployment; ``claimed``: created by the Lattice side for these claims;
    ``ours``: all that this stack has created for this service. ``owners``: of the listed groups that no claim explains;
    ``listed_by_port``: those that are not ours, by the ports of the completed deployment, else of PRIMARY.
    """

    service_id: ServiceId
    now: float
    stored: EcsRecord | None
    record: EcsRecord
    claims: Mapping[RouteKey, ClaimRecord]
    standing: tuple[Route, ...]
    service: EcsService | None
    presence: Presence
    primary: Deployment | None
    completed: Deployment | None
    listed: frozenset[str]
    shifts_traffic: bool
    uninstalls: bool
    effective: Effective | None = None
    revision: Revision | None = None
    revisions: Mapping[str, Revision] = field(default_factory=dict)
    routes: tuple[Route, ...] | None = ()
    waiting: tuple[Route, ...] = ()
    withheld: Mapping[RouteKey, Problem] = field(default_factory=dict)
    claimed_at: Mapping[RouteKey, float] = field(default_factory=dict)
    failing: Notice | None = None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    owners: Mapping[str, Owner] = field(default_factory=dict)
    listed_by_port: Mapping[str, tuple[str, Owner]] = field(default_factory=dict)
    claimed: frozenset[str] = frozenset()
    ours: frozenset[str] = frozenset()

    @property
    def gone(self) -> list[str]:
        """The listed groups that do not exist any more."""
        return [group for group, owner in self.owners.items() if owner.kind == "gone"]

    @property
    def named(self) -> frozenset[str]:
        """The groups of ours that a listed deployment names."""
        return self.listed & self.ours
