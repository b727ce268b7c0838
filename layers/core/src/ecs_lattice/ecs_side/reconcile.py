"""One reconcile of an ECS service: observe, decide, then write claims, register, attach, and store the result.

Reconciles of one ECS service are serialised by its queue. Each may be repeated at any point: everything is decided anew
from what there is, an UpdateService is stored before it is called, and a reconcile of the Lattice service is requested
as long as that has not applied a claim.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from ecs_lattice import ports
from ecs_lattice.claims import Claim, ClaimRecord
from ecs_lattice.ecs_side import record as records
from ecs_lattice.ecs_side import report
from ecs_lattice.ecs_side.apply import UpdateServiceExecutor
from ecs_lattice.ecs_side.claiming import RouteKey
from ecs_lattice.ecs_side.claims import attachment_facts, with_facts
from ecs_lattice.ecs_side.dry_run import EcsPlan
from ecs_lattice.ecs_side.lattice_targets import Targets
from ecs_lattice.ecs_side.observation import Observation
from ecs_lattice.ecs_side.observe import Observer
from ecs_lattice.ecs_side.places import AttachPlaces
from ecs_lattice.ecs_side.plan import Decisions, decide
from ecs_lattice.ecs_side.record import EcsRecord
from ecs_lattice.ecs_side.registration import TargetRegistration
from ecs_lattice.ecs_side.security_groups import TaskIngress
from ecs_lattice.ecs_side.status import ServiceStatus
from ecs_lattice.ecs_side.targets import Change, after_change, before_change
from ecs_lattice.ecs_side.unkept_targets import TargetBrake
from ecs_lattice.ecs_side.update_outcome import AttachDecision
from ecs_lattice.ingress.open import Ingress
from ecs_lattice.messages.announcements import Announcer
from ecs_lattice.messages.requests import ReconcileRequest
from ecs_lattice.model import ServiceId
from ecs_lattice.outcome import Done, NotYet, Outcome, Problem, Refused, paced, reported, soonest, waits_now
from ecs_lattice.settings import Settings

_DRAINING_SECONDS = 15
_TURN_RETRY_SECONDS = 900  # whoever has its turn is enqueued; this is for a lost request


@dataclass(frozen=True, slots=True)
class EcsSide:
    """The reconciler of ECS services. Raises AwsError when a read fails: unknown is not empty."""

    settings: Settings
    ecs: ports.Ecs
    targets: Targets
    registry: ports.Registry
    requests: ports.RequestQueue
    now: ports.Now
    ingress: Ingress
    announcer: Announcer

    def plan(self, service: ServiceId) -> EcsPlan:
        """What :meth:`reconcile` would do now; changes nothing, not even in the registry."""
        observed = Observer(self.settings, self.ecs, self.targets, self.registry, self.now).observe(service)
        if observed is None:
            return EcsPlan(service)
        openings, ingress = TaskIngress(self.settings, self.ingress).preview(observed)
        decided = decide(observed, self.settings, ingress)
        standing = {key: record.claim for key, record in observed.claims.items()}
        return EcsPlan(
            service=service,
            effective=observed.revision.task_definition.name if observed.revision else None,
            source=observed.effective.source if observed.effective else "",
            routes=observed.routes or observed.waiting,
            problems=reported(decided.problems + decided.warnings),
            claims=tuple(claim for key, claim in decided.claims.items() if standing.get(key) != claim),
            deletes=tuple(record.claim.route.name for record in decided.over.values()),
            attach=decided.attach,
            changes=self.registration(observed).changes(observed, decided.groups),
            openings=openings,
            notices={
                "/".join(key): record.answer.notices for key, record in observed.claims.items() if record.answer.notices
            },
        )

    def registration(self, observed: Observation) -> TargetRegistration:
        """What registers targets; of what VPC Lattice does not keep, only what is due."""
        return TargetRegistration(self.ecs, self.targets, TargetBrake(observed.record.unkept, observed.now))

    def forget_failures(self, service: ServiceId) -> None:
        """Let the next reconcile try again what has failed, as somebody asks for it. Reconciles of the service are serialised
        with this."""
        if record := records.read(self.registry, service):
            records.write(self.registry, records.for_retry(record))

    def reconcile(self, service: ServiceId) -> Outcome:
        """Take everything that belongs to ``service`` one step further."""
        observed = Observer(self.settings, self.ecs, self.targets, self.registry, self.now).observe(service)
        if observed is None:
            return Done()
        run = _Run(self, observed, observed.stored, observed.record, dict(observed.claims))
        return run.carry_out(run.decide())

    def status(self, service: ServiceId) -> ServiceStatus:
        """What the last reconcile found, for people; empty for an unknown service."""
        record = records.read(self.registry, service)
        if record is None:
            return ServiceStatus(service.arn)
        revision = record.effective.name if record.effective else None
        return ServiceStatus(service.arn, revision, record.statuses, record.problems)


@dataclass(slots=True)
class _Run:
    """The writing half of one reconcile; ``stored``, ``record`` and ``claims`` are as they are in the registry."""

    side: EcsSide
    observed: Observation
    stored: EcsRecord | None
    record: EcsRecord
    claims: dict[RouteKey, ClaimRecord]

    def decide(self) -> Decisions:
        """Open the security groups, then decide: tasks that VPC Lattice cannot reach are not attached. Before a
        deployment depends on them, EC2 is read again."""
        settings = self.side.settings
        ingress = TaskIngress(settings, self.side.ingress)
        self.observed, result = ingress.ensure_ingress(self.observed, self.save, verify=False)
        decided = decide(self.observed, settings, result)
        if decided.attach.kind in {"attach", "roll_back"} and not result.is_verified:
            self.observed, result = ingress.ensure_ingress(self.observed, self.save, verify=True)
            decided = decide(self.observed, settings, result)
        return decided

    def carry_out(self, decided: Decisions) -> Outcome:
        """Write claims, register targets, attach, then report and acknowledge; in this order."""
        registry = self.side.registry
        self.put_claims(decided.claims)
        for key, record in decided.over.items():
            if registry.delete_claim(record):
                del self.claims[key]
        self.save(decided.record)
        registered = self._register(decided) if decided.groups or self.record.unkept else ()
        kind = decided.attach.kind
        turn = self._take_turn(kind) if kind == "attach" or self.record.holds_slot else None
        attached: Outcome = Done()
        if turn:
            attached = NotYet(_TURN_RETRY_SECONDS, turn.message)
        elif kind in {"attach", "roll_back"}:
            attached = self._attach(decided.attach)
        rejected = attached.problems if isinstance(attached, Refused) else ()
        waits = [each for each in (*registered, attached, *decided.waits) if isinstance(each, NotYet)]
        running = waits_now(waits, self.record.waits, self.observed.now) if waits else ()
        waiting = dataclasses.replace(self.record, waits=running)
        updated = report.with_statuses(self.observed, waiting, self.claims, decided, rejected, turn)
        # Send the events before the record says that they were sent: better twice than never.
        report.send_events(self.side.announcer, self.observed, self.record, updated)
        self.save(updated)
        for record in self.claims.values():
            if record.is_unacknowledged:
                registry.acknowledge(record)
        self._forget_if_over(decided)
        return soonest([Refused((*decided.problems, *rejected)), *paced(waits, running, self.observed.now)])

    def _take_turn(self, kind: str) -> Problem | None:
        """Take a place for an attach deployment, keep it while that is in progress, or give it up; why the service waits
        for one, None if it does not."""
        places, arn = self._places(), self.observed.service_id.arn
        if kind == "attach":
            if not self.record.holds_slot:
                self.save(dataclasses.replace(self.record, holds_slot=True))
            return places.ask(arn, has_failed=bool(self.record.failed))
        if self.record.pending_update:
            places.hold(arn)
        else:
            places.leave(arn)
            self.save(dataclasses.replace(self.record, holds_slot=False))
        return None

    def _places(self) -> AttachPlaces:
        side = self.side
        return AttachPlaces(side.registry, side.requests, side.settings.max_attaching, side.now)

    def _attach(self, decision: AttachDecision) -> Outcome:
        service, side = self.observed.service, self.side
        assert service is not None  # nothing is decided about a service that ECS does not list
        return UpdateServiceExecutor(side.ecs, side.now, self.save).send(service, self.record, decision)

    def put_claims(self, claims: Mapping[RouteKey, Claim]) -> None:
        """Write the claims that differ, and request a reconcile of every Lattice service that has not applied one."""
        for key, claim in claims.items():
            standing = self.claims.get(key)
            if standing is None or standing.claim != claim:
                self.claims[key] = self.side.registry.put_claim(claim)
        names = sorted({name for (name, _), record in self.claims.items() if record.is_unapplied})
        if names:
            service, now = self.observed.service_id, self.observed.now
            of = (f"claims of {service}", now, 0, service.arn)
            self.side.requests.enqueue([ReconcileRequest("latticeService", name, *of) for name in names])

    def save(self, record: EcsRecord) -> None:
        """Store the record if it differs from the stored one."""
        self.record = record
        if record != self.stored:
            records.write(self.side.registry, record)
            self.stored = record

    def _register(self, decided: Decisions) -> tuple[NotYet, ...]:
        """Register and deregister targets; what has to wait."""
        registration, before = self.side.registration(self.observed), self.record
        brake, draining = registration.brake, []
        for change in registration.changes(self.observed, decided.groups):
            self.save(dataclasses.replace(before_change(self.record, change), unkept=brake.known))
            if registration.apply(change).is_gone:
                self._report_gone(change)
            self.save(after_change(self.record, change, brake.targets_of(change.group.arn)))
            if change.is_waiting:
                why = f"Tasks join {change.group.arn} once draining targets with their addresses are gone."
                draining.append(NotYet(_DRAINING_SECONDS, why))
        self.save(dataclasses.replace(self.record, unkept=brake.known))
        if (before.registered, before.controlled) != (self.record.registered, self.record.controlled):
            facts, presence = attachment_facts(self.observed, self.record), self.observed.presence
            self.put_claims({
                key: with_facts(claim, self.claims.get(key), facts, presence) for key, claim in decided.claims.items()
            })  # fmt: skip
        return (*draining, *brake.waits)

    def _report_gone(self, change: Change) -> None:
        """Have the Lattice side look at a group that does not exist any more."""
        arn, now = change.group.arn, self.observed.now
        names = {name for (name, _), record in self.claims.items() if record.answer.group_arn == arn}
        cause = f"{arn} does not exist"
        self.side.requests.enqueue([ReconcileRequest("latticeService", name, cause, now) for name in sorted(names)])

    def _forget_if_over(self, decided: Decisions) -> None:
        """Delete the record once nothing of the service is left."""
        record, registry, arn = self.record, self.side.registry, self.observed.service_id.arn
        if self.claims or self.observed.withheld or decided.problems:
            return
        if record.pending_update or record.registered or record.ingress.group_ids:
            return
        if record.holds_slot:
            self._places().leave(arn)
        registry.delete_document(records.KIND, arn)
