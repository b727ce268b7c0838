"""Deletes what the stack retains: :class:`ecs_lattice.retained.Store` over boto3 clients."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ecs_lattice.aws.clients import translating
from ecs_lattice.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_vpc_lattice import VPCLatticeClient


class BotoRetained:
    """What does not exist counts as deleted."""

    def __init__(
        self, lattice: "VPCLatticeClient", logs: Any, iam: Any, dynamodb: "DynamoDBClient", role_policy: str
    ) -> None:
        self._lattice_client = translating(lattice)
        self._logs_client, self._iam_client = translating(logs), translating(iam)
        self._dynamodb_client = translating(dynamodb)
        self._role_policy = role_policy

    def delete_vpc_association(self, identifier: str) -> bool:
        try:
            self._lattice_client.delete_service_network_vpc_association(
                serviceNetworkVpcAssociationIdentifier=identifier
            )
        except NotFoundError:
            return True
        except ConflictError:
            return False  # another change of it, or its deletion, is in progress
        return False

    def delete_network(self, arn: str) -> None:
        with suppress(NotFoundError):
            self._lattice_client.delete_service_network(serviceNetworkIdentifier=arn)

    def delete_log_group(self, name: str) -> None:
        with suppress(NotFoundError):
            self._logs_client.delete_log_group(logGroupName=name)

    def delete_role(self, name: str) -> None:
        with suppress(NotFoundError):
            self._iam_client.detach_role_policy(RoleName=name, PolicyArn=self._role_policy)
        with suppress(NotFoundError):
            self._iam_client.delete_role(RoleName=name)

    def delete_table(self, name: str) -> None:
        with suppress(NotFoundError):
            self._dynamodb_client.delete_table(TableName=name)
