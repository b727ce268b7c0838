"""EventBridge: what is on a bus goes to the targets of the rules whose pattern it matches."""

import json
import queue
import sys
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.events.models import EventPattern, EventsBackend, Rule, events_backends

from local_aws import clock, eventbus, extend
from local_aws.delivery import inputs
from local_aws.delivery.targets import DeliveryError, Parcel, Sender, deliver, group_id_of, send
from local_aws.eventbus import ACCOUNT, REGION
from local_aws.runtime.asynchronous import AsynchronousInvocations
from local_aws.runtime.values import Trigger

SERVICE = "events.amazonaws.com"


@dataclass(frozen=True, slots=True)
class Posted:
    """An event on its way; ``rule`` is given when only that rule's targets get it (a schedule)."""

    bus: str
    event: Mapping[str, Any]
    rule: Rule | None = None


class Rules:
    """Delivers events, in the order in which they were put, on a thread of its own: publishers never wait."""

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
        """Take an event for delivery."""
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
            parcel = Parcel(text, Trigger(source, detail), SERVICE, rule.arn, target.get("RoleArn"), group_id)
            deliver(target["Arn"], parcel, self._asynchronous)
        except DeliveryError as error:
            self._bury(rule, target, text, error)

    def _bury(self, rule: Rule, target: Mapping[str, Any], text: str, error: DeliveryError) -> None:
        """To the target's dead-letter queue (EventBridge User Guide, "Dead-letter queues"), or at least into sight."""
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


_rules: Rules | None = None


def use(rules: Rules | None) -> None:
    """Let ``rules`` deliver what is put on buses other than the default one, whose events pass the event bus."""
    global _rules  # noqa: PLW0603  moto's backends are global, and this stands behind one of them
    _rules = rules


class LocalEventsBackend(EventsBackend):
    """moto's, with PutEvents that goes through the local AWS's event bus."""

    def put_events(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len(events) > 10:
            return super().put_events(events)  # which refuses it in AWS's words
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
        bus = self._normalize_event_bus_arn(entry.get("EventBusName")) or "default"
        return {"EventId": _publish(bus, entry, detail)["id"]}


def _publish(bus: str, entry: Mapping[str, Any], detail: Mapping[str, Any]) -> Mapping[str, Any]:
    resources = entry.get("Resources") or []
    if bus == "default":
        return eventbus.publish(entry["Source"], entry["DetailType"], resources, detail)
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": entry["DetailType"],
        "source": entry["Source"],
        "account": ACCOUNT,
        "time": clock.iso(),
        "region": REGION,
        "resources": list(resources),
        "detail": detail,
    }
    if _rules is not None:
        _rules.post(Posted(bus, event))
    return event


def _refused(code: str, message: str) -> dict[str, Any]:
    return {"ErrorCode": code, "ErrorMessage": message}


def _flatten(node: Any, prefix: str = "", result: dict[str, Any] | None = None) -> dict[str, Any]:
    """moto's, and into objects within arrays, whose values EventBridge takes as alternatives.

    EventBridge also asks that several fields be met by one and the same element; that is not kept apart here.
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
    """Put this EventBridge in the place of moto's."""
    extend.install("events", LocalEventsBackend)
    EventPattern._flatten_dict = staticmethod(_flatten)  # type: ignore[method-assign]
