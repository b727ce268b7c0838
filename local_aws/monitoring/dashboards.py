"""Validation of dashboard bodies.

Source: CloudWatch API Reference, "Dashboard body structure and syntax": a grid 24 columns wide; widgets with a type and
properties; metric widgets with metrics or alarms as annotations.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from moto.cloudwatch.exceptions import DashboardInvalidInputError

_TYPES = ("alarm", "custom", "explorer", "log", "metric", "text")
_NEEDS = {
    "alarm": ("alarms",), "custom": ("endpoint",), "explorer": ("metrics",), "log": ("query",), "metric": (), "text": ("markdown",),
}  # fmt: skip
_GRID = {"x": (0, 23), "y": (0, 1_000_000), "width": (1, 24), "height": (1, 1000)}
_MOST_WIDGETS = 500


def check(name: str, body: str) -> None:
    """Raise DashboardInvalidInputError with all problems of the dashboard."""
    found = list(problems(body))
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,255}", name or ""):
        found.append(f"DashboardName {name!r}: 1 to 255 of A-Z a-z 0-9 - _ are allowed")
    if found:
        raise DashboardInvalidInputError(f"The dashboard body is invalid: {'; '.join(found)}")


def problems(body: str) -> Iterator[str]:
    """The problems of a dashboard body."""
    try:
        parsed = json.loads(body)
    except (ValueError, TypeError) as error:
        yield f"it is not JSON: {error}"
        return
    widgets = parsed.get("widgets") if isinstance(parsed, dict) else None
    if not isinstance(widgets, list):
        yield "widgets must be a list"
        return
    if len(widgets) > _MOST_WIDGETS:
        yield f"{len(widgets)} widgets; at most {_MOST_WIDGETS} are allowed"
    for number, widget in enumerate(widgets):
        for problem in _widget(widget):
            yield f"/widgets/{number}: {problem}"


def _widget(widget: Any) -> Iterator[str]:
    if not isinstance(widget, dict) or widget.get("type") not in _TYPES:
        yield f"type must be one of {', '.join(_TYPES)}"
        return
    for name, (low, high) in _GRID.items():
        value = widget.get(name, low)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            yield f"{name} must be a whole number from {low} to {high}, not {value!r}"
    properties = widget.get("properties")
    if not isinstance(properties, dict):
        yield "properties must be an object"
        return
    yield from (f"properties.{name} is needed" for name in _NEEDS[widget["type"]] if not properties.get(name))
    if widget["type"] == "metric":
        yield from _metric(properties)
    if widget["type"] in ("metric", "log") and not properties.get("region"):
        yield "properties.region is needed"


def _metric(properties: Mapping[str, Any]) -> Iterator[str]:
    metrics, annotations = properties.get("metrics"), properties.get("annotations") or {}
    if metrics is None and not annotations.get("alarms"):
        yield "properties.metrics or properties.annotations.alarms is needed"
    if metrics is not None and not isinstance(metrics, list):
        yield "properties.metrics must be a list"
        return
    for number, metric in enumerate(metrics or ()):
        if not isinstance(metric, list) or not metric:
            yield f"properties.metrics/{number} must be a list that is not empty"
        elif isinstance(metric[0], dict):
            if len(metric) != 1 or "expression" not in metric[0]:
                yield f"properties.metrics/{number} begins with an object, which must be an expression and alone"
        else:
            names = metric[:-1] if isinstance(metric[-1], dict) else metric
            if len(names) < 2 or len(names) % 2 or not all(isinstance(word, str) for word in names):
                yield f"properties.metrics/{number} must be namespace, name, then pairs of dimension and value"
