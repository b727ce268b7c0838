"""What was reported, in the registry: written on condition, and marked while a message is being published (decision 19)."""

import dataclasses
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from ecs_lattice import codec
from ecs_lattice.diagnosis.incidents import Incident
from ecs_lattice.diagnosis.refusals import Refusals
from ecs_lattice.errors import BusyError, EcsLatticeError
from ecs_lattice.ports import Documents, Now

KIND = "incident"
"""The kind of registry documents that remember what was reported."""
SENDING_SECONDS = 90
"""Longer than the function may run: an invocation that is still sending then has died."""
_KEPT_SECONDS = 90 * 86400


@dataclass(frozen=True, slots=True)
class IncidentStore:
    """The documents of incidents, by key."""

    documents: Documents
    now: Now

    def text(self, key: str) -> str | None:
        """The document under ``key``."""
        return self.documents.document(KIND, key)

    def put(self, key: str, before: str | None, state: Incident | Refusals) -> str:
        """The text as stored. Raises BusyError when the document is not ``before`` any more."""
        text = codec.dumps(state)
        if not self.documents.replace_document(KIND, key, before, text, expires_at=self.now() + _KEPT_SECONDS):
            raise BusyError(f"Another invocation has changed the incident {key}.")
        return text

    def publish[State: (Incident, Refusals), Sent](
        self, key: str, before: str | None, state: State, send: Callable[[], Sent]
    ) -> tuple[str, Sent]:
        """Call ``send`` while ``state`` is stored with the mark that a message is being sent, so that no two invocations send
        at once; the text as stored, and what ``send`` returned. The caller stores the state without the mark."""
        marked = dataclasses.replace(state, sending_at=self.now())
        text = self.put(key, before, marked)
        try:
            return text, send()
        except BaseException:
            # The next delivery need not wait until this invocation counts as dead; where this fails, too, it waits.
            with suppress(EcsLatticeError):
                self.put(key, text, dataclasses.replace(marked, sending_at=0.0))
            raise
