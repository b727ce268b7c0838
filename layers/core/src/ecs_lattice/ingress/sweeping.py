"""When the resync tidies security groups: what is remembered from one whole sweep to the next, and what a lost table needs."""

import json
from dataclasses import dataclass
from typing import Protocol

from ecs_lattice.ingress.opening import Ingress
from ecs_lattice.ingress.tidying import Tidied, Tidier

_KIND, _KEY = "stack", "unneeded-rules"


class Documents(Protocol):
    """What of the registry is needed here."""

    def document(self, kind: str, key: str) -> str | None: ...

    def put_document(self, kind: str, key: str, text: str, *, expires_at: float | None = None) -> None: ...


@dataclass(frozen=True, slots=True)
class Sweeper:
    """A rule goes in the second sweep that finds it unneeded: somebody may be about to need it."""

    ingress: Ingress
    documents: Documents

    def sweep(self, *, is_all_released: bool = False) -> Tidied:
        """Tidy all groups. A table without its marker is new or was lost, and does not know yet who needs what: then nothing
        is revoked, and what the tags on our rules say of custom resources is taken in. (ECS services say it themselves.)
        ``is_all_released``: the stack is being uninstalled, and no ECS service has anything to say any more.
        """
        tidier = Tidier(self.ingress)
        is_complete = self.documents.document("stack", "marker") is not None
        if not is_complete:
            tidier.rebuild()
        may_revoke = is_complete or is_all_released
        done = tidier.tidy(self._remembered() if may_revoke else frozenset())
        unneeded = done.unneeded if may_revoke else frozenset()
        if unneeded != self._remembered():
            self.documents.put_document(_KIND, _KEY, json.dumps(sorted(unneeded)))
        return done

    def _remembered(self) -> frozenset[str]:
        return frozenset(json.loads(self.documents.document(_KIND, _KEY) or "[]"))
