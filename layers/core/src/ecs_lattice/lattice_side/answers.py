"""What came of each claim, read from what is there: pure."""

from dataclasses import dataclass, field, replace

from ecs_lattice.claims import Answer, ClaimRecord, State
from ecs_lattice.graph import id_of, weights
from ecs_lattice.lattice_side.desired_values import Timers
from ecs_lattice.lattice_side.listeners import ListenerBuilder
from ecs_lattice.lattice_side.matches import MatchEntry
from ecs_lattice.lattice_side.resolve import Resolution, Resolver

_MADE_SECONDS = 5


@dataclass(slots=True)
class Answers:
    """Answers claims from a reading to which everything that could be done has been done."""

    court: Resolver
    routing: ListenerBuilder
    clocks: Timers
    uninstalling: bool = False
    _slots: dict[str, list[MatchEntry]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for slot in self.routing.assignment.slots.values():
            for standing in slot.claims:
                self._slots.setdefault(standing.record.key, []).append(slot)

    def all(self) -> dict[str, Answer]:
        """The answer to each claim, by the key of its record."""
        return {standing.record.key: self._answer(standing) for standing in self.court.standings.values()}

    def _answer(self, standing: Resolution) -> Answer:
        match standing.mode:
            case "kept":
                state, message = self._state(standing)
                return self._of(standing.record, state, "", message)
            case "held":
                return self._of(standing.record, self._held(standing), standing.code, standing.message)
            case "leaving":
                return self._leaving(standing)
            case "paused":
                return self._unchanged(standing, "Paused")
            case "stopped":
                return self._unchanged(standing, standing.state or "Refused")

    def _of(self, record: ClaimRecord, state: State, code: str = "", message: str = "") -> Answer:
        group = self.court.seen.group(self.court.seen.reference(record.claim))
        service = self.court.seen.observed.service
        arn = group.arn if group else None
        if arn is None and state not in {"Removed", "Parked", "Pending"}:
            arn = record.answer.group_arn
        return Answer(state, code, message, arn, service.domain_name if service else record.answer.domain_name)

    def _unchanged(self, standing: Resolution, state: State) -> Answer:
        """Nothing is changed for it: the group that was wired before is still its own."""
        answer = self._of(standing.record, state, standing.code, standing.message)
        before = standing.record.answer.group_arn
        wired = before is not None and id_of(before) in self.court.seen.weighted
        return replace(answer, group_arn=before) if wired else answer

    def _is_live(self, standing: Resolution) -> bool:
        group = self.court.seen.reference(standing.claim)
        return any(self.routing.is_live(slot, group) for slot in self._slots.get(standing.record.key, ()))

    def _state(self, standing: Resolution) -> tuple[State, str]:
        """Live as soon as requests come; Wired when everything is there that the tasks need."""
        if self._is_live(standing):
            return "Live", ""
        missing = self._missing(standing)
        if missing:
            self.clocks.wait(_MADE_SECONDS, f"{missing} is being made")
            return "Pending", f"{missing} is being made."
        if standing.claim.route.weight == 0 and self.routing.filler.is_ready(standing):
            return "Live", "Its weight is 0."
        return "Wired", ""

    def _missing(self, standing: Resolution) -> str:
        observed = self.court.seen.observed
        group = self.court.seen.group(self.court.seen.reference(standing.claim))
        if observed.service is None or observed.service.status != "ACTIVE":
            return "The Lattice service"
        if group is None or group.status != "ACTIVE":
            return "The target group"
        slots = self._slots.get(standing.record.key, [])
        for slot in slots:
            if not self._is_in(slot, group.id):
                return f"The rule on {slot.listener}"
        active = {one.network_arn for one in observed.associations if one.status == "ACTIVE"}
        wanted = {arn for word in self.court.words(standing) for arn in dict(observed.networks).get(word, ())}
        return "The association with a service network" if wanted - active else ""

    def _is_in(self, slot: MatchEntry, group: str) -> bool:
        """Whether the group is in use where the slot is, or waits for it."""
        if slot.match is None:
            return group in self.court.seen.referenced and self.court.seen.observed.listener(slot.listener) is not None
        return slot.rule is not None and group in weights(slot.rule.action)

    def _held(self, standing: Resolution) -> State:
        """Nothing has changed for it yet."""
        if self._is_live(standing):
            return "Live"
        return standing.record.answer.state if standing.record.answer.state in {"Wired", "Pending", "Live"} else "Wired"

    def _leaving(self, standing: Resolution) -> Answer:
        claim, seen = standing.claim, self.court.seen
        group = seen.reference(claim)
        stays = {seen.reference(s.claim) for s in self.court.in_order("kept", "held", "paused", "stopped")}
        slots = [slot for slot in self._slots.get(standing.record.key, ()) if not _ends_with_the_detach(slot)]
        own = [slot for slot in slots if not (slot.kept or slot.held or slot.paused)]
        looked_at = slots if group not in stays else own
        if any(self.routing.is_live(slot, group) for slot in looked_at):
            return self._of(standing.record, "Live", "LEAVING", "It takes traffic until its place can be taken.")
        if self._still_used(standing, group):
            return self._of(standing.record, "Parked")
        remaining = claim.since + self.court.settings.grace_seconds - self.court.now
        if claim.phase == "deleted" and remaining > 0 and not self.uninstalling:
            self.clocks.wait(int(-(-remaining // 1)), "the match of a deleted ECS service is kept for it a while")
            return self._of(
                standing.record, "Parked", "HOLDS_MATCH", "All is removed; its match is kept for the grace time."
            )
        return Answer("Removed", domain_name=None)

    def _still_used(self, standing: Resolution, group: str) -> bool:
        """Whether something is left: a rule of its own, its place in another's, or its group."""
        slots = self._slots.get(standing.record.key, ())
        stays = {self.court.seen.reference(s.claim) for s in self.court.in_order("kept", "held", "paused", "stopped")}
        if group in stays:
            return any(slot.rule is not None and not slot.kept and not slot.held and not slot.paused for slot in slots)
        if standing.claim.own_group:
            return group in self.court.seen.referenced or standing.claim.named
        return self.court.seen.group(group) is not None


def _ends_with_the_detach(slot: MatchEntry) -> bool:
    """A TLS_PASSTHROUGH listener cannot be parked: it forwards until its tasks are detached, then it is deleted."""
    return slot.listener.protocol == "TLS_PASSTHROUGH" and not (slot.kept or slot.held or slot.paused)
