"""From one signal to what has to be said and done. One incident after the other, each step written down around it."""

import dataclasses
import math
from contextlib import suppress
from dataclasses import dataclass

from ecs_lattice import codec
from ecs_lattice.diagnosis import causes, message, postpone, route_messages, stack_messages, subjects
from ecs_lattice.diagnosis.collect import Collector
from ecs_lattice.diagnosis.incidents import Change, Incident, Step, ended, take
from ecs_lattice.diagnosis.message import Message
from ecs_lattice.diagnosis.ports import DeadLetterQueue, DeadLetterSample, Later, Topic
from ecs_lattice.diagnosis.subjects import RouteSubject, StackSubject, Subject
from ecs_lattice.errors import AwsError, BusyError, EcsLatticeError, UnknownEventError
from ecs_lattice.health import metric_names
from ecs_lattice.health.impaired import group_of, is_within_grace
from ecs_lattice.health.ports import MetricsSink
from ecs_lattice.messages import alarms
from ecs_lattice.messages.alarms import AlarmChange, AlarmEvent, FollowUp, RouteStateChange, TargetUnhealthy
from ecs_lattice.messages.announcements import StateChange
from ecs_lattice.ports import Now, Registry

KIND = "incident"
"""The kind of registry documents that remember incidents."""
_KEPT_SECONDS = 90 * 86400
_TELLING_SECONDS = 90  # longer than the function may run: who is still telling then has died
_BAD_STATES = {"Refused", "Conflicted"}
_WELL = "well"
# A route that was refused goes through these, to be Live or to be refused again in a moment: the end is not told at once.
_ON_THE_WAY = {"Pending", "Wired", "Attaching"}
_SETTLING_SECONDS = 120
_MAXIMUM_DELAY_SECONDS = 900  # Amazon SQS API, SendMessage
_ALARM, _ROUTE = "alarm#", "route#"


