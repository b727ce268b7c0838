"""Reconcile one Lattice service (decision 7): read its claims and everything that exists, decide, apply, answer.
Level-triggered: a run that finds everything as it should be writes nothing, and a run after a crash at any point
continues from there.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from ecs_lattice import ownership
from ecs_lattice.claims import FOREIGN_SERVICE, Answer, ClaimRecord, LatticeRecord
from ecs_lattice.errors import ThrottledError
from ecs_lattice.graph import Service
from ecs_lattice.lattice_side import handover, unclaimed
from ecs_lattice.lattice_side.answers import answers, log_new, problems_of, stalled, unchanged
from ecs_lattice.lattice_side.apply import Applied, Applier
from ecs_lattice.lattice_side.claim_facts import ClaimFacts, facts_of, may_speak
from ecs_lattice.lattice_side.desired_graph import INCOMPLETE_SECONDS, association_refusals, desired_graph
from ecs_lattice.lattice_side.forwarding import PlanContext
from ecs_lattice.lattice_side.holding import unread_answers
from ecs_lattice.lattice_side.joint_settings import joint_settings
from ecs_lattice.lattice_side.matches import match_rules
from ecs_lattice.lattice_side.network_sweep import SeenNetwork, seen_networks
from ecs_lattice.lattice_side.observe import Snapshot, SnapshotReader
from ecs_lattice.lattice_side.plan import PlanReport, plan
from ecs_lattice.lattice_side.ports import Holders, Lattice
from ecs_lattice.lattice_side.refused_steps import RefusedSteps
from ecs_lattice.lattice_side.removals import RemovalBudget
from ecs_lattice.lattice_side.repeats import Repeats, told
from ecs_lattice.lattice_side.resolve import resolve
from ecs_lattice.lattice_side.seen import Timers, index_of
from ecs_lattice.lattice_side.steps import DeleteLatticeService, Step, describe
from ecs_lattice.messages.requests import ReconcileRequest
from ecs_lattice.outcome import Done, NotYet, Outcome, Problem, Refused, paced, soonest, waits_now
from ecs_lattice.ports import Now, Registry, RequestQueue
from ecs_lattice.settings import Settings
from ecs_lattice.stack_state import is_complete, is_uninstalling

_ROUNDS = 10  # what one round creates the next observes; a plan converges in three or four
_NEXT_ROUND_SECONDS = 5
_READ_AGAIN = 0.4  # of the drift time: an unchanged read is recorded, so that the resync need not enqueue a request
_DUE_SLACK_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Decision:
    """What one snapshot leads to. ``timers`` are those that keep running, ``granted`` the settings of the Lattice service
    that somebody asks for."""

    steps: tuple[Step, ...]
    answers: Mapping[str, Answer]
    waits: tuple[NotYet, ...]
    timers: tuple[tuple[str, float], ...]
    granted: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class LatticeSide:
    """The Lattice side's reconciler. ``now`` is the time in epoch seconds."""

    settings: Settings
    lattice: Lattice
    registry: Registry
    requests: RequestQueue
    now: Now
    holders: Holders

    def reconcile(self, name: str, claims_of: str = "") -> Outcome:
        """Turn the Lattice service ``name`` into what its claims declare, as far as is possible now. ``claims_of``: the only
        reason to look are new claims of this ECS service; where they may not speak, Lattice is not read."""
        records = self.registry.claims_on(name)
        remembered = self.registry.lattice(name)
        if claims_of and (unread := unread_answers(records, claims_of, remembered, self.settings)):
            answered = self._answer(tuple(record for record in records if record.key in unread), unread)
            problems = problems_of((record.key, record.answer) for record in answered)
            return Refused(problems) if problems else Done()
        try:
            if not records:
                return unclaimed.reconcile(self.lattice, self.registry, self.settings, remembered, self.now())
            return self._converge(records, remembered)
        except ThrottledError as error:
            return NotYet(int(error.retry_after) + 1, str(error))

    def plan(self, name: str, records: tuple[ClaimRecord, ...] | None = None) -> PlanReport:
        """What a reconcile would do: with the registry's claims, or with ``records`` instead. Changes nothing."""
        records = self.registry.claims_on(name) if records is None else records
        claims = tuple(facts_of(record, self.settings) for record in records)
        remembered = self.registry.lattice(name)
        snapshot = SnapshotReader(self.lattice, self.settings, claims, remembered, discover=True).read()
        decision = self._decide(claims, snapshot, {}, dry_run=True)
        return PlanReport(
            name,
            tuple(describe(step) for step in decision.steps),
            dict(decision.answers),
            problems_of(sorted(decision.answers.items())),
            decision.waits,
        )

    def forget_failures(self, name: str) -> None:
        """Let the next reconcile try again what AWS has refused or not kept, as somebody asks for it. Since when it has not been
        kept stays known: whoever was told of it is not told that it is over."""
        remembered = self.registry.lattice(name)
        if remembered.refused or remembered.repeated:
            due = tuple(repeated.due() for repeated in remembered.repeated)
            self.registry.put_lattice(dataclasses.replace(remembered, refused=(), repeated=due))

    def _converge(self, records: tuple[ClaimRecord, ...], remembered: LatticeRecord) -> Outcome:
        claims = tuple(facts_of(record, self.settings) for record in records)
        # Nothing would be created, so no taken name would lead to the service: after a lost table, ask by list.
        # Before a whole resync the registry may lack whose it is: its tag says so, before anything is created.
        is_unknown = remembered.service_arn is None and not is_complete(self.registry)
        # Whose name it is was known: it is read, where a call of CreateService would only be refused again.
        is_foreign = any(record.answer.code == FOREIGN_SERVICE for record in records)
        discover = is_unknown or is_foreign or all(record.claim.phase != "declared" for record in records)
        refused: dict[str, Problem] = {}
        repeats = Repeats(remembered.repeated, self.now())
        brake = RefusedSteps(self.lattice, remembered.refused, self.now(), self.settings.drift_hours * 3600)
        for round_number in range(1, _ROUNDS + 1):
            snapshot = SnapshotReader(self.lattice, self.settings, claims, remembered, discover).read()
            holder, gone_since = snapshot.remembered.holder, snapshot.remembered.holder_gone_since
            if gone_since is not None or not any(may_speak(facts, holder) for facts in claims):
                snapshot = handover.looked_after(snapshot, claims, self.holders, self.now())
            decision = self._decide(claims, snapshot, refused, dry_run=False)
            steps = repeats.sift(decision.steps, snapshot.observed)
            read = dataclasses.replace(
                snapshot.remembered, made=decision.timers, granted=decision.granted, repeated=repeats.known
            )
            remembered = self._save(remembered, read)
            waits = [*decision.waits, *repeats.waits]
            steps, held = brake.sift(steps)
            if not steps and held.keys() <= refused.keys():
                break
            begin = Applied(remembered, refused=held)
            applied = Applier(self.lattice, self.settings.owner, self.registry.put_lattice, begin).apply(steps)
            if applied.refused_steps:
                brake.note(applied.refused_steps)
                repeats.forget((step for step, _ in applied.refused_steps), snapshot.observed)
            is_last = applied.stopped or round_number == _ROUNDS
            repeats.note(applied.done, snapshot.observed, is_last=is_last)
            remembered = self._save(applied.remembered, dataclasses.replace(applied.remembered, repeated=repeats.known))
            waits += applied.waits
            has_progress = applied.done or applied.refused.keys() - refused.keys()
            refused = applied.refused | refused
            if applied.stopped or not has_progress:
                break
        else:
            waits = [NotYet.until(_NEXT_ROUND_SECONDS, "the rest follows")]
        waiting = waits_now(waits, remembered.waits, self.now())
        told_now = told(decision.answers, remembered, self.now())
        answered = self._answer(records, stalled(told_now, waits, waiting, self.now()))
        of_no_claim = filter(None, [refused.get("")])
        problems = (*problems_of((record.key, record.answer) for record in answered), *of_no_claim)
        outcome = soonest([*paced(waits, waiting, self.now()), Refused(problems) if problems else Done()])
        self._note_end(remembered, dataclasses.replace(remembered, refused=brake.known, waits=waiting), outcome)
        return outcome

    def _decide(
        self, claims: tuple[ClaimFacts, ...], snapshot: Snapshot, refused: Mapping[str, Problem], *, dry_run: bool
    ) -> Decision:
        service = snapshot.observed.service
        if service and not snapshot.is_usable:
            return self._unusable(claims, service, snapshot.remembered)
        now, settings, observed, remembered = self.now(), self.settings, snapshot.observed, snapshot.remembered
        gone_since = remembered.holder_gone_since
        if gone_since is not None and (step := handover.step(snapshot, claims, settings, now, self.registry)):
            # Alone, and first: what follows starts from the tag as it is read.
            return Decision((step,), unchanged(claims), (), remembered.made, remembered.granted)
        timers = Timers(dict(remembered.made), now)
        index = index_of(observed, remembered, claims, settings.owner, is_complete=self._is_complete(snapshot))
        refused = association_refusals(index, settings, timers) | dict(refused)
        budget = RemovalBudget(self.registry, settings, now, dry_run)
        resolutions = resolve(index, settings, now, budget.may_remove, refused)
        assignment = match_rules(index, resolutions, settings)
        active = tuple(resolution for resolution in assignment.resolutions if resolution.mode == "active")
        joint = joint_settings(assignment.resolutions, index, settings)
        context = PlanContext(
            index, assignment, settings, now, timers, active, joint, self._seen_networks(snapshot, claims)
        )
        steps = plan(desired_graph(context), observed, timers)
        # Only where an ECS service was deleted does an uninstall make a difference.
        is_deleted = any(facts.claim.phase == "deleted" for facts in claims)
        uninstalling = is_deleted and is_uninstalling(self.registry)
        answered = answers(context, uninstalling=uninstalling)
        waits = [NotYet.until(r.wait, r.code or "GRACE") for r in assignment.resolutions if r.wait]
        if not index.is_complete and any(decided.is_unexplained and decided.granted for decided in joint.values()):
            waits.append(
                NotYet(INCOMPLETE_SECONDS, "the registry is being rebuilt; a setting for which nobody asks waits")
            )
        granted = tuple((name, decided.granted) for name, decided in sorted(joint.items()) if decided.granted)
        return Decision(steps, answered, (*timers.waits, *waits), tuple(sorted(timers.running.items())), granted)

    def _seen_networks(self, snapshot: Snapshot, claims: tuple[ClaimFacts, ...]) -> dict[str, SeenNetwork]:
        """The associated service networks, as the last resync found them; read only where a route has been live."""
        networks = {association.network_arn for association in snapshot.observed.associations}
        is_told = networks and any(facts.was_live for facts in claims)
        return seen_networks(self.registry, networks) if is_told else {}

    def _is_complete(self, snapshot: Snapshot) -> bool:
        """Whether the registry has seen a whole resync; read only where something might be taken back."""
        is_left = any(association.ours for association in snapshot.observed.associations)
        may_take_back = is_left or bool(snapshot.remembered.granted)
        return may_take_back and is_complete(self.registry)

    def _unusable(self, claims: tuple[ClaimFacts, ...], service: Service, remembered: LatticeRecord) -> Decision:
        """What to do where the Lattice service is not this stack's, or is being created or deleted."""
        if dict(service.tags).get(ownership.OWNER) != self.settings.owner:
            message = (
                f"Lattice service {service.name} ({service.arn}) does not carry this stack's {ownership.OWNER} tag, so it "
                f"is left alone. Use another {self.settings.label_prefix}.service."
            )
            foreign = {
                facts.key: Answer("Removed")
                if facts.claim.phase != "declared" and not before.group_arn
                else Answer(
                    "Refused",
                    FOREIGN_SERVICE,
                    message,
                    before.group_arn,
                    live_as=before.live_as,
                    live_since=before.live_since,
                )
                for facts in claims
                if (before := facts.record.answer)
            }
            return Decision((), foreign, (), remembered.made, remembered.granted)
        failed = service.status in {"CREATE_FAILED", "DELETE_FAILED"}
        steps = (DeleteLatticeService((), service.arn),) if failed else ()
        wait = NotYet(_NEXT_ROUND_SECONDS, f"Lattice service {service.name} is {service.status}")
        return Decision(steps, unchanged(claims), (wait,), remembered.made, remembered.granted)

    def _save(self, before: LatticeRecord, after: LatticeRecord) -> LatticeRecord:
        now = self.now()
        if after == before and now - before.read_at < self.settings.drift_hours * 3600 * _READ_AGAIN:
            return before
        after = dataclasses.replace(after, read_at=now)
        self.registry.put_lattice(after)
        return after

    def _answer(self, records: tuple[ClaimRecord, ...], answers: Mapping[str, Answer]) -> tuple[ClaimRecord, ...]:
        """Write the answers, and enqueue a request for each ECS service that has not acknowledged the last one."""
        log_new(
            (record.claim.service, record.key, answers[record.key])
            for record in records
            if answers[record.key] != record.answer
        )
        answered = tuple(self.registry.put_answer(record, answers[record.key]) for record in records)
        services = sorted({record.claim.service.arn for record in answered if record.is_unacknowledged})
        cause = f"answers of {records[0].lattice_service}"
        if services:
            self.requests.enqueue(
                [ReconcileRequest("ecsService", arn, cause=cause, requested_at=self.now()) for arn in services]
            )
        return answered

    def _note_end(self, before: LatticeRecord, after: LatticeRecord, outcome: Outcome) -> None:
        """Record what the run leads to, and when the next is due: the resync enqueues a request where one is overdue."""
        due = self.now() + outcome.after if isinstance(outcome, NotYet) else 0.0
        if after.holder_gone_since is not None:
            due = handover.due_at(after, due, self.now())
        is_other = bool(due) != bool(before.due_at) or abs(due - before.due_at) > _DUE_SLACK_SECONDS
        if is_other or after != before:
            self.registry.put_lattice(dataclasses.replace(after, due_at=due))
