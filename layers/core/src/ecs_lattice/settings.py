"""The environment of a function, read once into a frozen value. One error names everything that is missing or wrong."""

import dataclasses
import os
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ecs_lattice.errors import SettingsError

Sharing = Literal["none", "cluster", "account"]


@dataclass(frozen=True, slots=True)
class Settings:
    """One field per environment variable of the same name in capitals; lists are space separated.

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
    allow_tags: bool = True
    delete_empty_services: bool = False
    grace_minutes: float = 15.0
    settle_seconds: int = 90
    max_attaching: int = 10
    attach_minutes: float = 30.0
    max_removals: int = 5
    drift_hours: float = 6.0
    ecs_reads_per_second: float = 5.0

    @property
    def grace_seconds(self) -> float:
        return self.grace_minutes * 60


def read(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings in ``environment`` (default: the process's).

    Raises SettingsError naming everything that is missing or wrong. All functions have the same environment, that of the
    template's Globals; every variable without a default is required, and an empty one counts as missing.
    """
    environment = os.environ if environment is None else environment
    hints = typing.get_type_hints(Settings)
    variables = {field.name.upper(): field.default for field in dataclasses.fields(Settings)}
    required = [name for name, default in variables.items() if default is dataclasses.MISSING]
    missing = [name for name in required if not environment.get(name, "").strip()]
    values: dict[str, object] = {}
    wrong = []
    for name in (name for name in variables if name in environment):
        try:
            values[name.lower()] = _parse(environment[name].strip(), hints[name.lower()])
        except ValueError as error:
            wrong.append(f"{name}={environment[name]!r} ({error})")
    if missing or wrong:
        parts = [
            f"lacks {', '.join(missing)}" if missing else "",
            f"has values that are not allowed: {', '.join(wrong)}" if wrong else "",
        ]
        raise SettingsError(
            f"The environment of the function {' and '.join(filter(None, parts))}; template.yaml sets it, in Globals."
        )
    return Settings(**values)  # type: ignore[arg-type]  # each value was parsed by its field's own type


def _parse(text: str, wanted: object) -> object:
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
