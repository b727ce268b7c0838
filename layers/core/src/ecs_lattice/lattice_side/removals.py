"""The stack's ceiling on removals: how many routes may go in an hour before somebody is asked."""

import json
from collections.abc import Callable

from ecs_lattice.claims import ClaimRecord
from ecs_lattice.ports import Registry
from ecs_lattice.settings import Settings

_HOUR_SECONDS = 3600
_SHARE = 10  # one route in ten may go in an hour


def ceiling(registry: Registry, settings: Settings, now: float, *, ask_only: bool) -> Callable[[ClaimRecord], bool]:
    """Whether one more route may be removed now, taking a place for it unless ``ask_only``."""
    hour = f"removals:{int(now // _HOUR_SECONDS)}"

    def may_remove(record: ClaimRecord) -> bool:
        if _approved(registry, now):
            return True
        limit = max(settings.max_removals, _routes(registry) // _SHARE)
        member = f"{record.lattice_service}/{record.key}"
        if ask_only:
            members = registry.members(hour)
            return member in members or len(members) < limit
        return registry.acquire(hour, member, limit)

    return may_remove


def _approved(registry: Registry, now: float) -> bool:
    document = registry.document("stack", "removals-approved")
    return document is not None and float(json.loads(document).get("until", 0)) > now


def _routes(registry: Registry) -> int:
    return int(json.loads(registry.document("stack", "routes") or "0"))
