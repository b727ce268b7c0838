"""The embedded metric format: log lines from which CloudWatch Logs extracts metrics.

Source: CloudWatch User Guide, "Specification: Embedded metric format". A line is such a document if it is a JSON object
whose ``_aws`` has ``CloudWatchMetrics``; an invalid document yields no metrics.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local_aws.monitoring.store import HIGH, STANDARD, Metric

_MOST_METRICS, _MOST_VALUES, _MOST_DIMENSIONS = 100, 100, 30


class EmfError(ValueError):
    """A log line is an invalid EMF document; the text names the problem."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One value of one metric, at ``at`` seconds since the epoch; standard ``resolution`` is 60, high is 1."""

    metric: Metric
    value: float
    at: float
    unit: str
    resolution: int


def parse(message: str) -> tuple[Recorded, ...]:
    """The values in a log line; empty for other lines. EmfError if the document is invalid."""
    if '"CloudWatchMetrics"' not in message:
        return ()
    try:
        document = json.loads(message)
    except ValueError:
        return ()
    metadata = document.get("_aws") if isinstance(document, dict) else None
    if not isinstance(metadata, dict) or "CloudWatchMetrics" not in metadata:
        return ()
    at, directives = metadata.get("Timestamp"), metadata["CloudWatchMetrics"]
    if isinstance(at, bool) or not isinstance(at, int | float):
        raise EmfError(f"_aws.Timestamp must be a number of milliseconds, not {at!r}")
    if not isinstance(directives, list):
        raise EmfError("_aws.CloudWatchMetrics must be a list")
    return tuple(recorded for directive in directives for recorded in _directive(document, directive, at / 1000))


def _directive(document: Mapping[str, Any], directive: Any, at: float) -> Iterator[Recorded]:
    if not isinstance(directive, dict) or not isinstance(directive.get("Namespace"), str):
        raise EmfError("each of _aws.CloudWatchMetrics needs a Namespace")
    sets, metrics = directive.get("Dimensions"), directive.get("Metrics")
    if not isinstance(sets, list) or not all(isinstance(names, list) for names in sets):
        raise EmfError("Dimensions must be a list of lists of names")
    if not isinstance(metrics, list) or len(metrics) > _MOST_METRICS:
        raise EmfError(f"Metrics must be a list of at most {_MOST_METRICS}")
    for names in sets or [[]]:
        if len(names) > _MOST_DIMENSIONS:
            raise EmfError(f"a dimension set has {len(names)} names; at most {_MOST_DIMENSIONS} are allowed")
        dimensions = {name: _dimension(document, name) for name in names}
        for definition in metrics:
            metric = Metric.of(directive["Namespace"], _name(definition), dimensions)
            unit = definition.get("Unit", "None")
            resolution = HIGH if definition.get("StorageResolution", STANDARD) == HIGH else STANDARD
            for value in _values(document, metric.name):
                yield Recorded(metric, value, at, unit, resolution)


def _name(definition: Any) -> str:
    if not isinstance(definition, dict) or not isinstance(definition.get("Name"), str):
        raise EmfError("each of Metrics needs a Name")
    return str(definition["Name"])


def _dimension(document: Mapping[str, Any], name: Any) -> str:
    value = document.get(name) if isinstance(name, str) else None
    if not isinstance(value, str) or not value:
        raise EmfError(f"dimension {name!r} needs a text in the document, not {value!r}")
    return value


def _values(document: Mapping[str, Any], name: str) -> list[float]:
    """The target member of a metric: a number, or up to 100 of them."""
    target = document.get(name)
    values: list[Any] = target if isinstance(target, list) else [target]
    if len(values) > _MOST_VALUES:
        raise EmfError(f"metric {name!r} has {len(values)} values; at most {_MOST_VALUES} are allowed")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise EmfError(f"metric {name!r} needs a number or numbers in the document, not {target!r}")
    return [float(value) for value in values]
