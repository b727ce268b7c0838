"""Validation of requests and responses against botocore's service model of VPC Lattice.

An invalid request is the client's error and becomes a ValidationException that names every invalid field; an invalid
response is a bug of this package and raises :class:`BadAnswerError`.
"""

import functools
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from botocore.loaders import Loader

from local_aws.lattice import errors

Problem = tuple[str, str]


class BadAnswerError(AssertionError):
    """A response of the local VPC Lattice violates the service model."""


@functools.cache
def model() -> dict[str, Any]:
    """The service model, as botocore ships it."""
    return Loader().load_service_model("vpc-lattice", "service-2")


def operation(name: str) -> dict[str, Any]:
    return model()["operations"][name]


def _shape(name: str) -> dict[str, Any]:
    return model()["shapes"][name]


# ---- the operation and its parameters


@functools.cache
def _routes() -> tuple[tuple[str, re.Pattern[str], str], ...]:
    """Method, path and operation; a label matches one segment, because clients percent-encode the slashes of ARNs."""
    routes = []
    for name, spec in model()["operations"].items():
        path = re.sub(r"\{(\w+)\+?\}", r"(?P<\1>[^/]+)", spec["http"]["requestUri"])
        routes.append((spec["http"]["method"], re.compile(f"{path}/?"), name))
    return tuple(routes)


def route(method: str, raw_path: str) -> tuple[str, dict[str, str]] | None:
    """The operation of a method and a percent-encoded path, and the labels of the path; None if there is none."""
    for wanted, pattern, name in _routes():
        if wanted == method and (match := pattern.fullmatch(raw_path)):
            return name, {label: unquote(value) for label, value in match.groupdict().items()}
    return None


def parse(name: str, labels: Mapping[str, str], query: Mapping[str, list[str]], body: str) -> dict[str, Any]:
    """The parameters of a request from its path, query and JSON body; raises ValidationException if that is impossible."""
    shape = _shape(operation(name)["input"]["shape"])
    try:
        payload = json.loads(body) if body.strip() else {}
    except ValueError as error:
        raise errors.invalid(f"The body is not JSON: {error}", reason="cannotParse") from error
    if not isinstance(payload, dict):
        raise errors.invalid("The body is not a JSON object", reason="cannotParse")
    params: dict[str, Any] = {}
    for member, ref in shape.get("members", {}).items():
        key = ref.get("locationName", member)
        match ref.get("location"):
            case "uri":
                params[member] = labels.get(key)
            case "querystring":
                params[member] = _from_query(_shape(ref["shape"])["type"], query.get(key))
            case _:
                params[member] = payload.get(key)
    return {member: value for member, value in params.items() if value is not None}


def _from_query(kind: str, values: list[str] | None) -> Any:
    if not values:
        return None
    if kind == "list":
        return values
    if kind == "boolean":
        return values[0] == "true"
    if kind in {"integer", "long"}:
        return int(values[0]) if values[0].lstrip("-").isdigit() else values[0]
    return values[0]


# ---- validation


def check_input(name: str, params: Mapping[str, Any]) -> None:
    """Raise a ValidationException with all problems of a request."""
    problems = list(_problems(operation(name)["input"]["shape"], params, ""))
    if problems:
        raise errors.invalid(errors.summary(problems), *problems)


_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "boolean": (bool,),
    "list": (list, tuple),
    "map": (Mapping,),
    "structure": (Mapping,),
    "timestamp": (datetime,),
}


def _problems(shape_name: str, value: Any, path: str) -> Iterator[Problem]:
    shape = _shape(shape_name)
    kind = shape["type"]
    if not _is_a(kind, value):
        yield path, f"must be a {kind}, not {value!r}"
        return
    yield from _size_problems(shape, value, path)
    match kind:
        case "string":
            if "enum" in shape and value not in shape["enum"]:
                yield path, f"must be one of {', '.join(shape['enum'])}, not {value!r}"
            if "pattern" in shape and not _pattern(shape["pattern"]).fullmatch(value):
                yield path, f"{value!r} does not match the pattern {shape['pattern']}"
        case "list":
            for index, item in enumerate(value):
                yield from _problems(shape["member"]["shape"], item, f"{path}[{index}]")
        case "map":
            for key, item in value.items():
                yield from _problems(shape["key"]["shape"], key, f"{path}.{key}")
                yield from _problems(shape["value"]["shape"], item, f"{path}.{key}")
        case "structure":
            yield from _structure_problems(shape, value, path)


def _is_a(kind: str, value: Any) -> bool:
    if kind in {"integer", "long"} and isinstance(value, bool):
        return False
    return isinstance(value, _TYPES[kind])


def _structure_problems(shape: Mapping[str, Any], value: Mapping[str, Any], path: str) -> Iterator[Problem]:
    dot = f"{path}." if path else ""
    given = [name for name, item in value.items() if item is not None]
    for name in shape.get("required", ()):
        if name not in given:
            yield f"{dot}{name}", "is required"
    if shape.get("union") and len(given) != 1:
        yield path, f"must have exactly one of {', '.join(shape['members'])}"
    for name in given:
        ref = shape.get("members", {}).get(name)
        if ref is None:
            yield f"{dot}{name}", "is not a member"
        else:
            yield from _problems(ref["shape"], value[name], f"{dot}{name}")


def _size_problems(shape: Mapping[str, Any], value: Any, path: str) -> Iterator[Problem]:
    if shape["type"] not in {"string", "list", "map", "integer", "long"}:
        return
    numeric = shape["type"] in {"integer", "long"}
    size, what = (value, "value") if numeric else (len(value), "length")
    if "min" in shape and size < shape["min"]:
        yield path, f"{what} must be at least {shape['min']}, is {size}"
    if "max" in shape and size > shape["max"]:
        yield path, f"{what} must be at most {shape['max']}, is {size}"


@functools.cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


# ---- responses


def answer(name: str, view: Mapping[str, Any]) -> dict[str, Any]:
    """The response of the operation: the members of ``view`` that its output shape has.

    ``view`` may hold more than the response shows, so that one view of an object serves Create, Get and List. Raises
    BadAnswerError if a member violates the model.
    """
    spec = operation(name)
    if "output" not in spec:
        return {}
    shown = _shown(spec["output"]["shape"], view)
    problems = [problem for problem in _problems(spec["output"]["shape"], shown, "") if not _as_aws_deviates(problem)]
    if problems:
        raise BadAnswerError(f"{name} answers against its model: {errors.summary(problems)}")
    return shown


def _as_aws_deviates(problem: Problem) -> bool:
    """AWS returns empty ``headerMatches`` where the model requires at least one (aws-application-networking-k8s)."""
    return problem[0].endswith("httpMatch.headerMatches") and problem[1] == "length must be at least 1, is 0"


def _shown(shape_name: str, value: Any) -> Any:
    """``value`` reduced to the members of the shape; a summary thus shows less than its object."""
    shape = _shape(shape_name)
    if shape["type"] == "structure" and isinstance(value, Mapping):
        members = shape.get("members", {})
        return {
            name: _shown(members[name]["shape"], item)
            for name, item in value.items()
            if name in members and item is not None
        }
    if shape["type"] == "list" and isinstance(value, list | tuple):
        return [_shown(shape["member"]["shape"], item) for item in value]
    return value


def to_json(value: Any) -> str:
    """A response in its wire format; times are ISO 8601 with milliseconds."""
    return json.dumps(value, default=lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z")
