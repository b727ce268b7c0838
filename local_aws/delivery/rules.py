"""EventBridge: an event goes to the targets of all rules of its bus whose pattern it matches."""

import json
import queue
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.events.models import EventPattern, EventsBackend, Rule, events_backends

from local_aws import extend
from local_aws.delivery import inputs
from local_aws.delivery.targets import Delivery, DeliveryError, Sender, deliver, group_id_of, send
from local_aws.eventbus import ACCOUNT, DEFAULT_BUS, REGION
from local_aws.runtime.asynchronous import AsynchronousInvocations
from local_aws.runtime.values import Trigger
from local_aws.services import events as event_buses

SERVICE = "events.amazonaws.com"


@dataclass(frozen=True, slots=True)
class Posted:
    """An event to deliver; with ``rule``, to the targets of that rule only (a schedule)."""

    bus: str
    event: Mapping[str, Any]
    rule: Rule | None = None


class Rules:
    """Delivers events in the order of publication on its own thread: publishers never wait."""

    def __init__(self, asynchronous: AsynchronousInvocations) -> None:
        self._asynchronous = asynchronous
        self._posted: queue.Queue[Posted | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name="local-aws-events", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._posted.put(None)
        self._thread.join(timeout=5)

    def post(self, posted: Posted) -> None:
        """Queue an event for delivery."""
        self._posted.put(posted)

    def _run(self) -> None:
        while (posted := self._posted.get()) is not None:
            try:
                self._deliver(posted)
            except Exception as error:
                print(f"Event {posted.event.get('id')} could not be delivered: {error!r}", file=sys.stderr)

    def _deliver(self, posted: Posted) -> None:
        bus = events_backends[ACCOUNT][REGION].event_buses.get(posted.bus)
        rules = [posted.rule] if posted.rule else [rule for rule in _rules_of(bus) if _matches(rule, posted.event)]
        for rule in rules:
            for target in list(rule.targets):
                self._deliver_to(rule, target, posted.event)

    def _deliver_to(self, rule: Rule, target: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        source = "schedule" if rule.scheduled_expression else "eventbridge"
        detail = {"rule": rule.name, "eventIds": [event["id"]], "detailType": event["detail-type"]}
        text = inputs.text_for(target, event, rule.arn, rule.name)
        try:
            group_id = group_id_of(target, event)
            delivery = Delivery(text, Trigger(source, detail), SERVICE, rule.arn, target.get("RoleArn"), group_id)
            deliver(target["Arn"], delivery, self._asynchronous)
        except DeliveryError as error:
            self._dead_letter(rule, target, text, error)

    def _dead_letter(self, rule: Rule, target: Mapping[str, Any], text: str, error: DeliveryError) -> None:
        """Send an event to the target's dead-letter queue (EventBridge User Guide, "Dead-letter queues"), or report it."""
        dead_letters = (target.get("DeadLetterConfig") or {}).get("Arn")
        if dead_letters is None:
            print(f"Rule {rule.name}: an event was dropped: {error}", file=sys.stderr)
            return
        attributes = {
            "RULE_ARN": rule.arn,
            "TARGET_ARN": target["Arn"],
            "ERROR_CODE": error.code,
            "ERROR_MESSAGE": str(error),
        }
        send(dead_letters, text, attributes, Sender(SERVICE, rule.arn), self._asynchronous)


def _rules_of(bus: Any) -> list[Rule]:
    return [rule for rule in list(bus.rules.values()) if rule.event_pattern.dump()] if bus else []


def _matches(rule: Rule, event: Mapping[str, Any]) -> bool:
    return rule.state != "DISABLED" and rule.event_pattern.matches_event(event)  # type: ignore[arg-type]


class LocalEventsBackend(EventsBackend):
    """moto's, with PutEvents that publishes to the local AWS's event buses."""

    def put_events(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len(events) > 10:
            return super().put_events(events)  # rejects it in AWS's words
        return [self._put(event) for event in events]

    def _put(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        for name in ("Source", "DetailType", "Detail"):
            if not entry.get(name):
                return _refused(
                    "InvalidArgument", f"Parameter {name} is not valid. Reason: {name} is a required argument."
                )
        if entry["Source"].startswith("aws."):
            return _refused("NotAuthorizedForSourceException", "Not authorized for the source.")
        try:
            detail = json.loads(entry["Detail"])
        except ValueError:
            detail = None
        if not isinstance(detail, dict):
            return _refused("MalformedDetail", "Detail is malformed.")
        bus = self._normalize_event_bus_arn(entry.get("EventBusName")) or DEFAULT_BUS
        event = event_buses().publish(entry["Source"], entry["DetailType"], entry.get("Resources") or [], detail, bus)
        return {"EventId": event["id"]}


def _refused(code: str, message: str) -> dict[str, Any]:
    return {"ErrorCode": code, "ErrorMessage": message}


def _flatten(node: Any, prefix: str = "", result: dict[str, Any] | None = None) -> dict[str, Any]:
    """moto's, extended to objects within arrays, whose values EventBridge treats as alternatives.

    EventBridge also requires that one element match all fields; that is not modeled here.
    """
    result = {} if result is None else result
    for name, value in node.items():
        key = f"{prefix}.{name}" if prefix else name
        if isinstance(value, dict) and value:
            _flatten(value, key, result)
        elif isinstance(value, list) and any(isinstance(element, dict) for element in value):
            for element in value:
                for inner, found in _flatten(element, key).items() if isinstance(element, dict) else ():
                    values = found if isinstance(found, list) else [found]
                    result[inner] = [*result.get(inner, []), *values]
        else:
            result[key] = value
    return result


def install() -> None:
    """Replace moto's EventBridge."""
    extend.install("events", LocalEventsBackend)
    EventPattern._flatten_dict = staticmethod(_flatten)  # type: ignore[method-assign]
