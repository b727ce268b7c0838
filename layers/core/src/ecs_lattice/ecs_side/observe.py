"""Everything that one reconcile reads before it decides: the service, its revisions, the registry, tags of unknown
groups."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from ecs_lattice import ownership, ports
from ecs_lattice.claims import ClaimRecord
from ecs_lattice.declaration import Bounds, declare, dropped_default_route, rolling_conflicts
from ecs_lattice.ecs_side import effective_revision
from ecs_lattice.ecs_side import record as records
from ecs_lattice.ecs_side.effective_revision import Effective
from ecs_lattice.ecs_side.lattice_targets import Targets
from ecs_lattice.ecs_side.record import OURS, EcsRecord, Owner
from ecs_lattice.facts import Deployment, EcsService, Subnets, TaskDefinition
from ecs_lattice.model import Declaration, Route, ServiceId
from ecs_lattice.outcome import Problem, Refused
from ecs_lattice.settings import Settings
from ecs_lattice.uninstall_state import UNINSTALL

Presence = Literal["active", "not_found", "deleted"]
"""``not_found``: ECS does not know the service. ``deleted``: it is DRAINING or INACTIVE."""
type RouteKey = tuple[str, str]
"""Lattice service and route name: unique among the claims of one ECS service."""


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
    of all listed deployments if the service asks for something. ``routes`` None: the declaration is refused because of
    ``problems`` and changes nothing. ``warnings`` do not block it. ``shifts_traffic``: ECS shifts the service's traffic
    itself. ``uninstalls``: the stack is being uninstalled, so nothing is declared and no grace time applies.

    Target-group ARNs: ``listed`` by any deployment; ``claimed``: created by the Lattice side for these claims;
    ``ours``: all that this stack has created for this service.
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
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    claimed: frozenset[str] = frozenset()
    ours: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Observer:
    """Reads; writes nothing."""

    settings: Settings
    ecs: ports.Ecs
    targets: Targets
    registry: ports.Registry
    now: ports.Now

    def observe(self, service_id: ServiceId) -> Observation | None:
        """The observation of ``service_id``; None if the stack does not serve it, or it declares nothing and never
        has."""
        if not service_id.is_long:
            return None
        stored, claims = records.read(self.registry, service_id), self.registry.claims_of(service_id)
        uninstalls = self.registry.document("stack", UNINSTALL) is not None
        is_known, is_served = stored is not None or bool(claims), not uninstalls and self._serves(service_id.cluster)
        if not (is_known or is_served):
            return None
        observed = self._begin(service_id, stored, claims, uninstalls=uninstalls)
        if is_served and observed.presence == "active":
            observed = self._declared(observed)
        if not is_known and observed.routes == ():
            return None
        return self._with_owners(self._with_revisions(observed))

    def _serves(self, cluster: str) -> bool:
        return not self.settings.clusters or any(fnmatchcase(cluster, pattern) for pattern in self.settings.clusters)

    def _begin(
        self, service_id: ServiceId, stored: EcsRecord | None, claims: tuple[ClaimRecord, ...], *, uninstalls: bool
    ) -> Observation:
        now, service = self.now(), self.ecs.service(service_id)
        record = records.for_service(stored, service_id, service, now)
        absences: tuple[Presence, ...] = ("not_found", "deleted")
        return Observation(
            service_id=service_id,
            now=now,
            stored=stored,
            record=record,
            claims={(found.claim.route.lattice_service, found.claim.route.name): found for found in claims},
            standing=tuple(found.claim.route for found in claims if not is_over(found)),
            service=service,
            presence=next((absence for absence in absences if absence in record.timers), "active"),
            primary=service.primary if service else None,
            completed=effective_revision.newest_completed(service) if service else None,
            listed=service.listed_groups if service else frozenset(),
            shifts_traffic=service is not None and service.shifts_traffic,
            uninstalls=uninstalls,
        )

    def _declared(self, observed: Observation) -> Observation:
        """``observed`` with the effective revision and its routes."""
        service, stored = observed.service, observed.record.effective
        assert service is not None  # presence is "active"
        known, newest = stored.arn if stored else None, self.ecs.newest_successful_revision
        effective = effective_revision.choose(service, observed.completed, known, newest)
        if effective is None:
            return observed
        revision = self._revision(effective.task_definition, service, observed)
        is_proven = effective.source != "primary"
        record = dataclasses.replace(observed.record, effective=revision.task_definition if is_proven else None)
        revisions = {effective.task_definition: revision}
        observed = dataclasses.replace(
            observed, effective=effective, revision=revision, revisions=revisions, record=record
        )
        routes, problems = revision.declaration.routes, revision.problems
        if routes:
            live, prefix = (
                {key[1] for key, found in observed.claims.items() if _is_live(found)},
                self.settings.label_prefix,
            )
            dropped = dropped_default_route(live, revision.declaration, label_prefix=prefix) if live else None
            problems = (*effective_revision.unsupported(service, revision.task_definition), *filter(None, [dropped]))
        if problems:
            return dataclasses.replace(observed, routes=None, problems=problems)
        record = dataclasses.replace(record, subnets=self._subnets(observed, service) if routes else None)
        return dataclasses.replace(observed, record=record, routes=routes)

    def _revision(self, arn: str, service: EcsService, observed: Observation) -> Revision:
        """The revision ``arn``. Revisions never change: the stored one is used even after ECS has deleted it."""
        stored, bounds = observed.record.effective, Bounds.of(self.settings)
        task_definition = stored if stored and stored.arn == arn else self.ecs.task_definition(arn)
        declared = declare(task_definition, service.tags, service.controller, bounds, observed.standing)
        if isinstance(declared, Refused):
            return Revision(task_definition, Declaration(), declared.problems)
        return Revision(task_definition, declared)

    def _subnets(self, observed: Observation, service: EcsService) -> Subnets:
        """The subnets of the completed deployment: a release into another VPC moves its routes once it has
        completed, not before. While no completed deployment is listed, those of the last one stay."""
        record, completed = observed.record, observed.completed
        if completed is None and record.subnets and record.effective:
            return record.subnets
        subnet_ids = (completed.subnets if completed else ()) or service.subnets
        if record.subnets and sorted(record.subnets.subnet_ids) == sorted(subnet_ids):
            return record.subnets
        return self.ecs.subnets(subnet_ids)

    def _with_revisions(self, observed: Observation) -> Observation:
        """``observed`` with the revisions of all listed deployments."""
        service = observed.service
        if service is None or observed.presence != "active" or observed.shifts_traffic:
            return observed
        if not (observed.routes or observed.standing):
            return observed
        revisions = dict(observed.revisions)
        for deployment in service.deployments:
            arn = deployment.task_definition
            if deployment.status != "INACTIVE" and arn not in revisions:
                revisions[arn] = self._revision(arn, service, observed)
        warnings = self._conflicts(observed, revisions) if len(revisions) > 1 else ()
        return dataclasses.replace(observed, revisions=revisions, warnings=warnings)

    def _conflicts(self, observed: Observation, revisions: Mapping[str, Revision]) -> tuple[Problem, ...]:
        """How the revision of PRIMARY conflicts with the effective one while it rolls."""
        if not (observed.routes and observed.revision and observed.primary):
            return ()
        before, after = observed.revision.declaration, revisions[observed.primary.task_definition].declaration
        return rolling_conflicts(before, after, label_prefix=self.settings.label_prefix)

    def _with_owners(self, observed: Observation) -> Observation:
        """``observed`` with the owner of every listed group that no claim explains, by its tags, each read once."""
        claims, known = observed.claims.values(), observed.record.owners
        answered = (record.answer.group_arn for record in claims if record.claim.own_group is None)
        claimed = frozenset(group for group in answered if group)
        owners = {
            group: known.get(group) or self._owner(observed.service_id, group)
            for group in sorted(observed.listed - claimed)
        }
        return dataclasses.replace(
            observed,
            record=dataclasses.replace(observed.record, owners=owners),
            claimed=claimed,
            ours=claimed | {group for group, owner in owners.items() if owner == OURS},
        )

    def _owner(self, service: ServiceId, group_arn: str) -> Owner:
        tags = self.targets.tags(group_arn)
        stack = tags.get(ownership.OWNER)
        if not stack:
            return Owner("unowned")
        if stack != self.settings.owner:
            return Owner("other_stack", stack)
        is_ours = (tags.get(ownership.CLUSTER), tags.get(ownership.SERVICE)) == (service.cluster, service.name)
        return OURS if is_ours else Owner("other_service")


def is_over(record: ClaimRecord) -> bool:
    """Whether the Lattice side has answered this very claim that nothing of it is left."""
    return record.claim.phase != "declared" and record.answer.state == "Removed" and not record.is_unapplied


def _is_live(record: ClaimRecord) -> bool:
    return record.answer.state == "Live" and record.claim.phase == "declared"
