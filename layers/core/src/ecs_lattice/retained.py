"""Custom::RetainedResources (decision 34): deletes what the stack retains, once an uninstall has released everything.

CloudFormation keeps the registry, the infrastructure role and the service network when the stack is deleted, because
attached ECS services need them (DeletionPolicy). Only this application knows whether they still do. So the stack has
this custom resource, which is deleted before them: it does nothing unless ``{"mode": "uninstall"}`` has ended, and then
deletes them itself. What it does not know is kept. It deletes only while CloudFormation itself says that it is deleting
this custom resource (decision 46); the role may ask that of this stack alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ecs_lattice import api_calls
from ecs_lattice.custom_resource.protocol import Request, Response
from ecs_lattice.custom_resource.verification import NOT_IN_PROGRESS, RequestStatus, Verification
from ecs_lattice.errors import AwsError, NotFoundError
from ecs_lattice.ports import Documents, Sleep
from ecs_lattice.stack_state import KIND, UNINSTALLED, is_uninstalling
from ecs_lattice.telemetry import logger

_AGAIN_SECONDS = 2.0
_NOT_ENDED = (
    'An uninstall has begun and has not ended: invoke the resync function with {"mode": "uninstall"} until nothing is left, '
    "then delete the stack. To keep everything instead, delete the item stack#uninstall of the registry first."
)
_NOT_DELETED = (
    "The {what} could not be deleted: {why}. Remove what prevents it and delete the stack again; or, to keep it, delete the "
    "item stack#uninstall of the registry first."
)


class Store(Protocol):
    """The retained resources. Deleting what does not exist succeeds."""

    def delete_vpc_association(self, identifier: str) -> bool:
        """Start the deletion; whether the association is gone."""

    def delete_network(self, arn: str) -> None:
        """With its auth policy and its access log subscriptions."""

    def delete_log_group(self, name: str) -> None: ...

    def delete_role(self, name: str) -> None:
        """With the managed policy that the template attaches to it."""

    def delete_table(self, name: str) -> None: ...


@dataclass(frozen=True, slots=True)
class RetainedResources:
    """Answers the requests of CloudFormation."""

    documents: Documents
    store: Store
    verification: Verification
    sleep: Sleep

    def apply(self, request: Request) -> Response:
        """Nothing on Create and Update. On Delete: keep everything, delete everything, or say why neither is possible."""
        done = Response(True, request.physical_id or request.own_id)
        if request.type != "Delete":
            return done
        try:
            is_requested = is_uninstalling(self.documents)
            has_ended = self.documents.document(KIND, UNINSTALLED) is not None
        except NotFoundError:
            # This request is repeated after the table was deleted, the last of all; or a lost table knows of no uninstall.
            return done
        if not is_requested:
            logger.info("The retained resources are kept: there was no uninstall")
            return done
        if not has_ended:
            return Response(False, done.physical_id, reason=_NOT_ENDED)
        if self.verification.status(request) is not RequestStatus.CURRENT:
            return Response(False, done.physical_id, reason=NOT_IN_PROGRESS)
        return self._delete(request.properties, done)

    def _delete(self, properties: Mapping[str, Any], done: Response) -> Response:
        """Delete what the properties name. The table is the last: as long as it exists, the request can be repeated."""
        steps: list[tuple[str, Any, Callable[[str], None]]] = [
            *(("VPC association", name, self._dissociate) for name in properties.get("VpcAssociations") or ()),
            ("service network", properties.get("ServiceNetwork"), self.store.delete_network),
            ("log group", properties.get("AccessLogGroup"), self.store.delete_log_group),
            ("role", properties.get("InfrastructureRole"), self.store.delete_role),
            ("table", properties.get("Table"), self.store.delete_table),
        ]
        for kind, name, delete in steps:
            if not name:  # a condition of the template leaves it out
                continue
            try:
                delete(str(name))
            except AwsError as error:
                return Response(False, done.physical_id, reason=_NOT_DELETED.format(what=f"{kind} {name}", why=error))
            logger.info("Deleted", what=f"{kind} {name}")
        return done

    def _dissociate(self, identifier: str) -> None:
        while not self.store.delete_vpc_association(identifier):
            api_calls.check_time()
            self.sleep(_AGAIN_SECONDS)
