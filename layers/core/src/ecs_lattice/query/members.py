"""The members of a request beside its mode, checked. UnknownEventError says what is allowed."""

from collections.abc import Mapping
from typing import Any

from ecs_lattice.bounds import VALUE, cut
from ecs_lattice.errors import UnknownEventError
from ecs_lattice.history import KEPT_SECONDS
from ecs_lattice.model import ServiceId

type Request = Mapping[str, Any]


def ecs_service(request: Request) -> ServiceId | None:
    """The ECS service of the member ``ecsService``; None without it."""
    arn = request.get("ecsService")
    if arn is None:
        return None
    if not isinstance(arn, str) or not ServiceId(arn).is_long:
        raise UnknownEventError(
            f"ecsService {cut(repr(arn), VALUE)}: the long ARN is needed, "
            "arn:<partition>:ecs:<region>:<account>:service/<cluster>/<service>."
        )
    return ServiceId(arn)


def since(request: Request) -> float:
    """The epoch seconds of the member ``since``; 0 without it."""
    found = request.get("since", 0)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise UnknownEventError(
            f"since {cut(repr(found), VALUE)}: epoch seconds are needed; the default is all that is kept, "
            f"{KEPT_SECONDS // 86400} days."
        )
    return float(found)


def key(request: Request) -> str:
    """The ARN of an ECS service or the name of a Lattice service in the member ``key``; empty without it."""
    found = request.get("key", "")
    if not isinstance(found, str):
        raise UnknownEventError(
            f"key {cut(repr(found), VALUE)}: the ARN of an ECS service or the name of a Lattice service."
        )
    return found
