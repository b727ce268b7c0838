"""The adapter to the associations and auth policies of VPC Lattice service networks."""

from typing import TYPE_CHECKING, Any

from ecs_lattice.aws.clients import translating
from ecs_lattice.errors import NotFoundError
from ecs_lattice.graph import id_of

if TYPE_CHECKING:
    from types_boto3_vpc_lattice import VPCLatticeClient

_PAGE = 100  # VPC Lattice API, MaxResults
_NOT_THERE = {"CREATE_FAILED", "DELETE_IN_PROGRESS"}


def auth_policy(client: Any, arn: str) -> str | None:
    """The auth policy of a Lattice service or service network; None for none. ``client`` translates its errors."""
    try:
        return client.get_auth_policy(resourceIdentifier=arn).get("policy") or None
    except NotFoundError:
        return None


class BotoNetworks:
    """:class:`ecs_lattice.lattice_side.network_sweep.Networks` and
    :class:`ecs_lattice.lattice_side.auth_policies.Policies` over a boto3 client."""

    def __init__(self, client: "VPCLatticeClient") -> None:
        self._client: Any = translating(client)

    def is_attached(self, network_arn: str) -> bool:
        vpcs = self._all("list_service_network_vpc_associations", network_arn)
        if any(association["status"] not in _NOT_THERE for association in vpcs):
            return True
        return bool(self._all("list_service_network_vpc_endpoint_associations", network_arn))

    def auth_policy(self, arn: str) -> str | None:
        return auth_policy(self._client, arn)

    def policy(self, network_arn: str) -> tuple[bool, str | None]:
        requires_iam = (
            self._client.get_service_network(serviceNetworkIdentifier=network_arn).get("authType") == "AWS_IAM"
        )
        return requires_iam, auth_policy(self._client, network_arn) if requires_iam else None

    def services(self, network_arn: str) -> frozenset[str]:
        listed = self._all("list_service_network_service_associations", network_arn)
        return frozenset(id_of(each["serviceArn"]) for each in listed if each["status"] not in _NOT_THERE)

    def _all(self, method: str, network_arn: str) -> list[dict[str, Any]]:
        pages = self._client.get_paginator(method).paginate(
            serviceNetworkIdentifier=network_arn, PaginationConfig={"PageSize": _PAGE}
        )
        return [item for page in pages for item in page["items"]]
