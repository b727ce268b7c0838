"""Schedules fire on the local AWS's clock: EventBridge rules with a schedule, and EventBridge Scheduler's."""

import functools
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from moto.events.models import Rule, events_backends
from moto.scheduler.models import Schedule as SchedulerSchedule
from moto.scheduler.models import scheduler_backends

from local_aws import clock
from local_aws.delivery import expressions
from local_aws.delivery.inputs import compact
from local_aws.delivery.rules import Posted, Rules
from local_aws.delivery.targets import DeliveryError, Parcel, Sender, deliver, send
from local_aws.eventbus import ACCOUNT, REGION
from local_aws.runtime.asynchronous import AsynchronousInvocations
from local_aws.runtime.values import Trigger

SERVICE = "scheduler.amazonaws.com"
_LOOK_SECONDS = 0.2
"""Real time between two looks for schedules that are new, changed or gone."""


@dataclass(frozen=True, slots=True)
class _Armed:
    """A schedule whose next time stands on the clock; ``form`` is what it looked like then."""

    form: tuple[Any, ...]
    timer: clock.Timer


class Schedules:
    """Keeps a timer for every enabled schedule there is. The first time is one period after it was made."""

    def __init__(self, rules: Rules, asynchronous: AsynchronousInvocations) -> None:
        self._rules = rules
        self._asynchronous = asynchronous
        self._armed: dict[str, _Armed] = {}
        self._refused: set[tuple[str, str]] = set()
        self._stopped = False

    def start(self) -> None:
        self._look()

    def stop(self) -> None:
        self._stopped = True
        for armed in self._armed.values():
            armed.timer.cancel()

    def _look(self) -> None:
        """Runs on the clock's thread, as everything here does, so that nothing needs a lock."""
        if self._stopped:
            return
        try:
            self._compare()
        finally:
            clock.call_later(_LOOK_SECONDS * getattr(clock.current(), "speed", 1.0), self._look)

    def _compare(self) -> None:
        wanted = {**_rules(self._fire_rule), **_schedules(self._fire_schedule)}
        for arn in self._armed.keys() - wanted.keys():
            self._armed.pop(arn).timer.cancel()
        for arn, (form, fire) in wanted.items():
            armed = self._armed.get(arn)
            if armed is not None and armed.form == form:
                continue
            if armed is not None:
                armed.timer.cancel()
            self._arm(arn, form, fire)

    def _arm(self, arn: str, form: tuple[Any, ...], fire: Callable[[float], None]) -> None:
        expression, time_zone = form[:2]
        try:
            schedule = expressions.parse(expression, clock.current().time(), time_zone)
        except ValueError as error:
            if (arn, expression) not in self._refused:
                self._refused.add((arn, expression))
                print(f"{arn} never fires: {error}", file=sys.stderr)
            return
        self._next(arn, form, schedule, fire, clock.current().time())

    def _next(
        self,
        arn: str,
        form: tuple[Any, ...],
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
                self._next(arn, form, schedule, fire, max(moment, clock.current().time()))
                fire(moment)

        self._armed[arn] = _Armed(form, clock.call_later(due - clock.current().time(), act))

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
        # The scheduler acts in the target's role, which trusts it for its schedule group (EventBridge Scheduler User
        # Guide, "Confused deputy prevention").
        group = schedule.arn.replace(":schedule/", ":schedule-group/").rpartition("/")[0]
        sender = Sender(SERVICE, group, target.get("RoleArn"))
        trigger = Trigger("schedule", {"schedule": schedule.name, "executionId": execution})
        try:
            parcel = Parcel(text, trigger, sender.service, sender.source_arn, sender.role_arn, group_id)
            deliver(target["Arn"], parcel, self._asynchronous)
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
