"""Reconcile requests: what to reconcile, and nothing that decides anything."""

from dataclasses import dataclass
from typing import Literal

type Kind = Literal["ecsService", "latticeService"]


@dataclass(frozen=True, slots=True)
class ReconcileRequest:
    """``kind`` and ``key`` name what to reconcile: an ECS service by its long ARN, or a Lattice service by its name.

    ``cause`` is why, for the log. ``requested_at`` (epoch seconds) is when the first of a chain of requests was made, and
    ``attempts`` how often it has been repeated since then. ``claims_of``: the only reason to look at a Lattice service are
    new claims of this ECS service (its ARN). ``retry``: what has failed is tried again, though nothing has changed.
    """

    kind: Kind
    key: str
    cause: str = ""
    requested_at: float = 0.0
    attempts: int = 0
    claims_of: str = ""
    retry: bool = False
