"""One reconcile of an ECS service: look, decide, then claim, register, attach, and remember what came of it.

Serialised per ECS service by its queue. Repeatable at any point: everything is decided anew from what is there, an
UpdateService is written down before it is called, and the Lattice side is rung as long as it has not taken a claim in.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from ecs_lattice import ports
from ecs_lattice.claims import Claim, ClaimRecord
from ecs_lattice.ecs_side import claims as claiming
from ecs_lattice.ecs_side import effective_revision, report
from ecs_lattice.ecs_side import record as records
from ecs_lattice.ecs_side.apply import UpdateServiceExecutor
from ecs_lattice.ecs_side.lattice_targets import Targets
from ecs_lattice.ecs_side.observe import Observation, Observer
from ecs_lattice.ecs_side.plan import CLOSED, Draft, EcsPlan, draft
from ecs_lattice.ecs_side.record import EcsRecord
from ecs_lattice.ecs_side.security_groups import TaskIngress
from ecs_lattice.ecs_side.status import ServiceStatus
from ecs_lattice.ecs_side.targets import TargetRegistration
from ecs_lattice.ingress.open import Ingress
from ecs_lattice.messages.announcements import Announcer
from ecs_lattice.messages.requests import ReconcileRequest
from ecs_lattice.model import ServiceId
from ecs_lattice.outcome import Done, NotYet, Outcome, Problem, Refused, soonest
from ecs_lattice.settings import Settings

_WHILE_LEAVING_SECONDS = 60
_WHILE_HELD_SECONDS = 900
_ATTENTIVE_SECONDS = 3600  # for so long somebody may be about to open a group by hand; then the resync finds it


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
        """What :meth:`reconcile` would do now; changes nothing, also not in the registry."""
        view = self._look(service)
        if view is None:
            return EcsPlan(service)
        openings, admitted = self.admitter().preview(view)
        decided = draft(view, self.settings, admitted)
        standing = {(one.claim.route.lattice_service, one.claim.route.name): one.claim for one in view.claims}
        return EcsPlan(
            service=service,
            effective=view.revision.name if view.revision else None,
            source=view.effective.source if view.effective else "",
            routes=view.routes or (),
            problems=decided.problems + decided.notices,
            claims=tuple(
                claim
                for claim in decided.claims
                if standing.get((claim.route.lattice_service, claim.route.name)) != claim
            ),
            deletes=tuple(one.claim.route.name for one in decided.over),
            attach=decided.attach,
            changes=self.registrar().changes(view, decided.groups),
            openings=openings,
        )

    def reconcile(self, service: ServiceId) -> Outcome:
        """Bring everything that hangs on ``service`` one step on."""
        view = self._look(service)
        if view is None:
            return Done()
        run = _Run(self, view)
        return run.carry_out(run.decide())

    def status(self, service: ServiceId) -> ServiceStatus:
        """What the last reconcile found, for people; nothing for a service that is not known."""
        record = records.read(self.registry, service)
        if record is None:
            return ServiceStatus(service.arn)
        revision = record.effective.name if record.effective else None
        return ServiceStatus(service.arn, revision, record.statuses, record.problems)

    def _look(self, service: ServiceId) -> Observation | None:
        return Observer(self.settings, self.ecs, self.targets, self.registry, self.now).look(service)

    def admitter(self) -> TaskIngress:
        """What lets VPC Lattice in to the tasks, over this side's adapters."""
        return TaskIngress(self.settings, self.ecs, self.ingress)

    def registrar(self) -> TargetRegistration:
        """The controller, over this side's adapters."""
        return TargetRegistration(self.ecs, self.targets)


