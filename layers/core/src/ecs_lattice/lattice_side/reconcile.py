"""Reconcile one Lattice service: read all its claims and all that is there, decide, apply, answer. Level-triggered:
a run on what is as it should be writes nothing, and a run after a crash at any point goes on from there.
"""

import dataclasses
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ecs_lattice import ownership
from ecs_lattice.claims import Answer, ClaimRecord, LatticeRecord
from ecs_lattice.errors import ThrottledError
from ecs_lattice.graph import Observed
from ecs_lattice.lattice_side import unclaimed
from ecs_lattice.lattice_side.answers import Answers
from ecs_lattice.lattice_side.apply import Applied, Applier, describe, identity
from ecs_lattice.lattice_side.desired_graph import build
from ecs_lattice.lattice_side.desired_values import Desired, Timers
from ecs_lattice.lattice_side.matches import assign
from ecs_lattice.lattice_side.observe import Snapshot, SnapshotReader
from ecs_lattice.lattice_side.plan import PlanReport, plan
from ecs_lattice.lattice_side.ports import Lattice
from ecs_lattice.lattice_side.removals import ceiling
from ecs_lattice.lattice_side.resolve import Resolver
from ecs_lattice.lattice_side.seen import ObservedIndex
from ecs_lattice.lattice_side.steps import DeleteService, Step
from ecs_lattice.messages.requests import ReconcileRequest
from ecs_lattice.outcome import Done, NotYet, Outcome, Problem, Refused, soonest
from ecs_lattice.ports import Now, Registry, RequestQueue
from ecs_lattice.settings import Settings
from ecs_lattice.uninstall_state import UNINSTALL

_log = logging.getLogger(__name__)
_ROUNDS = 10  # what one round makes is seen by the next; a plan converges in three or four
_NEXT_ROUND_SECONDS = 5
_READ_AGAIN = 0.4  # of the drift time: when an undisturbed reading is written down, so that the resync need not ring
_DUE_SLACK_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Decision:
    """What one reading leads to."""

    reading: Snapshot
    desired: Desired
    steps: tuple[Step, ...]
    answers: dict[str, Answer]
    waits: tuple[NotYet, ...]
    clocks: tuple[tuple[str, float], ...]


