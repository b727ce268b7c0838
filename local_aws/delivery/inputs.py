"""The input of a target: the event, a part of it, a constant, or a transformed text (EventBridge User Guide, "Input").

Paths are EventBridge's JSON paths: ``$``, names after dots, array indices in brackets.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\['([^']+)'\]")
_PLACEHOLDER = re.compile(r"<([^<>\s]+)>")
_MISSING = object()


def compact(value: Any) -> str:
    """JSON in EventBridge's format: without spaces."""
    return json.dumps(value, separators=(",", ":"))


def text_for(target: Mapping[str, Any], event: Mapping[str, Any], rule_arn: str, rule_name: str) -> str:
    """The text that ``target`` receives for ``event``."""
    if target.get("Input") is not None:
        return str(target["Input"])
    if target.get("InputPath") is not None:
        found = resolve(target["InputPath"], event)
        return compact(None if found is _MISSING else found)
    if target.get("InputTransformer"):
        return _transform(target["InputTransformer"], event, rule_arn, rule_name)
    return compact(event)


def resolve(path: str, event: Mapping[str, Any]) -> Any:
    """The value at ``path``, or a sentinel where there is none (see :func:`is_missing`)."""
    if not path.startswith("$"):
        return _MISSING
    value: Any = event
    position = 1
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            return _MISSING
        name, index, quoted = step.groups()
        key: Any = int(index) if index is not None else name or quoted
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return _MISSING
        position = step.end()
    return value


def is_missing(value: Any) -> bool:
    """Whether :func:`resolve` found nothing."""
    return value is _MISSING


def _transform(transformer: Mapping[str, Any], event: Mapping[str, Any], rule_arn: str, rule_name: str) -> str:
    values = {name: resolve(path, event) for name, path in (transformer.get("InputPathsMap") or {}).items()}
    values |= {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_name,
        "aws.events.event": {k: v for k, v in event.items() if k != "detail"},
        "aws.events.event.json": event,
        "aws.events.event.ingestion-time": event.get("time"),
    }
    template = transformer["InputTemplate"]
    return _PLACEHOLDER.sub(lambda match: _filled(template, match, values), template)


def _filled(template: str, match: re.Match[str], values: Mapping[str, Any]) -> str:
    if match[1] not in values:
        return match[0]
    value = values[match[1]]
    # Inside quotes a value is text, outside it is JSON; a missing value is the empty string (assumption).
    value = "" if value is _MISSING else value
    before = template[: match.start()].replace('\\"', "")
    if before.count('"') % 2 == 0:
        return compact(value)
    return compact(value if isinstance(value, str) else compact(value))[1:-1]