class _Run:
    """The writing half of one reconcile: keeps the record as it is stored and the claims as they stand."""

    def __init__(self, side: EcsSide, view: Observation) -> None:
        self.side = side
        self.view = view
        self.stored = view.stored
        self.record = view.record
        self.standing: dict[tuple[str, str], ClaimRecord] = {_key(one.claim): one for one in view.claims}

    def decide(self) -> Draft:
        """Open the security groups, then decide: what cannot be reached is not attached. EC2 is asked whether all is open
        still right before a deployment depends on it."""
        admit = self.side.admitter().admit
        self.view, admitted = admit(self.view, self.save, verify=False)
        decided = draft(self.view, self.side.settings, admitted)
        if decided.attach.kind in {"attach", "roll_back"} and not admitted.is_verified:
            self.view, admitted = admit(self.view, self.save, verify=True)
            decided = draft(self.view, self.side.settings, admitted)
        return decided

    def carry_out(self, decided: Draft) -> Outcome:
        """Write claims, let the controller register, attach, then say and acknowledge; in this order."""
        self.put_claims(decided.claims)
        self.delete_claims(decided.over)
        self.save(decided.record)
        outcomes = [self._register(decided), self._attach(decided), self._awaited(decided)]
        problems = decided.problems + tuple(
            problem for one in outcomes if isinstance(one, Refused) for problem in one.problems
        )
        self._give_place_back(decided)
        self._tell(decided, problems)
        self._acknowledge()
        self._forget_if_over(decided)
        if problems:
            outcomes.append(Refused(problems))
        return soonest([one for one in outcomes if not isinstance(one, Refused)] + [Refused(problems)] * bool(problems))

    def put_claims(self, claims: Sequence[Claim]) -> None:
        """Write the claims that differ and ring for every one that the Lattice side has not taken in."""
        for claim in claims:
            standing = self.standing.get(_key(claim))
            if standing is None or standing.claim != claim:
                self.standing[_key(claim)] = self.side.registry.put_claim(claim)
        names = sorted({one.lattice_service for one in self.standing.values() if one.is_unapplied})
        if names:
            cause = f"claims of {self.view.service_id}"
            self.side.requests.enqueue(
                [ReconcileRequest("latticeService", name, cause, self.view.now) for name in names]
            )

    def delete_claims(self, over: Sequence[ClaimRecord]) -> None:
        for one in over:
            if self.side.registry.delete_claim(one):
                self.standing.pop(_key(one.claim), None)

    def save(self, record: EcsRecord) -> None:
        """Store the record if it differs from what is stored."""
        self.record = record
        if record != self.stored:
            records.write(self.side.registry, record)
            self.stored = record

    def _register(self, decided: Draft) -> Outcome:
        outcome: Outcome = Done()
        registrar = self.side.registrar()
        before = self.record
        for change in registrar.changes(self.view, decided.groups):
            self.save(registrar.announced(self.record, change))
            failed = registrar.apply(change)
            self.save(registrar.done(self.record, decided.groups, change, failed))
            if failed or change.is_waiting:
                outcome = NotYet(15, f"Targets of {change.group_arn} are not all registered or deregistered yet.")
        if (before.registered, before.controlled) != (self.record.registered, self.record.controlled):
            facts = claiming.AttachmentFacts.of(self.view.service, self.record, frozenset())
            facts = dataclasses.replace(facts, replaced=decided.facts.replaced)
            self.put_claims([
                claiming.with_facts(claim, self.standing.get(_key(claim)), facts, self.view.presence)
                for claim in decided.claims
            ])  # fmt: skip
        return outcome

    def _attach(self, decided: Draft) -> Outcome:
        side = self.side
        if decided.attach.kind not in {"attach", "roll_back"} or self.view.service is None:
            wait = decided.attach
            return NotYet(wait.after, wait.message) if wait.kind == "wait" else Done()
        attacher = UpdateServiceExecutor(side.settings, side.ecs, side.registry, side.now, self.save)
        return attacher.send(self.view.service, self.record, decided.attach)

    def _awaited(self, decided: Draft) -> Outcome:
        """What must be looked at again without anybody ringing for it."""
        service, now = self.view.service, self.view.now
        waits: list[Outcome] = []
        if (
            service
            and self.view.presence == "active"
            and effective_revision.rolls(service)
            and (decided.claims or decided.problems)
        ):
            waits.append(
                NotYet(effective_revision.wait_while_rolling(service, now), "A deployment of the service rolls.")
            )
        if self.view.presence == "deleted" and any(claim.named for claim in decided.claims):
            waits.append(NotYet(_WHILE_LEAVING_SECONDS, "ECS still stops the tasks of the service."))
        if self.view.presence != "active" and any(claim.route.pause for claim in decided.claims):
            waits.append(NotYet(_WHILE_HELD_SECONDS, "The service is gone, and its routes are paused: held for a day."))
        for name, at in decided.record.clocks:
            if name == CLOSED and now - at < _ATTENTIVE_SECONDS:
                after = int(min(max(now - at, _WHILE_LEAVING_SECONDS), _WHILE_HELD_SECONDS))
                waits.append(NotYet(after, "The security groups of the tasks are closed for VPC Lattice."))
            if name.startswith("leftover:"):
                left = max(self.side.settings.grace_seconds, self.side.settings.settle_seconds) - (now - at)
                waits += [NotYet(int(left) + 1, "A replaced target group is detached after the grace time.")] * (
                    left > 0
                )
        return soonest(waits)

    def _give_place_back(self, decided: Draft) -> None:
        is_idle = self.record.pending_update is None and decided.attach.kind not in {"attach", "roll_back"}
        if self.record.holds_slot and is_idle:
            self.side.registry.release(UpdateServiceExecutor.SET, self.view.service_id.arn)
            self.save(dataclasses.replace(self.record, holds_slot=False))

    def _tell(self, decided: Draft, problems: tuple[Problem, ...]) -> None:
        """Store the statuses; what is new is logged and announced, once."""
        told = report.tell(self.view, self.record, self.standing, decided, problems)
        # Tell the world before the record says that it was told: rather twice than never.
        report.announce(self.side.announcer, self.view, self.record, told)
        self.save(told)

    def _acknowledge(self) -> None:
        for one in self.standing.values():
            if one.is_unacknowledged:
                self.side.registry.acknowledge(one)

    def _forget_if_over(self, decided: Draft) -> None:
        record = self.record
        if self.standing or decided.problems or record.pending_update or record.registered or record.ingress.group_ids:
            return
        self.side.registry.release(UpdateServiceExecutor.SET, self.view.service_id.arn)
        self.side.registry.delete_document(records.KIND, self.view.service_id.arn)


def _key(claim: Claim) -> tuple[str, str]:
    return claim.route.lattice_service, claim.route.name
