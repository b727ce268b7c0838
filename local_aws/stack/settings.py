"""The deployment settings of ``samconfig.toml``, for deployments like those of ``sam deploy``."""

import shlex
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def stack_name(samconfig: Path, environment: str = "default") -> str:
    """The stack's name; ``ecs-lattice`` by default."""
    return str(_section(samconfig, environment, "global").get("stack_name", "ecs-lattice"))


def parameter_overrides(samconfig: Path, environment: str = "default") -> dict[str, str]:
    """The parameters that ``sam deploy`` would give. ValueError names one that is not ``Name=value``."""
    return _pairs(samconfig, environment, "parameter_overrides")


def capabilities(samconfig: Path, environment: str = "default") -> tuple[str, ...]:
    """The capabilities that ``sam deploy`` would acknowledge."""
    given = _section(samconfig, environment, "deploy").get("capabilities", ())
    return tuple(given.split()) if isinstance(given, str) else tuple(given)


def tags(samconfig: Path, environment: str = "default") -> dict[str, str]:
    """The tags that ``sam deploy`` would give the stack. ValueError names one that is not ``Name=value``."""
    return _pairs(samconfig, environment, "tags")


def _pairs(samconfig: Path, environment: str, name: str) -> dict[str, str]:
    given = _section(samconfig, environment, "deploy").get(name, ())
    pairs = shlex.split(given) if isinstance(given, str) else [str(pair) for pair in given]
    for pair in pairs:
        if "=" not in pair:
            raise ValueError(f"{samconfig}: {name} of {environment} has {pair!r}, which is not Name=value")
    return dict(pair.split("=", 1) for pair in pairs)


def _section(samconfig: Path, environment: str, command: str) -> Mapping[str, Any]:
    if not samconfig.is_file():
        return {}
    settings = tomllib.loads(samconfig.read_text(encoding="utf-8"))
    section: Mapping[str, Any] = settings.get(environment, {}).get(command, {}).get("parameters", {})
    return section
