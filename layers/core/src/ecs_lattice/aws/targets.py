"""The adapter to the targets and tags of VPC Lattice target groups."""

from collections.abc import Callable, Mapping, Sequence
from itertools import batched
from typing import TYPE_CHECKING, Any

from ecs_lattice.aws.clients import translating
from ecs_lattice.ecs_side.lattice_targets import Target, TargetState
from ecs_lattice.errors import NotFoundError, failure_from

if TYPE_CHECKING:
    from types_boto3_vpc_lattice import VPCLatticeClient

_BATCH = 100  # targets; VPC Lattice API, RegisterTargets, DeregisterTargets and ListTargets


class BotoTargets:
    """:class:`ecs_lattice.ecs_side.lattice_targets.Targets` and :class:`ecs_lattice.health.ports.TargetStatuses`."""

    def __init__(self, client: "VPCLatticeClient") -> None:
        self._client = translating(client)

    def registered(self, group_arn: str) -> tuple[TargetState, ...]:
        pages = self._client.get_paginator("list_targets").paginate(
            targetGroupIdentifier=group_arn, PaginationConfig={"PageSize": _BATCH}
        )
        try:
            return tuple(TargetState(_target(item), item["status"]) for page in pages for item in page["items"])
        except NotFoundError:
            return ()

    def statuses(self, group_arn: str) -> tuple[str, ...]:
        return tuple(target.status for target in self.registered(group_arn))

    def register(self, group_arn: str, targets: Sequence[Target]) -> Mapping[Target, str]:
        return _in_batches(self._client.register_targets, group_arn, targets)

    def deregister(self, group_arn: str, targets: Sequence[Target]) -> Mapping[Target, str]:
        return _in_batches(self._client.deregister_targets, group_arn, targets)

    def tags(self, group_arn: str) -> Mapping[str, str]:
        return self._client.list_tags_for_resource(resourceArn=group_arn).get("tags", {})


def _in_batches(change: Callable[..., Any], group_arn: str, targets: Sequence[Target]) -> dict[Target, str]:
    """Change all targets; those whose change failed, and why."""
    failed: dict[Target, str] = {}
    for part in batched(targets, _BATCH, strict=False):
        members = [{"id": target.address, "port": target.port} for target in part]
        answer = change(targetGroupIdentifier=group_arn, targets=members)
        failed |= {_target(item): failure_from(item) for item in answer.get("unsuccessful", [])}
    return failed


def _target(item: Mapping[str, Any]) -> Target:
    return Target(item["id"], item["port"])
