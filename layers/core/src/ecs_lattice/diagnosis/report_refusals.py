"""Reports the refusals and notices of one ECS service: reads what the registry says of it, and sends the message that is due.

What asks for it, an event that anybody in the account may send, names the ECS service and is believed in nothing else.
"""

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass

from ecs_lattice import codec
from ecs_lattice.claims import ClaimRecord
from ecs_lattice.diagnosis import message, refusal_messages, refusals
from ecs_lattice.diagnosis.incident_store import SENDING_SECONDS, IncidentStore
from ecs_lattice.diagnosis.incidents import Incident
from ecs_lattice.diagnosis.ports import AlarmQueue, Topic
from ecs_lattice.diagnosis.refusal_messages import Findings
from ecs_lattice.diagnosis.refusals import Refusal, Refusals, Report, Reported
from ecs_lattice.diagnosis.subjects import RouteSubject
from ecs_lattice.ecs_side import record as records
from ecs_lattice.ecs_side.record import EcsRecord
from ecs_lattice.ecs_side.status import RouteStatus
from ecs_lattice.errors import BusyError, ForeignEventError, TooNewRecordError
from ecs_lattice.messages import alarms
from ecs_lattice.model import ServiceId
from ecs_lattice.outcome import MORE_PROBLEMS
from ecs_lattice.ports import Documents, Now

PREFIX = "refusals#"
"""What their keys begin with, before the ECS service's ARN."""
OLD_PREFIX = "route#"
"""What the keys of earlier versions begin with: then the ECS service's ARN, the Lattice service and the route."""
_BAD_STATES = {"Refused", "Conflicted"}
_MOST_REFUSALS = 40  # of one ECS service that are remembered
# The record is written after the events about it were sent; a function of a newer version may have written it.
_AGAIN_SECONDS, _TOO_NEW_SECONDS = 30, 300
_MAXIMUM_DELAY_SECONDS = 900  # Amazon SQS API, SendMessage


