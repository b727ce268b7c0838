"""Reconcile requests: what to reconcile, and nothing that decides anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

type Kind = Literal["ecsService", "latticeService"]
_KINDS = ("ecsService", "latticeService")


@dataclass(frozen=True, slots=True)
class ReconcileRequest:
    """``kind`` and ``key`` name what to reconcile: an ECS service by its long ARN, or a Lattice service by its name.

    ``cause`` is why, for the log. ``requested_at`` (epoch seconds) is when the first of a chain of requests was made, and
    ``attempts`` how often it has been repeated since then, so that what takes longer than a day is reported.
    """

    kind: Kind
    key: str
    cause: str = ""
    requested_at: float = 0.0
    attempts: int = 0


def parse_request(message: Mapping[str, Any]) -> ReconcileRequest:
    """The request in a message. Raises KeyError, TypeError or ValueError for anything else."""
    kind, key = message["kind"], message["key"]
    if kind not in _KINDS or not isinstance(key, str) or not key:
        raise ValueError(f"a reconcile request of kind {kind!r} for {key!r}")
    return ReconcileRequest(
        kind,
        key,
        cause=str(message.get("cause", "")),
        requested_at=float(message.get("requested_at") or 0),
        attempts=int(message.get("attempts", 0)),
    )
