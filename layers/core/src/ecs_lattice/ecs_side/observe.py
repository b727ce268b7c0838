"""Everything one reconcile reads before it decides: ECS once, the registry once, tags of groups that nobody explains."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ecs_lattice import ownership, ports
from ecs_lattice.claims import ClaimRecord
from ecs_lattice.declaration import Bounds, declare, dropped_default_route, rolling_conflicts
from ecs_lattice.ecs_side import effective_revision
from ecs_lattice.ecs_side import record as records
from ecs_lattice.ecs_side.claims import Presence
from ecs_lattice.ecs_side.effective_revision import Effective
from ecs_lattice.ecs_side.lattice_targets import Targets
from ecs_lattice.ecs_side.record import EcsRecord
from ecs_lattice.facts import EcsService, Subnets, TaskDefinition
from ecs_lattice.model import Declaration, Route, ServiceId
from ecs_lattice.outcome import Problem, Refused
from ecs_lattice.settings import Settings
from ecs_lattice.uninstall_state import UNINSTALL

OURS, NOBODYS = "ours", "nobody's"


@dataclass(frozen=True, slots=True)
class Observation:
    """What was read of one ECS service.

    ``stored`` is the record as it stands (None: there is none), ``record`` the one to go on with: that of this very
    service (not of a predecessor of the same name), with what was read now. ``routes`` None: the declaration is refused
    for ``problems`` and changes nothing. ``warnings`` stop nothing. ``since``: when ``presence`` began. ``uninstalls``: the
    stack is being uninstalled, so that nothing is declared any more and no grace time is waited for.
    """

    service_id: ServiceId
    now: float
    stored: EcsRecord | None
    record: EcsRecord
    claims: tuple[ClaimRecord, ...]
    service: EcsService | None
    presence: Presence
    since: float
    effective: Effective | None = None
    revision: TaskDefinition | None = None
    routes: tuple[Route, ...] | None = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    uninstalls: bool = False


@dataclass(frozen=True, slots=True)
class Observer:
    """Reads; writes nothing."""

    settings: Settings
    ecs: ports.Ecs
    targets: Targets
    registry: ports.Registry
    now: Callable[[], float]

    def look(self, service_id: ServiceId) -> Observation | None:
        """The view of ``service_id``; None when it is not for this stack or neither asks nor asked for anything."""
        if not service_id.is_long:
            return None
        stored, claims = records.read(self.registry, service_id), self.registry.claims_of(service_id)
        uninstalls = self.registry.document("stack", UNINSTALL) is not None
        is_known, is_heard = stored is not None or bool(claims), self._hears(service_id) and not uninstalls
        if not is_known and not is_heard:
            return None
        service = self.ecs.service(service_id)
        if not is_known and (service is None or service.is_deleted):
            return None
        view = dataclasses.replace(self._begin(service_id, stored, claims, service), uninstalls=uninstalls)
        if is_heard and view.presence == "active":
            view = self._declared(view)
        if not is_known and view.routes == ():
            return None
        return self._with_foreign(view)

    def _hears(self, service: ServiceId) -> bool:
        return not self.settings.clusters or any(fnmatchcase(service.cluster, one) for one in self.settings.clusters)

    def _begin(
        self,
        service_id: ServiceId,
        stored: EcsRecord | None,
        claims: tuple[ClaimRecord, ...],
        service: EcsService | None,
    ) -> Observation:
        now = self.now()
        record = stored or EcsRecord(service_id.arn, service.created_at if service else 0.0)
        if service and record.created_at != service.created_at:
            # A service of the same name made anew: nothing but what is written elsewhere holds for it.
            record = EcsRecord(
                service_id.arn,
                service.created_at,
                registered=record.registered,
                holds_slot=record.holds_slot,
                foreign=record.foreign,
                ingress=records.IngressState(group_ids=record.ingress.group_ids),
            )
        presence: Presence = "active"
        if service is None:
            presence = "not_found" if record.clock("deleted") is None else "deleted"
        elif service.is_deleted:
            presence = "deleted"
        since = record.clock(presence) or now
        clocks = [(name, at) for name, at in record.clocks if name not in {"not_found", "deleted"}]
        if presence != "active":
            clocks.append((presence, since))
        record = dataclasses.replace(record, clocks=records.with_clocks(clocks))
        return Observation(service_id, now, stored, record, claims, service, presence, since)

    def _declared(self, view: Observation) -> Observation:
        service = view.service
        assert service is not None  # presence is "active"
        chosen = effective_revision.choose(
            service,
            view.record.effective.arn if view.record.effective else None,
            lambda: self.ecs.newest_successful_revision(service.id),
        )
        if chosen is None:
            return view
        revision = self._revision(chosen.task_definition, view.record)
        said = self._declare(revision, service)
        record = dataclasses.replace(view.record, effective=revision if chosen.is_proven else None)
        view = dataclasses.replace(view, effective=chosen, revision=revision, record=record)
        problems = said.problems if isinstance(said, Refused) else ()
        if isinstance(said, Declaration) and said.routes:
            problems = effective_revision.problems(service, revision) + self._lost(view, said)
        if problems or isinstance(said, Refused):
            return dataclasses.replace(view, routes=None, problems=problems)
        subnets = self._subnets(service, view.record) if said.routes else None
        record = dataclasses.replace(view.record, subnets=subnets)
        warnings = self._holds_back(said, revision, service) if said.routes else ()
        return dataclasses.replace(view, record=record, routes=said.routes, warnings=warnings)

    def _revision(self, arn: str, record: EcsRecord) -> TaskDefinition:
        """Revisions never change: what was read once of the effective one is kept, also when ECS has deleted it."""
        return record.effective if record.effective and record.effective.arn == arn else self.ecs.task_definition(arn)

    def _declare(self, revision: TaskDefinition, service: EcsService) -> Declaration | Refused:
        return declare(revision, service.tags, service.controller, Bounds.of(self.settings))

    def _lost(self, view: Observation, declaration: Declaration) -> tuple[Problem, ...]:
        live = {
            one.claim.route.name for one in view.claims if one.answer.state == "Live" and one.claim.phase == "declared"
        }
        problem = dropped_default_route(live, declaration, label_prefix=self.settings.label_prefix)
        return (problem,) if problem else ()

    def _holds_back(self, said: Declaration, revision: TaskDefinition, service: EcsService) -> tuple[Problem, ...]:
        primary = service.primary
        if primary is None or primary.task_definition == revision.arn:
            return ()
        coming = self._declare(self.ecs.task_definition(primary.task_definition), service)
        if isinstance(coming, Refused):
            return ()
        return rolling_conflicts(said, coming, label_prefix=self.settings.label_prefix)

    def _subnets(self, service: EcsService, record: EcsRecord) -> Subnets:
        """Where the completed deployment's tasks are: a release into another VPC takes its routes along once it has
        completed, not before; what was read of the last completed one stands while none is listed."""
        completed = effective_revision.newest_completed(service)
        if completed is None and record.subnets and record.effective:
            return record.subnets
        wanted = (completed.subnets if completed else ()) or service.subnets
        if record.subnets and sorted(record.subnets.subnet_ids) == sorted(wanted):
            return record.subnets
        return self.ecs.subnets(wanted)

    def _with_foreign(self, view: Observation) -> Observation:
        """Say of every listed group that no claim explains whose it is; by its tags, once."""
        listed = {
            entry.group_arn for one in (view.service.deployments if view.service else ()) for entry in one.entries
        }
        explained = explained_groups(view)
        known = dict(view.record.foreign)
        whose = {group: known.get(group) or self._whose(view.service_id, group) for group in sorted(listed - explained)}
        return dataclasses.replace(view, record=dataclasses.replace(view.record, foreign=tuple(sorted(whose.items()))))

    def _whose(self, service: ServiceId, group_arn: str) -> str:
        tags = self.targets.tags(group_arn)
        owner = tags.get(ownership.OWNER)
        if owner == self.settings.owner:
            mine = (tags.get(ownership.CLUSTER), tags.get(ownership.SERVICE)) == (service.cluster, service.name)
            return OURS if mine else NOBODYS
        return f"stack {owner}" if owner else NOBODYS


def explained_groups(view: Observation) -> frozenset[str]:
    """The groups that the Lattice side made for claims of this service."""
    answered = (one.answer.group_arn for one in view.claims if one.claim.own_group is None)
    return frozenset(group for group in answered if group)


def our_groups(view: Observation) -> frozenset[str]:
    """All groups that are ours among what is listed or claimed."""
    tagged = {group for group, whose in view.record.foreign if whose == OURS}
    return explained_groups(view) | tagged
