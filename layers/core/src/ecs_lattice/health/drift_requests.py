"""When the probe has a Lattice service reconciled because a route of it is impaired or its group is unused: at once, then at
doubling distance, never twice within five minutes. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ecs_lattice.health.publish import Reading

_SHORTEST_SECONDS, _LONGEST_SECONDS = 300, 14_400


@dataclass(frozen=True, slots=True)
class Asked:
    """``due_at``: before this epoch second no request is sent for a Lattice service; ``wait``: the seconds that led to it."""

    due_at: float
    wait: int


def is_broken(reading: Reading) -> bool:
    """Whether VPC Lattice may have been changed: the route is impaired, or is Live and nothing forwards to its group."""
    is_unused = reading.counts is not None and reading.counts.by_status["UNUSED"] > 0
    return reading.impaired is True or (is_unused and reading.record.answer.state == "Live")


def due(broken: Collection[str], before: Mapping[str, Asked], now: float) -> tuple[tuple[str, ...], dict[str, Asked]]:
    """The Lattice services to reconcile, and what to remember. One that is well again is forgotten once it is due."""
    names = tuple(sorted(name for name in broken if name not in before or before[name].due_at <= now))
    waiting = {name: asked for name, asked in before.items() if asked.due_at > now}
    return names, waiting | {name: _next(before.get(name), now) for name in names}


def _next(before: Asked | None, now: float) -> Asked:
    wait = min(before.wait * 2, _LONGEST_SECONDS) if before else _SHORTEST_SECONDS
    return Asked(now + wait, wait)
