"""The environment of a function, read once into a frozen value. One error names everything that is missing or wrong."""

import dataclasses
import os
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ecs_lattice.errors import SettingsError

Sharing = Literal["none", "cluster", "account"]


@dataclass(frozen=True, slots=True)
class Settings:
    """One field per environment variable of the same name in capitals, or of the ``variable`` in the field's metadata, whose
    value is in ``unit``s of the field's; lists are space separated.

    Times are in the unit of the name. ``clusters`` are names or globs (empty: all). ``allowed_networks`` and
    ``allowed_domains`` are names or globs (empty: all). ``default_networks`` apply where a declaration names none.
    """

    owner: str
    table: str
    ecs_events_queue: str
    ecs_services_queue: str
    lattice_services_queue: str
    dead_letter_queue: str
    alarms_queue: str
    notify_topic: str
    infrastructure_role: str = ""
    other_infrastructure_roles: tuple[str, ...] = ()
    label_prefix: str = "lattice"
    name_prefix: str = ""
    clusters: tuple[str, ...] = ()
    sharing: Sharing = "cluster"
    default_networks: tuple[str, ...] = ()
    allowed_networks: tuple[str, ...] = ()
    allowed_domains: tuple[str, ...] = ()
    minimum_auth: Literal["none", "iam"] = "none"
    service_auth_policy: str = ""
    ingress: Literal["manage", "off"] = "manage"
    ingress_groups: Literal["any", "tagged"] = "any"
    allow_tags: bool = True
    max_routes: int = 25
    delete_empty_services: bool = False
    grace_seconds: float = field(default=900.0, metadata={"variable": "grace_minutes", "unit": 60})
    settle_seconds: int = 90
    max_attaching: int = 10
    attach_minutes: float = 30.0
    max_removals: int = 5
    drift_hours: float = 6.0
    ecs_reads_per_second: float = 5.0


def read(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings in ``environment`` (default: the process's).

    Raises SettingsError naming everything that is missing or wrong. All functions have the same environment, that of the
    template's Globals; every variable without a default is required, and an empty one counts as missing.
    """
    environment = os.environ if environment is None else environment
    hints = typing.get_type_hints(Settings)
    values: dict[str, object] = {}
    missing, wrong = [], []
    for member in dataclasses.fields(Settings):
        variable = variable_of(member)
        text = environment.get(variable, "").strip()
        if not text and member.default is dataclasses.MISSING:
            missing.append(variable)
        elif variable in environment:
            try:
                value = _parse(text, hints[member.name])
            except ValueError as error:
                wrong.append(f"{variable}={environment[variable]!r} ({error})")
            else:
                values[member.name] = value * member.metadata["unit"] if "unit" in member.metadata else value
    if missing or wrong:
        lacks = [f"lacks {', '.join(missing)}"] if missing else []
        has = [f"has values that are not allowed: {', '.join(wrong)}"] if wrong else []
        raise SettingsError(
            f"The environment of the function {' and '.join(lacks + has)}; template.yaml sets it, in Globals."
        )
    return Settings(**values)  # type: ignore[arg-type]  # each value was parsed by its field's own type


def variable_of(member: dataclasses.Field[Any]) -> str:
    """The environment variable of a field of Settings."""
    return str(member.metadata.get("variable", member.name)).upper()


def _parse(text: str, wanted: object) -> Any:
    if typing.get_origin(wanted) is Literal:
        if text not in typing.get_args(wanted):
            raise ValueError(f"one of {', '.join(typing.get_args(wanted))}")
        return text
    if wanted is bool:
        if text not in {"true", "false"}:
            raise ValueError("true or false")
        return text == "true"
    if wanted is int:
        return int(text)
    if wanted is float:
        return float(text)
    return text if wanted is str else tuple(text.split())