class LatticeSide:
    """The Lattice side's reconciler. ``now`` is the time in epoch seconds."""

    def __init__(
        self, settings: Settings, lattice: Lattice, registry: Registry, requests: RequestQueue, now: Now
    ) -> None:
        self._settings = settings
        self._lattice = lattice
        self._registry = registry
        self._requests = requests
        self._now = now

    def reconcile(self, name: str) -> Outcome:
        """Make the Lattice service ``name`` what its claims ask for, as far as it can be made now."""
        records = self._registry.claims_on(name)
        remembered = self._registry.lattice(name)
        try:
            if not records:
                return unclaimed.reconcile(self._lattice, self._registry, self._settings, remembered, self._now())
            return self._converge(records, remembered)
        except ThrottledError as error:
            return NotYet(int(error.retry_after) + 1, str(error))

    def plan(self, name: str, records: tuple[ClaimRecord, ...] | None = None) -> PlanReport:
        """What a reconcile would do: over the registry's claims, or over ``records`` in their place. Changes nothing."""
        claims = self._registry.claims_on(name) if records is None else records
        reading = SnapshotReader(
            self._lattice, self._settings, claims, self._registry.lattice(name), search=True
        ).read()
        decision = self._decide(claims, reading, {}, ask_only=True)
        problems = tuple(
            Problem(answer.code, answer.message, where=key)
            for key, answer in sorted(decision.answers.items())
            if answer.state in {"Refused", "Conflicted"}
        )
        steps = tuple(describe(step) for step in decision.steps)
        return PlanReport(name, steps, decision.answers, problems, decision.waits)

    def _converge(self, records: tuple[ClaimRecord, ...], remembered: LatticeRecord) -> Outcome:
        refused: dict[str, Problem] = {}
        for _ in range(_ROUNDS):
            # Nothing would be created, so nothing would be found by a taken name: after a lost table, ask by list.
            is_lost = remembered.service_arn is None and all(one.claim.phase != "declared" for one in records)
            reading = SnapshotReader(self._lattice, self._settings, records, remembered, search=is_lost).read()
            decision = self._decide(records, reading, refused, ask_only=False)
            made = dataclasses.replace(reading.remembered, made=decision.clocks)
            remembered = self._save(remembered, made)
            waits = list(decision.waits)
            if not decision.steps:
                break
            applied = self._apply(reading.observed, decision.steps, remembered)
            remembered = applied.remembered
            waits += applied.waits
            news = {key: problem for key, problem in applied.refused.items() if key not in refused}
            refused |= news
            if applied.stopped or not (applied.done or news):
                break
        else:
            waits = [NotYet(_NEXT_ROUND_SECONDS, "the rest follows")]
        answered = self._answer(records, decision.answers)
        outcome = self._outcome(answered, waits, refused)
        self._note_due(remembered, outcome)
        return outcome

    def _decide(
        self, records: tuple[ClaimRecord, ...], reading: Snapshot, refused: dict[str, Problem], *, ask_only: bool
    ) -> Decision:
        now = self._now()
        seen = ObservedIndex(reading.observed, records, reading.remembered, self._settings.owner)
        may_remove = ceiling(self._registry, self._settings, now, ask_only=ask_only)
        mine = {key: problem for key, problem in refused.items() if key}
        court = Resolver(seen, self._settings, now, may_remove, mine)
        clocks = Timers(dict(reading.remembered.made), now)
        if unusable := self._unusable(reading, records):
            return unusable
        court.judge()
        assignment = assign(court)
        desired, routing = build(court, assignment, clocks)
        answers = Answers(court, routing, clocks, uninstalling=self._uninstalls(records)).all()
        waits = [*clocks.waits, *(NotYet(s.wait, s.code or "GRACE") for s in court.standings.values() if s.wait)]
        steps = plan(desired, reading.observed)
        for step in steps:
            if made := identity(step):
                clocks.age(made)  # part of the create's client token, see Applier
        return Decision(reading, desired, steps, answers, tuple(waits), tuple(sorted(clocks.running.items())))

    def _uninstalls(self, records: Iterable[ClaimRecord]) -> bool:
        """Whether the stack is being uninstalled; asked only where it makes a difference."""
        return (
            any(r.claim.phase == "deleted" for r in records) and self._registry.document("stack", UNINSTALL) is not None
        )

    def _unusable(self, reading: Snapshot, records: tuple[ClaimRecord, ...]) -> Decision | None:
        """What to do where the Lattice service is not ours, or is coming or going."""
        service = reading.observed.service
        made = reading.remembered.made
        if service is None:
            return None
        if dict(service.tags).get(ownership.OWNER) != self._settings.owner:
            message = (
                f"Lattice service {service.name} ({service.arn}) does not carry this stack's {ownership.OWNER} tag, so it "
                "is left alone. Use another lattice.service."
            )
            answers = {r.key: Answer("Refused", "FOREIGN_SERVICE", message, r.answer.group_arn) for r in records}
            return Decision(reading, Desired(), (), answers, (), made)
        if service.status == "ACTIVE":
            return None
        answers = {r.key: r.answer for r in records}
        failed = service.status in {"CREATE_FAILED", "DELETE_FAILED"}
        steps: tuple[Step, ...] = (DeleteService((), service.arn),) if failed else ()
        wait = NotYet(_NEXT_ROUND_SECONDS, f"Lattice service {service.name} is {service.status}")
        return Decision(reading, Desired(), steps, answers, (wait,), made)

    def _apply(self, observed: Observed, steps: tuple[Step, ...], remembered: LatticeRecord) -> Applied:
        save: Callable[[LatticeRecord], None] = self._registry.put_lattice
        return Applier(self._lattice, self._settings.owner, save, observed, Applied(remembered)).apply(steps)

    def _save(self, before: LatticeRecord, after: LatticeRecord) -> LatticeRecord:
        now = self._now()
        if after == before and now - before.read_at < self._settings.drift_hours * 3600 * _READ_AGAIN:
            return before
        after = dataclasses.replace(after, read_at=now)
        self._registry.put_lattice(after)
        return after

    def _answer(self, records: tuple[ClaimRecord, ...], answers: dict[str, Answer]) -> tuple[ClaimRecord, ...]:
        """Write the answers that are new, and ring whoever has not taken in the last one."""
        for record in records:
            answer = answers[record.key]
            if answer.state in {"Refused", "Conflicted"} and answer != record.answer:
                _log.warning("%s: %s %s: %s", record.key, answer.state, answer.code, answer.message)
        answered = tuple(self._registry.put_answer(record, answers[record.key]) for record in records)
        services = sorted({record.claim.service.arn for record in answered if record.is_unacknowledged})
        name = records[0].lattice_service
        requests = [
            ReconcileRequest("ecsService", arn, cause=f"answers of {name}", requested_at=self._now())
            for arn in services
        ]
        if requests:
            self._requests.enqueue(requests)
        return answered

    def _outcome(self, answered: tuple[ClaimRecord, ...], waits: list[NotYet], refused: dict[str, Problem]) -> Outcome:
        problems = [
            Problem(record.answer.code, record.answer.message, where=record.key)
            for record in answered
            if record.answer.state in {"Refused", "Conflicted"}
        ]
        problems += [problem for key, problem in refused.items() if not key]
        outcomes: list[Outcome] = [*waits, Refused(tuple(problems)) if problems else Done()]
        return soonest(outcomes)

    def _note_due(self, remembered: LatticeRecord, outcome: Outcome) -> None:
        """When to look again, for people."""
        due = self._now() + outcome.after if isinstance(outcome, NotYet) else 0.0
        if bool(due) != bool(remembered.due_at) or abs(due - remembered.due_at) > _DUE_SLACK_SECONDS:
            self._registry.put_lattice(dataclasses.replace(remembered, due_at=due))
