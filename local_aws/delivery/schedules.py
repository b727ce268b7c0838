"""Schedules on the local AWS's clock: EventBridge rules with a schedule, and EventBridge Scheduler."""

import functools
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from moto.events.models import Rule, events_backends
from moto.scheduler.models import Schedule as SchedulerSchedule
from moto.scheduler.models import scheduler_backends

from local_aws.clock import Clock, Timer
from local_aws.delivery import expressions
from local_aws.delivery.inputs import compact
from local_aws.delivery.rules import Posted, Rules
from local_aws.delivery.targets import Delivery, DeliveryError, Sender, deliver, send
from local_aws.eventbus import ACCOUNT, REGION
from local_aws.runtime.asynchronous import AsynchronousInvocations
from local_aws.runtime.values import Trigger

SERVICE = "scheduler.amazonaws.com"
_POLL_SECONDS = 0.2
"""Real time between two comparisons with the schedules that exist."""


@dataclass(frozen=True, slots=True)
class _Armed:
    """A schedule with its timer; ``definition`` is what the timer was set for."""

    definition: tuple[Any, ...]
    timer: Timer


class Schedules:
    """Keeps a timer for every enabled schedule. The first run is one period after its creation."""

    def __init__(self, rules: Rules, asynchronous: AsynchronousInvocations, clock: Clock) -> None:
        self._rules = rules
        self._asynchronous = asynchronous
        self._clock = clock
        self._armed: dict[str, _Armed] = {}
        self._refused: set[tuple[str, str]] = set()
        self._stopped = False

    def start(self) -> None:
        self._poll()

    def stop(self) -> None:
        self._stopped = True
        for armed in self._armed.values():
            armed.timer.cancel()

    def _poll(self) -> None:
        """Runs on the clock's thread, like all of this class, so no lock is needed."""
        if self._stopped:
            return
        try:
            self._compare()
        finally:
            self._clock.call_later(_POLL_SECONDS * (self._clock.speed or 1.0), self._poll)

    def _compare(self) -> None:
        wanted = {**_rules(self._fire_rule), **_schedules(self._fire_schedule)}
        for arn in self._armed.keys() - wanted.keys():
            self._armed.pop(arn).timer.cancel()
        for arn, (definition, fire) in wanted.items():
            armed = self._armed.get(arn)
            if armed is not None and armed.definition == definition:
                continue
            if armed is not None:
                armed.timer.cancel()
            self._arm(arn, definition, fire)

    def _arm(self, arn: str, definition: tuple[Any, ...], fire: Callable[[float], None]) -> None:
        expression, time_zone = definition[:2]
        try:
            schedule = expressions.parse(expression, self._clock.time(), time_zone)
        except ValueError as error:
            if (arn, expression) not in self._refused:
                self._refused.add((arn, expression))
                print(f"{arn} never fires: {error}", file=sys.stderr)
            return
        self._next(arn, definition, schedule, fire, self._clock.time())

    def _next(
        self,
        arn: str,
        definition: tuple[Any, ...],
        schedule: expressions.Schedule,
        fire: Callable[[float], None],
        after: float,
    ) -> None:
        due = schedule.next_after(after)
        if due is None:
            due, act = after + 365 * 86400, lambda: None
        else:
            moment = due

            def act() -> None:
                self._next(arn, definition, schedule, fire, max(moment, self._clock.time()))
                fire(moment)

        self._armed[arn] = _Armed(definition, self._clock.call_later(due - self._clock.time(), act))

    def _fire_rule(self, rule: Rule, moment: float) -> None:
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": ACCOUNT,
            "time": expressions.iso(moment),
            "region": REGION,
            "resources": [rule.arn],
            "detail": {},
        }
        self._rules.post(Posted(rule.event_bus_name, event, rule))

    def _fire_schedule(self, schedule: SchedulerSchedule, moment: float) -> None:
        target, execution = schedule.target, str(uuid.uuid4())
        text = str(target.get("Input") or compact({}))
        for name, value in {
            "schedule-arn": schedule.arn,
            "scheduled-time": expressions.iso(moment),
            "execution-id": execution,
            "attempt-number": "1",
        }.items():
            text = text.replace(f"<aws.scheduler.{name}>", value)
        group_id = (target.get("SqsParameters") or {}).get("MessageGroupId")
        # The scheduler assumes the target's role, which trusts it for its schedule group (EventBridge Scheduler User
        # Guide, "Confused deputy prevention").
        group = schedule.arn.replace(":schedule/", ":schedule-group/").rpartition("/")[0]
        sender = Sender(SERVICE, group, target.get("RoleArn"))
        trigger = Trigger("schedule", {"schedule": schedule.name, "executionId": execution})
        try:
            delivery = Delivery(text, trigger, sender.service, sender.source_arn, sender.role_arn, group_id)
            deliver(target["Arn"], delivery, self._asynchronous)
        except DeliveryError as error:
            dead_letters = (target.get("DeadLetterConfig") or {}).get("Arn")
            print(f"Schedule {schedule.name}: {error}", file=sys.stderr)
            if dead_letters:
                attributes = {"ERROR_CODE": error.code, "ERROR_MESSAGE": str(error), "TARGET_ARN": target["Arn"]}
                send(dead_letters, text, attributes, sender, self._asynchronous)


_Wanted = dict[str, tuple[tuple[Any, ...], Callable[[float], None]]]


def _rules(fire: Callable[[Rule, float], None]) -> _Wanted:
    return {
        rule.arn: ((rule.scheduled_expression, "UTC"), functools.partial(fire, rule))
        for bus in list(events_backends[ACCOUNT][REGION].event_buses.values())
        for rule in list(bus.rules.values())
        if rule.scheduled_expression and rule.state != "DISABLED"
    }


def _schedules(fire: Callable[[SchedulerSchedule, float], None]) -> _Wanted:
    return {
        schedule.arn: (
            (schedule.schedule_expression, schedule.schedule_expression_timezone, schedule.last_modified_date),
            functools.partial(fire, schedule),
        )
        for group in list(scheduler_backends[ACCOUNT][REGION].schedule_groups.values())
        for schedule in list(group.schedules.values())
        if schedule.state == "ENABLED"
    }
