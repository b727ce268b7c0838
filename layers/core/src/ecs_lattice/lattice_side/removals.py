"""The stack's removal budget (decision 4): how many routes may be removed in an hour without approval."""

import json
from dataclasses import dataclass

from ecs_lattice.claims import ClaimRecord
from ecs_lattice.ports import Registry
from ecs_lattice.settings import Settings

_HOUR_SECONDS = 3600
_SHARE = 10  # one route in ten may be removed in an hour


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
        hour, member = f"removals:{int(self.now // _HOUR_SECONDS)}", f"{record.lattice_service}/{record.key}"
        routes = int(json.loads(self.registry.document("stack", "routes") or "0"))
        limit = max(self.settings.max_removals, routes // _SHARE)
        if self.dry_run:
            members = self.registry.members(hour)
            return member in members or len(members) < limit
        return self.registry.acquire(hour, member, limit)
