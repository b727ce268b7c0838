"""The behavior of a simulated container, configured by the environment of its container definition.

================================ =======================================================================================
``START_SECONDS``                seconds from PENDING to RUNNING (default 5)
``CRASH_AFTER_SECONDS``          seconds from its start to its exit with code 1; 0: it never starts
``OUT_OF_MEMORY_AFTER_SECONDS``  seconds from its start to its OOM kill (exit code 137), more than 0
``LISTEN``                       container ports that it listens on: ``9090 9091``, or ``none`` (default: the mapped ports)
``RESPOND``                      status by path prefix, the longest wins: ``/healthz=503 /=200`` (default 200)
``TLS_PORTS``                    container ports that speak TLS: ``8443 9443``
``STOP_SECONDS``                 how long it continues to respond after SIGTERM (default 0; ``stopTimeout`` limits it)
``VERSION``                      the version that it reports (default: the revision of its task definition)
================================ =======================================================================================
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from local_aws.network import Request, Responder, Response

_RULE = re.compile(r"(/[^\s=]*)=([1-5][0-9][0-9])")


class BadBehaviorError(ValueError):
    """A container's environment has a value that the simulated container does not support."""


@dataclass(frozen=True, slots=True)
class Behavior:
    """A container's script; seconds of the local AWS's clock; None: never, or the scheduler's default."""

    start_seconds: float | None = None
    crash_after_seconds: float | None = None
    out_of_memory_after_seconds: float | None = None
    stop_seconds: float = 0.0
    statuses: tuple[tuple[str, int], ...] = ()
    listens_on: frozenset[int] | None = None
    tls_ports: frozenset[int] = frozenset()
    version: str | None = None

    def ports(self, mapped: Iterable[int]) -> frozenset[int]:
        """The container ports that it listens on; ``mapped`` are those with a port mapping."""
        return frozenset(mapped) if self.listens_on is None else self.listens_on

    def status(self, path: str) -> int:
        """The status of the response for ``path`` (with or without a query)."""
        plain = path.partition("?")[0]
        return next((status for prefix, status in self.statuses if plain.startswith(prefix)), 200)


def behavior(definition: Mapping[str, Any]) -> Behavior:
    """Parse a container definition; BadBehaviorError names the invalid variable and its allowed values."""
    environment = {item["name"]: item.get("value", "") for item in definition.get("environment") or ()}
    return Behavior(
        start_seconds=_seconds(environment, "START_SECONDS"),
        crash_after_seconds=_seconds(environment, "CRASH_AFTER_SECONDS"),
        out_of_memory_after_seconds=_positive(environment, "OUT_OF_MEMORY_AFTER_SECONDS"),
        stop_seconds=_seconds(environment, "STOP_SECONDS") or 0.0,
        statuses=_statuses(environment.get("RESPOND", "")),
        listens_on=_listens_on(environment.get("LISTEN")),
        tls_ports=_ports(environment, "TLS_PORTS"),
        version=environment.get("VERSION"),
    )


def responder(definition: Mapping[str, Any], task_definition: str, port: int) -> Responder:
    """The responder of one container port: JSON with its identity and the request.

    ``task_definition`` is ``family:revision``.
    """
    script = behavior(definition)
    version = script.version or task_definition.rpartition(":")[2]
    headers = {
        "content-type": "application/json",
        "x-task-definition": task_definition,
        "x-container": definition["name"],
        "x-version": version,
    }

    def respond(request: Request) -> Response:
        said = {
            "taskDefinition": task_definition,
            "container": definition["name"],
            "port": port,
            "version": version,
            "method": request.method,
            "path": request.path,
            "headers": dict(request.headers),
        }
        return Response(script.status(request.path), headers, json.dumps(said).encode())

    return respond


def _seconds(environment: Mapping[str, str], name: str) -> float | None:
    text = environment.get(name)
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise BadBehaviorError(f"{name} is {text!r}; it must be a number of seconds, 0 or more")
    return seconds


def _statuses(text: str) -> tuple[tuple[str, int], ...]:
    rules = []
    for word in text.split():
        match = _RULE.fullmatch(word)
        if match is None:
            raise BadBehaviorError(f"RESPOND has {word!r}; each word must be a path and a status, as /healthz=503")
        rules.append((match[1], int(match[2])))
    return tuple(sorted(rules, key=lambda rule: -len(rule[0])))


def _positive(environment: Mapping[str, str], name: str) -> float | None:
    seconds = _seconds(environment, name)
    if seconds == 0:
        raise BadBehaviorError(f"{name} is {environment[name]!r}; it must be a number of seconds, more than 0")
    return seconds


def _listens_on(text: str | None) -> frozenset[int] | None:
    if text is None:
        return None
    return frozenset() if text == "none" else _ports({"LISTEN": text}, "LISTEN", " or none")


def _ports(environment: Mapping[str, str], name: str, otherwise: str = "") -> frozenset[int]:
    text = environment.get(name, "")
    words = text.replace(",", " ").split()
    if any(not word.isdecimal() or not 0 < int(word) < 65536 for word in words):
        raise BadBehaviorError(
            f"{name} is {text!r}; it must be container ports (1-65535) separated by spaces{otherwise}"
        )
    return frozenset(map(int, words))


__all__ = ["BadBehaviorError", "Behavior", "behavior", "responder"]
