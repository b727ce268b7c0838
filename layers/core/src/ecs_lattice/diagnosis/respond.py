"""What the ``alarm`` function does for each event: updates the incident, and sends the message that is due."""

import dataclasses
import math
from dataclasses import dataclass

from ecs_lattice import codec
from ecs_lattice.bounds import VALUE, cut
from ecs_lattice.claims import ClaimRecord
from ecs_lattice.diagnosis import (
    causes,
    message,
    postpone,
    report_refusals,
    route_messages,
    stack_messages,
    subjects,
)
from ecs_lattice.diagnosis.collect import Collector
from ecs_lattice.diagnosis.incident_store import SENDING_SECONDS, IncidentStore
from ecs_lattice.diagnosis.incidents import Change, Incident, Step, apply_event, closed, notified
from ecs_lattice.diagnosis.message import Message
from ecs_lattice.diagnosis.ports import AlarmQueue, DeadLetterQueue, DeadLetterSample, Topic
from ecs_lattice.diagnosis.report_refusals import RefusalReporter
from ecs_lattice.diagnosis.subjects import RouteSubject, StackSubject
from ecs_lattice.errors import AwsError, BusyError, ForeignEventError
from ecs_lattice.health import metric_names
from ecs_lattice.health.alarms import why_unwatched
from ecs_lattice.health.impaired import is_measured, is_within_grace
from ecs_lattice.health.ports import MetricsSink
from ecs_lattice.messages import alarms
from ecs_lattice.messages.alarms import AlarmChange, AlarmEvent, FollowUp, RouteStateChange, TargetUnhealthy
from ecs_lattice.model import ServiceId
from ecs_lattice.ports import Now, Registry

_MAXIMUM_DELAY_SECONDS = 900  # Amazon SQS API, SendMessage
_ALARM = "alarm#"


