"""What ``samconfig.toml`` says of a deployment, so that the local AWS is deployed to as ``sam deploy`` would."""

import shlex
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def stack_name(samconfig: Path, environment: str = "default") -> str:
    """The stack's name; ``ecs-lattice`` where the file does not say."""
    return str(_section(samconfig, environment, "global").get("stack_name", "ecs-lattice"))


def parameter_overrides(samconfig: Path, environment: str = "default") -> dict[str, str]:
    """The parameters that ``sam deploy`` would give. ValueError names one that is not ``Name=value``."""
    given = _section(samconfig, environment, "deploy").get("parameter_overrides", ())
    pairs = shlex.split(given) if isinstance(given, str) else [str(pair) for pair in given]
    for pair in pairs:
        if "=" not in pair:
            raise ValueError(f"{samconfig}: parameter_overrides of {environment} has {pair!r}, which is not Name=value")
    return dict(pair.split("=", 1) for pair in pairs)


def _section(samconfig: Path, environment: str, command: str) -> Mapping[str, Any]:
    if not samconfig.is_file():
        return {}
    settings = tomllib.loads(samconfig.read_text(encoding="utf-8"))
    section: Mapping[str, Any] = settings.get(environment, {}).get(command, {}).get("parameters", {})
    return section
