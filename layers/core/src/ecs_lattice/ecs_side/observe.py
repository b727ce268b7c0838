"""Everything that one reconcile reads before it decides: the service, its revisions, the registry, tags of unknown
groups."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ecs_lattice import ports
from ecs_lattice.claims import OWN_GROUP_UNUSABLE, ClaimRecord
from ecs_lattice.declaration import Bounds, declare, dropped_default_route, rolling_conflicts
from ecs_lattice.ecs_side import effective_revision, first_deployment, gateway
from ecs_lattice.ecs_side import record as records
from ecs_lattice.ecs_side.claiming import (
    claimed_since,
    is_over,
    limited,
    listed_by_port,
    route_key,
    withheld,
    without_network,
)
from ecs_lattice.ecs_side.lattice_targets import Targets
from ecs_lattice.ecs_side.observation import Observation, Presence, Revision
from ecs_lattice.ecs_side.owners import read_owner
from ecs_lattice.ecs_side.record import OURS, EcsRecord, Owner
from ecs_lattice.facts import EcsService, Subnets
from ecs_lattice.model import Declaration, ServiceId
from ecs_lattice.outcome import Problem, Refused
from ecs_lattice.settings import Settings
from ecs_lattice.stack_state import is_complete, is_uninstalling

_LIMITS = {"TOO_MANY_NETWORKS", "NETWORK_MISSING"}
"""Why a new route makes no claim, though one that was live may stay so."""


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
        uninstalls = is_uninstalling(self.registry)
        is_known, is_served = stored is not None or bool(claims), not uninstalls and self._serves(service_id.cluster)
        if not (is_known or is_served):
            return None
        observed = self._begin(service_id, stored, claims, uninstalls=uninstalls)
        if is_served and observed.presence == "active":
            observed = self._declared(observed)
        observed = self._with_owners(observed)
        if not any((is_known, observed.routes != (), observed.named)):
            return None
        return self._with_claims(self._with_revisions(self._undeclared(observed)))

    def _serves(self, cluster: str) -> bool:
        return not self.settings.clusters or any(fnmatchcase(cluster, pattern) for pattern in self.settings.clusters)

    def _begin(
        self, service_id: ServiceId, stored: EcsRecord | None, claims: tuple[ClaimRecord, ...], *, uninstalls: bool
    ) -> Observation:
        now, service = self.now(), self.ecs.service(service_id)
        record = records.for_service(stored, service_id, service, now)
        record, shifts = self._governed(record, service, _own_groups(record, claims))
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
            shifts_traffic=shifts,
            uninstalls=uninstalls,
        )

    def _governed(self, record: EcsRecord, service: EcsService | None, groups: set[str]) -> tuple[EcsRecord, bool]:
        """The record, and whether ECS shifts the traffic of the service's own ``groups``."""
        is_progressive = service is not None and service.strategy != "ROLLING" and bool(groups)
        if service is None or not (is_progressive or record.governed or service.shifts_traffic(groups)):
            return record, False
        from ecs_lattice.ecs_side import governed  # noqa: PLC0415 (most services never need it)

        return governed.followed(record, service, groups, self.ecs)

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
        if not (revision.declaration.routes or revision.problems):
            return dataclasses.replace(observed, record=dataclasses.replace(record, subnets=None))
        return self._asking(observed, service, revision)

    def _undeclared(self, observed: Observation) -> Observation:
        """``observed``; if it neither declares nor claims anything and its list names groups of ours all the same, so that its
        security groups follow its deployments. Until a lost registry is rebuilt, nothing else of it changes."""
        service, asks = observed.service, observed.routes != () or observed.claims
        if asks or service is None or observed.presence != "active" or not observed.named:
            return observed
        record = dataclasses.replace(observed.record, subnets=self._subnets(observed, service))
        may_change = observed.uninstalls or is_complete(self.registry)
        return dataclasses.replace(observed, record=record, routes=() if may_change else None)

    def _asking(self, observed: Observation, service: EcsService, revision: Revision) -> Observation:
        """``observed`` with the routes of a declaration that has some or is wrong."""
        routes, too_many = limited(revision.declaration.routes, observed.claims, self.settings)
        if too_many and self._may_have_forgotten(observed):
            routes = revision.declaration.routes
        live, prefix = {key[1] for key, found in observed.claims.items() if _is_live(found)}, self.settings.label_prefix
        if not (problems := revision.problems):
            dropped = dropped_default_route(live, revision.declaration, label_prefix=prefix) if live else None
            refusals = filter(None, [dropped, None if routes else too_many])
            is_governed, definition = observed.shifts_traffic, revision.task_definition
            problems = (*effective_revision.unsupported(service, definition, is_governed=is_governed), *refusals)
        if problems:
            return dataclasses.replace(observed, routes=None, problems=problems)
        if observed.record.effective is None:  # none has completed
            return dataclasses.replace(observed, routes=None, waiting=routes)
        record = dataclasses.replace(observed.record, subnets=self._subnets(observed, service))
        return dataclasses.replace(observed, record=record, routes=routes, warnings=tuple(filter(None, [too_many])))

    def _may_have_forgotten(self, observed: Observation) -> bool:
        """Whether the registry may lack claims of this service that were live: it has not seen a whole resync yet, and tasks
        are attached. No limit for what is new applies then."""
        return bool(observed.listed) and not is_complete(self.registry)

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
        if not any((observed.routes, observed.standing, observed.named)):
            return observed
        revisions = dict(observed.revisions)
        for deployment in service.deployments:
            arn = deployment.task_definition
            if deployment.status != "INACTIVE" and arn not in revisions:
                revisions[arn] = self._revision(arn, service, observed)
        warnings = self._conflicts(observed, revisions) if len(revisions) > 1 else ()
        record, warnings = gateway.followed(observed.record, service, self.ecs), (*observed.warnings, *warnings)
        return dataclasses.replace(observed, revisions=revisions, record=record, warnings=warnings)

    def _conflicts(self, observed: Observation, revisions: Mapping[str, Revision]) -> tuple[Problem, ...]:
        """How the revision of PRIMARY conflicts with the effective one while it rolls."""
        if not (observed.routes and observed.revision and observed.primary):
            return ()
        before, after = observed.revision.declaration, revisions[observed.primary.task_definition].declaration
        return rolling_conflicts(before, after, label_prefix=self.settings.label_prefix)

    def _with_owners(self, observed: Observation) -> Observation:
        """``observed`` with the owner of every listed group that no claim explains, by its tags, each read once. What
        is unknown is not remembered."""
        records = observed.claims.values()
        answered = (record.answer.group_arn for record in records if record.claim.own_group is None)
        claimed = frozenset(filter(None, answered))
        observed = dataclasses.replace(observed, claimed=claimed, ours=claimed)
        groups = sorted(observed.listed - claimed)
        return self._with_owners_of(observed, groups) if groups or observed.record.owners else observed

    def _with_owners_of(self, observed: Observation, groups: list[str]) -> Observation:
        known, stack = observed.record.owners, self.settings.owner
        settled = set(groups) - _unusable(observed)
        owners = {group: owner for group, owner in known.items() if owner.is_lasting and group in settled}
        for group in groups:
            if group not in owners:
                owners[group] = read_owner(self.targets, stack, observed.service_id, group)
        lasting = {group: owner for group, owner in owners.items() if owner.is_lasting}
        return dataclasses.replace(
            observed,
            record=dataclasses.replace(observed.record, owners=lasting),
            owners=owners,
            listed_by_port=listed_by_port(observed.completed or observed.primary, owners),
            ours=observed.ours | _ours(owners, observed.record),
        )

    def _with_claims(self, observed: Observation) -> Observation:
        """``observed`` with what decides about each route's claim: whether it makes one, and since when."""
        if observed.waiting:
            return self._waiting(observed)
        routes, now, created_at = observed.routes or (), observed.now, observed.record.created_at
        records, grace = tuple(observed.claims.values()), self.settings.grace_seconds
        times = {route_key(route): claimed_since(route, records, created_at, now, grace) for route in routes}
        # Without its marker the registry is new or was lost, and only ECS's time is known.
        is_new = None in times.values() and not is_complete(self.registry)
        begins = created_at if is_new else now
        kept = without_network(routes, self.registry.claims_on, self.settings)
        kept |= withheld(routes, observed.listed_by_port, self.settings)
        is_known = not kept or not self._may_have_forgotten(observed)
        return dataclasses.replace(
            observed,
            withheld={key: problem for key, problem in kept.items() if problem.code not in _LIMITS or is_known},
            claimed_at={key: begins if since is None else since for key, since in times.items()},
        )

    def _waiting(self, observed: Observation) -> Observation:
        """``observed`` with why its routes wait for a first deployment: by the tasks of ECS that have failed."""
        service = observed.service
        assert service is not None  # a service that does not exist declares nothing
        tasks = self.ecs.tasks(service.id)
        problem = first_deployment.waiting(service, tasks)
        missing = without_network(observed.waiting, self.registry.claims_on, self.settings)
        return dataclasses.replace(
            observed,
            withheld={route_key(route): problem for route in observed.waiting} | missing,
            failing=first_deployment.failing(service, tasks, problem, observed.now),
        )


def _unusable(observed: Observation) -> set[str | None]:
    """The groups that Lattice cannot use: whether they are still there is read again."""
    records = observed.claims.values()
    return {record.claim.own_group for record in records if record.answer.code == OWN_GROUP_UNUSABLE}


def _ours(owners: Mapping[str, Owner], record: EcsRecord) -> set[str]:
    """The groups that are ours, and those that were until they were deleted: the record knows that we attached them."""
    was_ours = {group for group, owner in owners.items() if owner.kind == "gone" and group in record.attached}
    return was_ours | {group for group, owner in owners.items() if owner == OURS}


def _own_groups(record: EcsRecord, claims: tuple[ClaimRecord, ...]) -> set[str]:
    """The target groups of the claims, whoever created them, and those that are the service's by their tags."""
    tagged = {arn for arn, owner in record.owners.items() if owner == OURS}
    return tagged | {arn for found in claims if (arn := found.claim.own_group or found.answer.group_arn)}


def _is_live(record: ClaimRecord) -> bool:
    return record.answer.state == "Live" and record.claim.phase == "declared"
