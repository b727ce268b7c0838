"""The adapter to Amazon ECS for the holders of Lattice services."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ecs_lattice.aws.clients import translating
from ecs_lattice.errors import NotFoundError, UnavailableError
from ecs_lattice.model import ServiceId

if TYPE_CHECKING:
    from types_boto3_ecs import ECSClient


@dataclass(frozen=True, slots=True)
class BotoHolders:
    """:class:`ecs_lattice.lattice_side.ports.Holders` over a boto3 client."""

    client: "ECSClient"

    def is_gone(self, arn: str) -> bool:
        # What is deleted stays INACTIVE for a while, then it is MISSING (Amazon ECS API, DeleteCluster and DeleteService).
        # A cluster that is PROVISIONING, DEPROVISIONING or FAILED, and a service that is DRAINING, exist.
        found, failures = self._cluster(arn) if ":cluster/" in arn else self._service(arn)
        if failed := [failure for failure in failures if failure.get("reason") != "MISSING"]:
            raise UnavailableError("Describe", str(failed[0].get("reason")), f"{arn}: {failed[0].get('detail')}")
        return bool(found or failures) and all(one.get("status") == "INACTIVE" for one in found)

    def _cluster(self, arn: str) -> tuple[list[Any], list[Any]]:
        ecs_client = translating(self.client)
        answer = ecs_client.describe_clusters(clusters=[arn])
        return list(answer["clusters"]), list(answer.get("failures", ()))

    def _service(self, arn: str) -> tuple[list[Any], list[Any]]:
        ecs_client = translating(self.client)
        try:
            answer = ecs_client.describe_services(cluster=ServiceId(arn).cluster, services=[arn])
        except NotFoundError:  # ClusterNotFoundException: a cluster that does not exist has no services
            return [], [{"reason": "MISSING"}]
        return list(answer["services"]), list(answer.get("failures", ()))