@dataclass(frozen=True, slots=True)
class RefusalReporter:
    """``table`` is the registry's name, for commands in messages."""

    table: str
    documents: Documents
    topic: Topic
    queue: AlarmQueue
    now: Now

    def look(self, service: ServiceId, *, is_requested: bool) -> None:
        """Look at the ECS service; if that was ``is_requested`` by an event and nothing has changed, look once more, because
        the registry may be about to be written.

        Raises ForeignEventError for an ECS service of which the registry knows nothing, and BusyError while another
        invocation reports the same service.
        """
        try:
            record = records.read(self.documents, service)
        except TooNewRecordError:
            self.queue.send_later(alarms.follow_up(PREFIX + service.arn, ""), _TOO_NEW_SECONDS)
            return
        text, before = self._load(service, record)
        if record is None and text is None:
            raise ForeignEventError(f"The registry knows no ECS service {service.arn}.")
        found = _findings(record)
        looked = refusals.look(
            dataclasses.replace(before, sending_at=0.0),
            tuple(found.reasons),
            self.now(),
            is_deploying=found.is_deploying,
        )
        if looked.report:
            text = self._send(text, before, looked.report, found)
        again = is_requested and looked.state.seen == before.seen
        state = self._scheduled(looked.state, _sooner(looked.after, _AGAIN_SECONDS if again else 0))
        if state != before or looked.report:
            self._incidents.put(PREFIX + state.service, text, state)

    def is_told(self, subject: RouteSubject) -> bool:
        """Whether a message about a refusal or conflict of the route stands, or is about to be sent, so that one more will say
        that it is over."""
        return bool(self._told(subject))

    def is_last_word(self, subject: RouteSubject, claim: ClaimRecord | None) -> bool:
        """The same, where that says all about the health of the route (decision 54): with the end of the refusal its state
        is told, and before that it receives no requests. What was live before its conflict may serve meanwhile."""
        told = self._told(subject)
        if all(entry.ended_at for entry in told):
            return bool(told)
        return claim is None or claim.answer.state == "Wired" or not claim.answer.was_live

    def _told(self, subject: RouteSubject) -> tuple[Reported, ...]:
        text = self._incidents.text(PREFIX + subject.service.arn)
        found = codec.loads(Refusals, text) if text else Refusals(subject.service.arn)
        held = (Reported(refusal, self.now()) for refusal in found.seen)
        about = (subject.lattice_service, subject.route)
        return tuple(
            entry
            for entry in (*found.reported, *held)
            if entry.refusal.subject == about and entry.refusal.state in _BAD_STATES
        )

    def _load(self, service: ServiceId, record: EcsRecord | None) -> tuple[str | None, Refusals]:
        """What is remembered of the ECS service. Raises BusyError while an invocation is sending a message about it."""
        text = self._incidents.text(PREFIX + service.arn)
        before = self._of_earlier_version(service, record) if text is None else codec.loads(Refusals, text)
        if before.sending_at and self.now() - before.sending_at < SENDING_SECONDS:
            raise BusyError(f"Another invocation is sending the message about {service.arn}.")
        return text, before

    def _of_earlier_version(self, service: ServiceId, record: EcsRecord | None) -> Refusals:
        """What an earlier version has reported, which had an incident for each route: its end is reported like any other."""
        subjects = [("", ""), *((status.lattice_service, status.route) for status in record.statuses)] if record else []
        reported = []
        for lattice_service, route in subjects:
            text = self._incidents.text(f"{OLD_PREFIX}{service.arn}#{lattice_service}#{route}")
            incident = codec.loads(Incident, text) if text else None
            if incident and incident.is_open and incident.notified:
                state, _, code = incident.notified_state.partition(" ")
                reported.append(Reported(Refusal(lattice_service, route, state, code), incident.opened_at))
        opened_at = min((entry.since for entry in reported), default=0.0)
        return Refusals(service.arn, tuple(reported), opened_at=opened_at)

    def _send(self, text: str | None, before: Refusals, report: Report, found: Findings) -> str:
        """Publish the message between two conditional writes, so that no two invocations do at once. An invocation that
        finds the mark of one that died decides anew."""
        now, is_over = self.now(), not report.present
        content = (
            refusal_messages.accepted(report, found, now)
            if is_over
            else refusal_messages.refused(report, found, self.table, now)
        )
        sending, _ = self._incidents.publish(
            PREFIX + before.service,
            text,
            before,
            lambda: self.topic.publish(content.mail_subject, message.text(content), message.chat(content)),
        )
        return sending

    def _scheduled(self, state: Refusals, after: float) -> Refusals:
        """The state once the next look is on its way: one delayed message at a time."""
        if not after:
            return state
        now, seconds = self.now(), min(math.ceil(after), _MAXIMUM_DELAY_SECONDS)
        if now < state.look_at <= now + seconds:
            return state
        self.queue.send_later(alarms.follow_up(PREFIX + state.service, ""), seconds)
        return dataclasses.replace(state, look_at=now + seconds)

    @property
    def _incidents(self) -> IncidentStore:
        return IncidentStore(self.documents, self.now)


def _sooner(*after: float) -> float:
    """The shortest of the times in seconds; 0 is none."""
    return min(filter(None, after), default=0.0)


def _findings(record: EcsRecord | None) -> Findings:
    if record is None:
        return Findings({}, {}, exists=False)
    states = {(status.lattice_service, status.route): status.state for status in record.statuses}
    reasons = dict(_reasons(record))
    shown = {refusal: reasons[refusal] for refusal in sorted(reasons)[:_MOST_REFUSALS]}
    return Findings(shown, states, exists=True, is_deploying=record.pending_update is not None)


def _reasons(record: EcsRecord) -> Iterator[tuple[Refusal, str]]:
    """Every refusal and notice in the record, with its reason in words."""
    if record.refused:
        codes = {*record.refused.split(), MORE_PROBLEMS}
        problems = [str(problem) for problem in record.problems if problem.code in codes]
        yield Refusal("", "", "Refused", record.refused), "\n".join(problems)
    for status in record.statuses:
        yield from _of_route(status)


def _of_route(status: RouteStatus) -> Iterator[tuple[Refusal, str]]:
    if status.state in _BAD_STATES:
        fix = f" To fix: {status.command}" if status.command else ""
        yield Refusal(status.lattice_service, status.route, status.state, status.code), status.message + fix
    for code in dict.fromkeys(notice.code for notice in status.notices):
        messages = (notice.message for notice in status.notices if notice.code == code)
        yield Refusal(status.lattice_service, status.route, "Notice", code), "\n".join(messages)
