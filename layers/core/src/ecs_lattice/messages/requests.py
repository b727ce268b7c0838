"""Bells: what wakes a reconciler. A bell names what to look at and says nothing else that decides anything."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["ecsService", "latticeService"]


@dataclass(frozen=True, slots=True)
class ReconcileRequest:
    """``kind`` and ``key`` say what to look at: an ECS service's long ARN, or a Lattice service's name.

    ``cause`` says who rang, for people; ``rang_at`` (epoch seconds) is when the chain of bells began and ``hops`` how
    often it was handed on since, so that what rings for longer than a day is reported.
    """

    kind: Kind
    key: str
    cause: str = ""
    requested_at: float = 0.0
    attempts: int = 0
