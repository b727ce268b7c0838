"""Lagging reads: Describe and List calls return a state some seconds old (eventual consistency of the ECS API)."""

from collections import defaultdict
from collections.abc import Iterable

from local_aws.ecs.model import Document
from local_aws.services import clock

_KEPT_SECONDS = 3600.0


class LaggedReads:
    """Earlier states of documents by their ARN. A document is None where it did not exist."""

    def __init__(self) -> None:
        self._states: dict[str, list[tuple[float, Document | None]]] = defaultdict(list)

    def record(self, documents: Iterable[tuple[str, Document]]) -> None:
        """Record the current state; documents that are missing no longer exist."""
        now = clock().time()
        present = dict(documents)
        for arn in present.keys() | self._states.keys():
            states, document = self._states[arn], present.get(arn)
            if not states or states[-1][1] != document:
                states.append((now, document))
            while len(states) > 1 and states[1][0] < now - _KEPT_SECONDS:
                states.pop(0)

    def at(self, arn: str, moment: float) -> Document | None:
        """The document that a reader sees at ``moment`` (seconds since the epoch)."""
        seen = [document for when, document in self._states.get(arn, ()) if when <= moment]
        return seen[-1] if seen else None

    def all_at(self, moment: float) -> dict[str, Document]:
        """All documents that a reader sees at ``moment``, by ARN."""
        found = ((arn, self.at(arn, moment)) for arn in self._states)
        return {arn: document for arn, document in found if document is not None}


__all__ = ["LaggedReads"]
