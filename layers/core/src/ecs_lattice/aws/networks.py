"""The adapter to the associations of VPC Lattice service networks."""

from typing import TYPE_CHECKING, Any

from ecs_lattice.aws.clients import translating
from ecs_lattice.graph import id_of

if TYPE_CHECKING:
    from types_boto3_vpc_lattice import VPCLatticeClient

_PAGE = 100  # VPC Lattice API, MaxResults
_NOT_THERE = {"CREATE_FAILED", "DELETE_IN_PROGRESS"}


class BotoNetworks:
    """:class:`ecs_lattice.lattice_side.network_sweep.Networks` over a boto3 client."""

    def __init__(self, client: "VPCLatticeClient") -> None:
        self._client: Any = translating(client)

    def is_attached(self, network_arn: str) -> bool:
        vpcs = self._all("list_service_network_vpc_associations", network_arn)
        if any(association["status"] not in _NOT_THERE for association in vpcs):
            return True
        return bool(self._all("list_service_network_vpc_endpoint_associations", network_arn))

    def services(self, network_arn: str) -> frozenset[str]:
        listed = self._all("list_service_network_service_associations", network_arn)
        return frozenset(id_of(each["serviceArn"]) for each in listed if each["status"] not in _NOT_THERE)

    def _all(self, method: str, network_arn: str) -> list[dict[str, Any]]:
        pages = self._client.get_paginator(method).paginate(
            serviceNetworkIdentifier=network_arn, PaginationConfig={"PageSize": _PAGE}
        )
        return [item for page in pages for item in page["items"]]
