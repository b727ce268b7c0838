"""The stack's removal budget (decision 4): how many routes may be removed in an hour without approval.

Registry: the set ``removals:<hour>`` has the removals of an hour, ``removals:<hour>:<cluster>`` those of one ECS cluster, and
the document ``removals-waiting`` when each of the last clusters that had to wait did so (epoch seconds).
"""

import json
import math
from dataclasses import dataclass

from ecs_lattice.claims import ClaimRecord
from ecs_lattice.ports import Registry
from ecs_lattice.settings import Settings

_HOUR_SECONDS = 3600
_SHARE = 10  # one route in ten may be removed in an hour
_WAITING_SECONDS = (
    1800  # a held removal is tried again within 15 minutes; a cluster that does not come back waits no longer
)
_NOTED_AGAIN_SECONDS = 300
_CLUSTERS = 10  # two suffice to know whether another cluster waits
_WAITING = "removals-waiting"


@dataclass(frozen=True, slots=True)
class RemovalBudget:
    """The removals of this hour. ``dry_run``: say what is left, take nothing."""

    registry: Registry
    settings: Settings
    now: float
    dry_run: bool

    def may_remove(self, record: ClaimRecord) -> bool:
        """Whether the route may be removed now; it counts once in its hour."""
        approval = self.registry.document("stack", "removals-approved")
        if approval is not None and float(json.loads(approval).get("until", 0)) > self.now:
            return True
        cluster, member = record.claim.service.cluster, f"{record.lattice_service}/{record.key}"
        hour = f"removals:{int(self.now // _HOUR_SECONDS)}"
        limit, share = self._limits(cluster)
        if self.dry_run:
            return self._is_within(hour, member, limit) and self._is_within(f"{hour}:{cluster}", member, share)
        # Both are conditional writes, so concurrent runs stay within both limits; a run after a crash holds its place.
        may = self.registry.acquire(f"{hour}:{cluster}", member, share)
        if may and not self.registry.acquire(hour, member, limit):
            self.registry.release(f"{hour}:{cluster}", member)
            may = False
        if not may:
            self._note_waiting(cluster)
        return may

    def _limits(self, cluster: str) -> tuple[int, int]:
        """The removals of an hour: the stack's, and those of the cluster, which are half while another cluster waits."""
        routes = int(json.loads(self.registry.document("stack", "routes") or "0"))
        limit = max(self.settings.max_removals, routes // _SHARE)
        others = _waiting(self.registry.document("stack", _WAITING), self.now).keys() - {cluster}
        return limit, max(1, limit // 2) if others else limit

    def _is_within(self, name: str, member: str, limit: int) -> bool:
        members = self.registry.members(name)
        return member in members or len(members) < limit

    def _note_waiting(self, cluster: str) -> None:
        """The next attempt notes what a concurrent run overwrites here."""
        before = self.registry.document("stack", _WAITING)
        waiting = _waiting(before, self.now)
        if self.now - waiting.get(cluster, -math.inf) < _NOTED_AGAIN_SECONDS:
            return
        newest = sorted({**waiting, cluster: self.now}.items(), key=lambda item: -item[1])[:_CLUSTERS]
        self.registry.replace_document("stack", _WAITING, before, json.dumps(dict(newest)))


def _waiting(document: str | None, now: float) -> dict[str, float]:
    """The clusters with removals that wait, by name, with the time at which one was held last."""
    held = json.loads(document) if document else {}
    return {cluster: float(at) for cluster, at in held.items() if now - float(at) < _WAITING_SECONDS}