@dataclass(frozen=True, slots=True)
class Responder:
    """The ``alarm`` function of the stack ``owner``."""

    owner: str
    refusals: RefusalReporter
    collector: Collector
    registry: Registry
    topic: Topic
    queue: AlarmQueue
    dead_letter_queue: DeadLetterQueue
    metrics: MetricsSink
    now: Now

    def respond(self, event: AlarmEvent) -> None:
        """Do what ``event`` asks for. Raises BusyError while another invocation works on the same subject."""
        match event:
            case AlarmChange():
                self._on_alarm(event)
            case RouteStateChange():
                self._on_route_state(event)
            case TargetUnhealthy():
                self._on_unhealthy(event)
            case FollowUp():
                self._on_look_again(event)

    def _on_alarm(self, alarm: AlarmChange) -> None:
        if alarm.state not in {"ALARM", "OK"}:  # INSUFFICIENT_DATA says nothing about the route
            return
        self._check_ours(alarm)
        change = Change(alarm.state, alarm.previous, alarm.at, bad=alarm.state == "ALARM")
        self._apply(_ALARM + alarm.name, change, codec.dumps(alarm))

    def _check_ours(self, alarm: AlarmChange) -> None:
        """Raise ForeignEventError unless the alarm is one that this stack keeps: anybody may put one with our prefix."""
        prefix, subject = metric_names.alarm_prefix(self.owner), _subject(alarm)
        if isinstance(subject, StackSubject):
            is_ours = alarm.name.removeprefix(f"{prefix}stack/") in metric_names.STACK_ALARMS
        else:
            name = metric_names.alarm_name(self.owner, subject.lattice_service, subject.service, subject.route)
            # Without a claim, the end of an incident is still to be reported.
            is_known = self._claim(subject) is not None or self._load(_ALARM + alarm.name)[1].is_open
            is_ours = alarm.name == name and is_known
        if not is_ours:
            raise ForeignEventError(
                f"The alarm {cut(alarm.name, VALUE)!r} is not one of this stack, whose alarms begin with {prefix}, or of a "
                "route that the registry does not know."
            )

    def _claim(self, subject: RouteSubject) -> ClaimRecord | None:
        claims, wanted = self.registry.claims_of(subject.service), (subject.lattice_service, subject.route)
        return next((found for found in claims if (found.lattice_service, found.claim.route.name) == wanted), None)

    def _end_if_unwatched(self, text: str | None, incident: Incident) -> None:
        """What was reported as begun is reported as ended, also where its alarm was deleted, which changes no state."""
        if not incident.notified:
            return
        if not incident.recovered_at and self._why_unwatched(incident):
            self._send(text, incident, "unwatched")
        else:
            self._incidents.put(incident.key, text, self._watched(incident))

    def _why_unwatched(self, incident: Incident) -> str:
        """Why the route of the incident has no alarm any more, in a sentence; empty where it has one, as the stack does."""
        subject = _subject(codec.loads(AlarmChange, incident.context))
        return "" if isinstance(subject, StackSubject) else why_unwatched(self._claim(subject))

    def _watched(self, incident: Incident) -> Incident:
        """The incident once the next look whether its alarm still exists is on its way: one at a time."""
        if self.now() < incident.look_at:
            return incident
        look = alarms.follow_up(incident.key, incident.id, alarms.STILL_WATCHED)
        self.queue.send_later(look, _MAXIMUM_DELAY_SECONDS)
        return dataclasses.replace(incident, look_at=self.now() + _MAXIMUM_DELAY_SECONDS)

    def _on_route_state(self, event: RouteStateChange) -> None:
        if event.owner != self.owner:
            raise ForeignEventError(f"A route event of the stack {event.owner!r}; this is {self.owner!r}.")
        self.refusals.look(event.service, is_requested=True)

    def _on_unhealthy(self, event: TargetUnhealthy) -> None:
        """Count it for the alarms of all routes of the service: ECS replaces such a task at once, so the probe, which reads
        the targets once a minute, may never see it."""
        records = [record for record in self.registry.claims_of(event.service) if is_measured(record)]
        service = self.collector.sources.service(event.service) if records else None
        for record in records:
            route = record.claim.route
            if service is None or not is_within_grace(service, route.health_grace, self.now()):
                dimensions = metric_names.dimensions(record.lattice_service, event.service, route.name)
                self.metrics.publish(dimensions, {metric_names.IMPAIRED: 1.0})

    def _on_look_again(self, event: FollowUp) -> None:
        kind, _, rest = event.key.partition("#")
        if f"{kind}#" in {report_refusals.PREFIX, report_refusals.OLD_PREFIX}:
            self.refusals.look(ServiceId(rest.partition("#")[0]), is_requested=False)
            return
        text, incident = self._settled(event.key)
        if not incident.is_open or incident.id != event.id:
            return
        if event.since == alarms.STILL_WATCHED:
            self._end_if_unwatched(text, incident)
            return
        if not incident.notified:
            self._send(text, incident, "unwatched" if self._why_unwatched(incident) else "again")
        elif incident.recovered_at and event.since in {0.0, incident.recovered_at}:
            self._send(text, incident, "end")

    def _apply(self, key: str, change: Change, context: str) -> None:
        text, before = self._settled(key)
        after, step = apply_event(before, change)
        if after == before:
            return
        after = dataclasses.replace(after, context=context)
        if step:
            self._send(text, after, step)
        else:
            self._incidents.put(key, text, after)

    def _settled(self, key: str) -> tuple[str | None, Incident]:
        """The stored incident, once the message that an invocation was sending when it died has been sent. Raises BusyError
        while that invocation may still be running."""
        text, incident = self._load(key)
        if not incident.sending:
            return text, incident
        if self.now() - incident.sending_at < SENDING_SECONDS:
            raise BusyError(f"Another invocation is sending the message about {key}.")
        self._send(text, incident, incident.sending)
        return self._load(key)

    def _send(self, text: str | None, incident: Incident, step: Step) -> None:
        """Publish the message of ``step`` between two conditional writes, so that no two invocations do at once."""
        sending = dataclasses.replace(incident, sending=step)
        text, sent = self._incidents.publish(incident.key, text, sending, lambda: self._publish(incident, step))
        self._incidents.put(incident.key, text, dataclasses.replace(sent, sending="", sending_at=0.0))

    def _publish(self, incident: Incident, step: Step) -> Incident:
        """The incident once the message of ``step`` was published or postponed."""
        alarm = codec.loads(AlarmChange, incident.context)
        subject = _subject(alarm)
        if step in {"close", "end"}:
            return self._publish_recovery(incident, alarm, subject)
        if step == "unwatched" and isinstance(subject, RouteSubject):
            return self._publish_unwatched(incident, subject)
        if isinstance(subject, StackSubject):
            sample, unread = self._dead_letters(subject)
            problem = stack_messages.alarm_message(incident, alarm, subject, sample, unread)
            return self._published(notified(incident, subject.part), problem)
        return self._publish_route(incident, alarm, subject, step)

    def _publish_recovery(
        self, incident: Incident, alarm: AlarmChange, subject: RouteSubject | StackSubject
    ) -> Incident:
        """Once the alarm has been off for long enough: one message, however often it was flapping. None where the message
        about the refusal of the route stands: what ends that says how the route is then."""
        if isinstance(subject, RouteSubject) and self.refusals.is_last_word(subject, self._claim(subject)):
            return closed(incident)
        left = math.ceil(incident.recovered_at + incident.hold_seconds - self.now())
        if left > 0:
            return self._postponed(incident, left, incident.recovered_at)
        recovery = (
            stack_messages.recovery_message(incident, alarm, subject)
            if isinstance(subject, StackSubject)
            else route_messages.recovery_message(incident, subject)
        )
        return closed(self._published(incident, recovery), at=self.now())

    def _publish_unwatched(self, incident: Incident, subject: RouteSubject) -> Incident:
        """The incident without an alarm. The message about a refusal of the route has said more than this one could."""
        if not incident.notified or self.refusals.is_told(subject):
            return closed(incident)
        content = route_messages.unwatched_message(incident, subject, self._why_unwatched(incident), self.now())
        return closed(self._published(incident, content))

    def _publish_route(self, incident: Incident, alarm: AlarmChange, subject: RouteSubject, step: Step) -> Incident:
        evidence = self.collector.collect(subject)
        if seconds := postpone.delay(evidence, incident.opened_at, again=step == "again"):
            return self._postponed(incident, seconds)
        findings = causes.diagnose(evidence)
        reported = notified(incident, route_messages.code_of(findings))
        problem = route_messages.alarm_message(incident, alarm, evidence, findings)
        return self._watched(self._published(reported, problem))

    def _postponed(self, incident: Incident, seconds: int, since: float = 0.0) -> Incident:
        look = alarms.follow_up(incident.key, incident.id, since)
        self.queue.send_later(look, min(seconds, _MAXIMUM_DELAY_SECONDS))
        return incident

    def _published(self, incident: Incident, content: Message) -> Incident:
        self.topic.publish(content.mail_subject, message.text(content), message.chat(content))
        return dataclasses.replace(incident, notified_at=self.now())

    def _dead_letters(self, subject: StackSubject) -> tuple[DeadLetterSample | None, str]:
        """Messages of the dead-letter queue, or why they could not be read; neither where the alarm is about another part."""
        if subject.part != "deadLetters" or not subject.name:
            return None, ""
        try:
            return self.dead_letter_queue.sample(subject.name), ""
        except AwsError as error:
            return None, str(error)

    def _load(self, key: str) -> tuple[str | None, Incident]:
        text = self._incidents.text(key)
        return text, Incident(key) if text is None else codec.loads(Incident, text)

    @property
    def _incidents(self) -> IncidentStore:
        return IncidentStore(self.registry, self.now)


def _subject(alarm: AlarmChange) -> RouteSubject | StackSubject:
    return subjects.of_alarm(alarm.arn, alarm.namespace, alarm.metric, dict(alarm.dimensions))
