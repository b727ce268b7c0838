"""The parameters of the template: names, defaults, and what CloudFormation accepts for each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ecs_lattice_cli.errors import CommandError

FILE = "template.yaml"
ASKED = ("Clusters", "DefaultNetworks", "CreateNetwork", "NotifyEmail")
"""Parameters that the questions set, beside one for each VPC."""
_VPC = re.compile(r"NetworkVpc\d+", re.ASCII)
_MOST_BYTES = 4096  # of a parameter's value (CloudFormation quotas)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. ``pattern`` must match the whole value, or each item of a list (CloudFormation User Guide, Parameters)."""

    name: str
    default: str
    is_list: bool
    pattern: str | None
    allowed: tuple[str, ...]
    constraint: str

    def problem(self, value: str) -> str | None:
        """Why CloudFormation would refuse the value, with what is allowed; None if it would not."""
        items = value.split(",") if self.is_list else [value]
        if self.allowed and value not in self.allowed:
            return f"allowed: {', '.join(self.allowed)}."
        wrong = [each for each in items if self.pattern and not re.fullmatch(self.pattern, each)]
        if wrong:
            return f"{wrong[0]!r} is not allowed; it has to be {self.constraint}"
        if len(value.encode()) > _MOST_BYTES:
            return f"it is longer than {_MOST_BYTES} bytes."
        return None


class Template:
    """The template's parameters by name."""

    def __init__(self, parameters: Mapping[str, Parameter]) -> None:
        self.parameters = parameters

    @property
    def vpcs(self) -> list[str]:
        """The parameters that each take a VPC of the network that the stack creates."""
        return sorted(filter(_VPC.fullmatch, self.parameters), key=lambda name: (len(name), name))

    def checked(self, name: str, value: str) -> str:
        """``value``, if CloudFormation accepts it for the parameter. CommandError otherwise."""
        problem = self.parameters[name].problem(value)
        if problem:
            raise CommandError(f"{name}: {problem}")
        return value


def read(folder: Path) -> Template:
    """The parameters of the template in ``folder``. CommandError where it is none of ecs-lattice."""
    path = folder / FILE
    try:
        found = yaml.load(path.read_bytes(), _LOADER)  # noqa: S506  a SafeLoader
    except OSError as error:
        reason = "there is none" if isinstance(error, FileNotFoundError) else str(error.strerror)
        raise CommandError(f"{path}: {reason}. Run it in the checkout of ecs-lattice, or write --directory.") from error
    except yaml.YAMLError as error:
        raise CommandError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    listed = found.get("Parameters") if isinstance(found, dict) else None
    made = {name: _parameter(name, each) for name, each in listed.items()} if isinstance(listed, dict) else {}
    missing = [name for name in ASKED if name not in made]
    if missing:
        raise CommandError(f"{path} has no parameter {missing[0]}: it is not the template of ecs-lattice.")
    return Template(made)


def _parameter(name: str, written: Mapping[str, Any]) -> Parameter:
    return Parameter(
        name=name,
        default=str(written.get("Default", "")),
        is_list=written.get("Type") == "CommaDelimitedList",
        pattern=written.get("AllowedPattern"),
        allowed=tuple(map(str, written.get("AllowedValues", ()))),
        constraint=str(written.get("ConstraintDescription", "")),
    )


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # libyaml's is twenty times as fast
    """Reads intrinsic functions, which no parameter has, as nothing."""


_LOADER = _Loader
_Loader.add_multi_constructor("!", lambda _loader, _tag, _node: None)


__all__ = ["ASKED", "FILE", "Parameter", "Template", "read"]
