"""What a plan says: data, for people and for direct invocations."""

from dataclasses import dataclass
from typing import Any

from ecs_lattice.claims import Answer
from ecs_lattice.outcome import NotYet, Problem


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What a reconcile of the Lattice service would do now. ``steps`` are in order, each with its kind, a text and its
    members; ``answers`` are by claim as things stand before them; ``waits`` what takes its time.
    """

    lattice_service: str
    steps: tuple[dict[str, Any], ...]
    answers: dict[str, Answer]
    problems: tuple[Problem, ...]
    waits: tuple[NotYet, ...] = ()
