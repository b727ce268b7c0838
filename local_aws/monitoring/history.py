"""The history of alarms for DescribeAlarmHistory, which outlives the alarm (API Reference, DescribeAlarmHistory)."""

import json
from dataclasses import dataclass
from typing import Any

from local_aws.monitoring.reasons import stamp
from local_aws.monitoring.shapes import Change, State


@dataclass(frozen=True, slots=True)
class Item:
    """One entry; ``at`` in seconds since the epoch, ``data`` as JSON."""

    alarm_name: str
    at: float
    type: str
    summary: str
    data: str


def configured(name: str, at: float, what: str) -> Item:
    """``what`` is created, updated or deleted."""
    kind = {"created": "Create", "updated": "Update", "deleted": "Delete"}[what]
    return Item(name, at, "ConfigurationUpdate", f'Alarm "{name}" {what}', _json({"version": "1.0", "type": kind}))


def changed(change: Change) -> Item:
    summary = f"Alarm updated from {change.before.value} to {change.after.value}"
    data = {"version": "1.0", "oldState": _state(change.before), "newState": _state(change.after)}
    return Item(change.alarm.name, change.after.at, "StateUpdate", summary, _json(data))


def acted(change: Change, arn: str, error: str | None) -> Item:
    """An action that was executed, or failed with ``error``."""
    done = "Successfully executed" if error is None else "Failed to execute"
    data = {
        "actionState": "Succeeded" if error is None else "Failed",
        "stateUpdateTimestamp": stamp(change.after.at),
        "notificationResource": arn,
        **({"error": error} if error else {}),
    }
    behind = "" if error is None else f'. Received error: "{error}"'
    return Item(change.alarm.name, change.after.at, "Action", f"{done} action {arn}{behind}", _json(data))


def _state(state: State) -> dict[str, Any]:
    data = {"stateReasonData": json.loads(state.data)} if state.data else {}
    return {"stateValue": state.value, "stateReason": state.reason, **data}


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
