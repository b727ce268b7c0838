"""Deletes what the stack retains: :class:`ecs_lattice.retained.Store` over boto3 clients."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ecs_lattice.aws.errors import translated
from ecs_lattice.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_vpc_lattice import VPCLatticeClient


class BotoRetained:
    """What is not there is deleted already."""

    def __init__(
        self,
        lattice: "VPCLatticeClient",
        logs: Any,
        iam: Any,
        dynamodb: "DynamoDBClient",
        role_policy: str,
    ) -> None:
        self._lattice_client, self._logs_client, self._iam_client = lattice, logs, iam
        self._dynamodb_client = dynamodb
        self._role_policy = role_policy

    def delete_vpc_association(self, identifier: str) -> bool:
        try:
            with translated("DeleteServiceNetworkVpcAssociation"):
                self._lattice_client.delete_service_network_vpc_association(
                    serviceNetworkVpcAssociationIdentifier=identifier
                )
        except NotFoundError:
            return True
        except ConflictError:
            return False  # it is being changed, or on its way out
        return False

    def delete_network(self, arn: str) -> None:
        with suppress(NotFoundError), translated("DeleteServiceNetwork"):
            self._lattice_client.delete_service_network(serviceNetworkIdentifier=arn)

    def delete_log_group(self, name: str) -> None:
        with suppress(NotFoundError), translated("DeleteLogGroup"):
            self._logs_client.delete_log_group(logGroupName=name)

    def delete_role(self, name: str) -> None:
        with suppress(NotFoundError), translated("DetachRolePolicy"):
            self._iam_client.detach_role_policy(RoleName=name, PolicyArn=self._role_policy)
        with suppress(NotFoundError), translated("DeleteRole"):
            self._iam_client.delete_role(RoleName=name)

    def delete_table(self, name: str) -> None:
        with suppress(NotFoundError), translated("DeleteTable"):
            self._dynamodb_client.delete_table(TableName=name)


__all__ = ["BotoRetained"]