@dataclass(frozen=True, slots=True)
class Responder:
    """The ``alarm`` function. ``table`` is the registry's name, for commands in messages."""

    owner: str
    table: str
    collector: Collector
    memory: Registry
    topic: Topic
    later: Later
    dead_letter_queue: DeadLetterQueue
    metrics: MetricsSink
    now: Now

    def respond(self, signal: AlarmEvent) -> None:
        """Do what ``signal`` asks for. Raises BusyError when another invocation is telling of the same subject."""
        match signal:
            case AlarmChange():
                self._on_alarm(signal)
            case RouteStateChange():
                self._on_announcement(signal)
            case TargetUnhealthy():
                self._on_unhealthy(signal)
            case FollowUp():
                self._on_look_again(signal)

    def _on_alarm(self, alarm: AlarmChange) -> None:
        if not alarm.name.startswith(metric_names.alarm_prefix(self.owner)):
            raise UnknownEventError(
                f"The alarm {alarm.name!r} is not one of this stack; theirs begin with {metric_names.alarm_prefix(self.owner)}."
            )
        if alarm.state in {"ALARM", "OK"}:  # INSUFFICIENT_DATA says nothing of what is watched
            change = Change(alarm.state, alarm.previous, alarm.at, bad=alarm.state == "ALARM")
            self._take(_ALARM + alarm.name, change, codec.dumps(alarm))

    def _on_announcement(self, announced: RouteStateChange) -> None:
        change = announced.change
        if announced.owner != self.owner:
            raise UnknownEventError(f"An announcement of the stack {announced.owner!r}; this is {self.owner!r}.")
        key = f"{_ROUTE}{change.ecs_service}#{change.lattice_service}#{change.route}"
        # A route that is well is well, whatever its code says beside.
        state = f"{change.state} {change.code}" if change.state in _BAD_STATES else _WELL
        before = f"{change.previous_state} {change.previous_code}" if change.previous_state in _BAD_STATES else _WELL
        self._take(key, Change(state, before, announced.at, bad=state != _WELL), codec.dumps(change))

    def _on_unhealthy(self, signal: TargetUnhealthy) -> None:
        """Count it for the alarms of all routes of the service: ECS replaces such a task at once, so that no look at the
        targets, once a minute, may ever see it."""
        records = [record for record in self.memory.claims_of(signal.service) if group_of(record) is not None]
        if not records:
            return
        seen = self.collector.sources.service(signal.service)
        for record in records:
            route = record.claim.route
            if seen is None or not is_within_grace(seen.service, route.health_grace, self.now()):
                dimensions = metric_names.dimensions(record.lattice_service, signal.service, route.name)
                self.metrics.publish(dimensions, {metric_names.IMPAIRED: 1.0})

    def _on_look_again(self, signal: FollowUp) -> None:
        text, incident = self._load(signal.key)
        text, incident = self._finish_telling(text, incident)
        if not incident.is_open or incident.id != signal.id:
            return
        if not incident.told:
            self._say(text, incident, "again")
        elif incident.well_at and signal.since in {0.0, incident.well_at}:
            self._say(text, incident, "end")

    def _take(self, key: str, change: Change, context: str) -> None:
        text, before = self._load(key)
        text, before = self._finish_telling(text, before)
        after, step = take(before, change)
        if after == before:
            return
        after = dataclasses.replace(after, context=context)
        if step:
            self._say(text, after, step)
        else:
            self._store(text, after)

    def _finish_telling(self, text: str | None, incident: Incident) -> tuple[str | None, Incident]:
        """Tell what somebody was about to tell when he died; who is still about it is waited for."""
        if not incident.telling:
            return text, incident
        if self.now() - incident.telling_at < _TELLING_SECONDS:
            raise BusyError(f"Another invocation is telling of {incident.key}.")
        self._say(text, incident, incident.telling)
        return self._load(incident.key)

    def _say(self, text: str | None, incident: Incident, step: Step) -> None:
        """Publish the message of ``step`` between two conditional writes, so that no two tell at once."""
        telling = dataclasses.replace(incident, telling=step, telling_at=self.now())
        text = self._store(text, telling)
        try:
            told = self._publish(incident, step)
        except BaseException:
            # The next delivery need not wait until this one counts as dead; when this fails, too, it waits.
            with suppress(EcsLatticeError):
                self._store(text, dataclasses.replace(telling, telling_at=0.0))
            raise
        self._store(text, dataclasses.replace(told, telling="", telling_at=0.0))

    def _publish(self, incident: Incident, step: Step) -> Incident:
        """The incident once the message of ``step`` went out, or once it was put off."""
        if incident.key.startswith(_ROUTE):
            change: StateChange = codec.loads(StateChange, incident.context)
            return self._publish_refusal(incident, change, step)
        alarm: AlarmChange = codec.loads(AlarmChange, incident.context)
        subject = subjects.of_alarm(alarm.arn, alarm.namespace, alarm.metric, dict(alarm.dimensions))
        if step in {"close", "end"}:
            return self._publish_end(incident, alarm, subject)
        if isinstance(subject, StackSubject):
            return self._publish_stack(incident, alarm, subject)
        return self._publish_route(incident, alarm, subject, step)

    def _publish_end(self, incident: Incident, alarm: AlarmChange, subject: Subject) -> Incident:
        """Tell that it is over once it has been well for long enough: what comes and goes is told once."""
        left = math.ceil(incident.well_at + incident.held_for - self.now())
        if left > 0:
            look = alarms.follow_up(incident.key, incident.id, incident.well_at)
            self.later.send_later(look, min(left, _MAXIMUM_DELAY_SECONDS))
            return incident
        over = (
            stack_messages.well_again(incident, alarm, subject, incident.well_at)
            if isinstance(subject, StackSubject)
            else route_messages.well_again(incident, subject, incident.well_at)
        )
        return ended(self._send(incident, over), over_at=self.now())

    def _publish_route(self, incident: Incident, alarm: AlarmChange, subject: RouteSubject, step: Step) -> Incident:
        evidence = self.collector.collect(subject)
        wait_for = postpone.wait_again_for if step == "again" else postpone.wait_for
        if seconds := wait_for(evidence, incident.opened_at):
            self.later.send_later(alarms.follow_up(incident.key, incident.id), seconds)
            return incident
        findings = causes.diagnose(evidence)
        told = dataclasses.replace(
            incident, told=True, told_state=incident.state, cause=route_messages.code_of(findings)
        )
        return self._send(told, route_messages.not_well(incident, alarm, evidence, findings))

    def _publish_refusal(self, incident: Incident, change: StateChange, step: Step) -> Incident:
        if step == "close" and change.state in _ON_THE_WAY:
            self.later.send_later(alarms.follow_up(incident.key, incident.id), _SETTLING_SECONDS)
            return incident
        if step in {"close", "end"}:
            return self._send(ended(incident), route_messages.accepted(incident, change, incident.changed_at))
        told = dataclasses.replace(incident, told=True, told_state=incident.state, cause=change.code)
        return self._send(told, route_messages.refused(incident, change, self.table, again=step == "update"))

    def _publish_stack(self, incident: Incident, alarm: AlarmChange, subject: StackSubject) -> Incident:
        peek, unread = self._peek(subject)
        region = alarm.arn.split(":")[3]
        told = dataclasses.replace(incident, told=True, told_state=incident.state, cause=subject.part)
        return self._send(told, stack_messages.not_well(incident, alarm, subject, region, peek, unread))

    def _peek(self, subject: StackSubject) -> tuple[DeadLetterSample | None, str]:
        if subject.part != "deadLetters" or not subject.name:
            return None, ""
        try:
            return self.dead_letter_queue.peek(subject.name), ""
        except AwsError as error:
            return None, str(error)

    def _send(self, incident: Incident, words_to_say: Message) -> Incident:
        self.topic.publish(words_to_say.mail_subject, message.text(words_to_say), message.chat(words_to_say))
        return dataclasses.replace(incident, told_at=self.now())

    def _load(self, key: str) -> tuple[str | None, Incident]:
        text = self.memory.document(KIND, key)
        return text, Incident(key) if text is None else codec.loads(Incident, text)

    def _store(self, before: str | None, incident: Incident) -> str:
        """The text as stored. Raises BusyError when it is not ``before`` any more."""
        text = codec.dumps(incident)
        expires_at = self.now() + _KEPT_SECONDS
        if not self.memory.replace_document(KIND, incident.key, before, text, expires_at=expires_at):
            raise BusyError(f"Another invocation has changed what is known of {incident.key}.")
        return text
