"""Direct invocations. Of the reconcilers: ``plan`` shows what would be done and changes nothing, ``apply`` rings at once.

``apply`` goes through the queue like every bell: the queue's group is the only lock there is, and a second writer
beside it could give one rule two priorities.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ecs_lattice.bells import Bell, Kind
from ecs_lattice.errors import UnknownEventError
from ecs_lattice.model import ServiceId
from ecs_lattice.ports import Bells, Now

_MODES = ("plan", "apply")


def is_direct(event: Mapping[str, Any]) -> bool:
    """Whether somebody invoked the function by hand (an SQS batch has Records)."""
    return "Records" not in event


def answer(
    event: Mapping[str, Any], kind: Kind, plan: Callable[[str], dict[str, Any]], bells: Bells, now: Now
) -> dict[str, Any]:
    """What a direct invocation gets. Raises UnknownEventError, saying what is allowed, for anything else."""
    key, mode = event.get(kind), event.get("mode")
    if not isinstance(key, str) or not key or mode not in _MODES:
        raise UnknownEventError(
            f"This function takes a batch of its queue, or "
            f'{{"{kind}": "{"<long ARN>" if kind == "ecsService" else "<name>"}", "mode": "plan" or "apply"}}; '
            f"it got an object with the members {sorted(event)}" + (f" and mode {mode!r}." if "mode" in event else ".")
        )
    if kind == "ecsService" and not (key.startswith("arn:") and ServiceId(key).is_long):
        raise UnknownEventError(
            f"ecsService {key!r}: the long ARN is needed, arn:<partition>:ecs:<region>:<account>:service/<cluster>/<service>."
        )
    if mode == "plan":
        return plan(key)
    bells.ring([Bell(kind, key, cause="invoked by hand", rang_at=now())])
    return {"rung": {"kind": kind, "key": key}}
