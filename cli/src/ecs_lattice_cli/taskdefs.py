"""Task definitions in files: read as people keep them, checked for their shape, and turned into the product's own value."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ecs_lattice.aws import ecs_shapes
from ecs_lattice.facts import TaskDefinition
from ecs_lattice_cli.errors import CommandError
from ecs_lattice_cli.nearest import nearest

STDIN = "-"
_TAKEN = (
    "a task definition is an object with containerDefinitions, as RegisterTaskDefinition takes it or as "
    '`aws ecs describe-task-definition` prints it ({"taskDefinition": {...}})'
)

type Shape = Mapping[str, Any]
"""A task definition as RegisterTaskDefinition takes it, perhaps with what DescribeTaskDefinition adds."""


def text_of(name: str) -> str:
    """The text of the file ``name``, or of stdin for ``-``. CommandError if it cannot be read."""
    try:
        raw = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
        return raw.decode("utf-8-sig")
    except FileNotFoundError:
        raise CommandError(f"There is no file {name}{_nearest_file(Path(name))}") from None
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise CommandError(f"{name} is not text in UTF-8; {_TAKEN}.") from None


def shape_of(text: str, name: str) -> Shape:
    """The task definition in ``text``, which is that of the file ``name``. CommandError if it is none."""
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise CommandError(f"{name}:{error.lineno}:{error.colno}: no JSON: {error.msg}.") from None
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{name}: no JSON that can be read: {error}.") from None
    if isinstance(found, dict) and isinstance(found.get("taskDefinition"), dict):
        found = found["taskDefinition"]
    if not isinstance(found, dict) or "containerDefinitions" not in found:
        raise CommandError(f"{name} is no task definition: {_TAKEN}.")
    for wrong in _wrong(found):
        raise CommandError(f"{name} is no task definition: {wrong}.")
    return found


def task_definition(shape: Shape) -> TaskDefinition:
    """The value that the labels are read from; one that is not registered yet is named by its family alone."""
    named = shape.get("taskDefinitionArn") or shape.get("family") or "the task definition"
    return ecs_shapes.task_definition({**shape, "taskDefinitionArn": named})


def line_of(text: str, key: str, value: str) -> int | None:
    """The line of ``text`` on which ``key`` has ``value``, else the first on which it is; None where it is not."""
    begin = json.dumps(key)
    lines = [number for number, line in enumerate(text.splitlines(), 1) if key and (begin in line)]
    with_value = [number for number in lines if json.dumps(value) in text.splitlines()[number - 1]]
    return next(iter(with_value or lines), None)


def _wrong(shape: Shape) -> Iterator[str]:
    """What is not of the kind that ECS takes (Amazon ECS API, RegisterTaskDefinition), where the labels' parser looks."""
    for name in ("taskDefinitionArn", "family", "networkMode", "memory"):
        yield from _not(shape, name, str, "")
    if not str(shape.get("memory") or 0).isdecimal():
        yield "memory must be a string of digits, MiB"
    yield from _each(shape, "containerDefinitions", "", _wrong_container)


def _wrong_container(container: Shape, place: str) -> Iterator[str]:
    if not isinstance(container.get("name"), str):
        yield f"{place}.name must be a string"
    yield from _not(container, "dockerLabels", dict, place)
    for key, value in (container.get("dockerLabels") or {}).items():
        if not isinstance(value, str):
            yield f"{place}.dockerLabels: the value of {key} must be a string, so {json.dumps(_quoted(value))}"
    members: tuple[tuple[str, str, type], ...] = (
        ("healthCheck", "command", list),
        ("logConfiguration", "options", dict),
    )
    for name, member, kind in members:
        yield from _not(container, name, dict, place)
        if isinstance(container.get(name), dict):
            yield from _not(container[name], member, kind, f"{place}.{name}")
    yield from _each(container, "portMappings", place, _wrong_mapping)


def _wrong_mapping(mapping: Shape, place: str) -> Iterator[str]:
    for name in ("name", "protocol", "appProtocol", "containerPortRange"):
        yield from _not(mapping, name, str, place)
    for name in ("containerPort", "hostPort"):
        yield from _not(mapping, name, int, place)


def _each(parent: Shape, member: str, place: str, check: Any) -> Iterator[str]:
    """What ``check`` finds in the objects of a list."""
    yield from _not(parent, member, list, place)
    start = f"{place}.{member}" if place else member
    for index, item in enumerate(parent.get(member) or ()):
        if isinstance(item, dict):
            yield from check(item, f"{start}[{index}]")
        else:
            yield f"{start}[{index}] must be an object"


def _not(parent: Shape, member: str, kind: type, place: str) -> Iterator[str]:
    """Nothing if the member is missing or of ``kind``; null is not: AWS takes none either."""
    words = {str: "a string", dict: "an object", list: "a list", int: "a number"}
    if member in parent and (not isinstance(parent[member], kind) or isinstance(parent[member], bool)):
        yield f"{place}.{member} must be {words[kind]}".removeprefix(".")


def _quoted(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _nearest_file(path: Path) -> str:
    """What to say of the folder of a file that is not there."""
    if not path.parent.is_dir():
        return f": there is no folder {path.parent}."
    near = nearest(path.name, (found.name for found in path.parent.iterdir() if found.is_file()))
    return f"; did you mean {path.parent / near}?" if near else f" in {path.parent.resolve()}."
