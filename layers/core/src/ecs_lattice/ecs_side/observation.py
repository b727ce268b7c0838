"""What one reconcile has read about an ECS service, as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ecs_lattice.claims import ClaimRecord
from ecs_lattice.ecs_side.claiming import RouteKey
from ecs_lattice.ecs_side.effective_revision import Effective
from ecs_lattice.ecs_side.record import OURS, EcsRecord, Owner
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
    routes that make no claim, and why. ``claimed_at``: since when the others claim their matches, where that is not now.
    ``warnings`` do not block the declaration. ``shifts_traffic``: ECS shifts the service's traffic itself.
    ``uninstalls``: the stack is being uninstalled, so nothing is declared and no grace time applies.

    Target-group ARNs: ``listed`` by any deployment; ``claimed``: created by the Lattice side for these claims;
    ``ours``: all that this stack has created for this service. ``owners``: of the listed groups that no claim explains.
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
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    owners: Mapping[str, Owner] = field(default_factory=dict)
    claimed: frozenset[str] = frozenset()
    ours: frozenset[str] = frozenset()

    @property
    def listed_by_port(self) -> dict[str, tuple[str, Owner]]:
        """By port name, the group that the completed deployment lists, else PRIMARY, with its owner: the first that no
        claim explains, that is not ours, and whose traffic ECS does not shift."""
        source = self.completed or self.primary
        by_port: dict[str, tuple[str, Owner]] = {}
        for entry in source.entries if source and self.owners else ():
            owner = self.owners.get(entry.group_arn, OURS)
            if owner != OURS and not entry.advanced:
                by_port.setdefault(entry.port_name, (entry.group_arn, owner))
        return by_port


def is_over(record: ClaimRecord) -> bool:
    """Whether the Lattice side has answered this very claim that nothing of it is left."""
    return record.claim.phase != "declared" and record.answer.state == "Removed" and not record.is_unapplied
