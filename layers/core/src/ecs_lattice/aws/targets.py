"""The adapter to the targets and tags of VPC Lattice target groups."""

from collections.abc import Mapping, Sequence
from itertools import batched
from typing import TYPE_CHECKING

from ecs_lattice.aws.errors import translated
from ecs_lattice.ecs_side.lattice_targets import Target, TargetState
from ecs_lattice.errors import DeniedError, NotFoundError

if TYPE_CHECKING:
    from types_boto3_vpc_lattice import VPCLatticeClient

_A_CALL = 100  # targets; VPC Lattice API, RegisterTargets, DeregisterTargets and ListTargets


class BotoTargets:
    """:class:`ecs_lattice.ecs_side.lattice_targets.Targets` and :class:`ecs_lattice.health.ports.TargetStatuses` over a boto3 client."""

    def __init__(self, client: "VPCLatticeClient") -> None:
        self._client = client

    def registered(self, group_arn: str) -> tuple[TargetState, ...]:
        try:
            with translated("ListTargets"):
                pages = self._client.get_paginator("list_targets").paginate(
                    targetGroupIdentifier=group_arn, PaginationConfig={"PageSize": _A_CALL}
                )
                return tuple(
                    TargetState(Target(one["id"], one["port"]), one["status"])
                    for page in pages
                    for one in page["items"]
                )
        except NotFoundError:
            return ()

    def statuses(self, group_arn: str) -> tuple[str, ...]:
        return tuple(one.status for one in self.registered(group_arn))

    def register(self, group_arn: str, targets: Sequence[Target]) -> tuple[Target, ...]:
        failed: list[Target] = []
        for part in batched(targets, _A_CALL, strict=False):
            with translated("RegisterTargets"):
                answer = self._client.register_targets(
                    targetGroupIdentifier=group_arn, targets=[{"id": one.address, "port": one.port} for one in part]
                )
            failed += [Target(one["id"], one["port"]) for one in answer.get("unsuccessful", [])]
        return tuple(failed)

    def deregister(self, group_arn: str, targets: Sequence[Target]) -> tuple[Target, ...]:
        failed: list[Target] = []
        for part in batched(targets, _A_CALL, strict=False):
            with translated("DeregisterTargets"):
                answer = self._client.deregister_targets(
                    targetGroupIdentifier=group_arn, targets=[{"id": one.address, "port": one.port} for one in part]
                )
            failed += [Target(one["id"], one["port"]) for one in answer.get("unsuccessful", [])]
        return tuple(failed)

    def tags(self, group_arn: str) -> Mapping[str, str]:
        try:
            with translated("ListTagsForResource"):
                return self._client.list_tags_for_resource(resourceArn=group_arn).get("tags", {})
        except (NotFoundError, DeniedError):
            return {}
