"""Custom::RetainedResources: what outlives the stack goes with it after all, once an uninstall has released everything.

CloudFormation keeps the registry, the infrastructure role and the service network when the stack is deleted, because
attached services need them (DeletionPolicy). Whether they still do, only this application knows. So the stack has this
custom resource, which is deleted before them: it does nothing unless ``{"mode": "uninstall"}`` has ended, and then it
deletes them itself. What is unknown is kept.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from ecs_lattice import deadline
from ecs_lattice.custom_resource.protocol import Request, Response
from ecs_lattice.errors import AwsError, NotFoundError
from ecs_lattice.telemetry import logger
from ecs_lattice.uninstall_state import UNINSTALL, UNINSTALLED

_AGAIN_SECONDS = 2.0


class Documents(Protocol):
    """What of the registry is needed here."""

    def document(self, kind: str, key: str) -> str | None: ...


class Store(Protocol):
    """The retained resources; each act is done when what it deletes is not there."""

    def delete_vpc_association(self, identifier: str) -> bool:
        """Begin to delete it; whether it has gone."""

    def delete_network(self, arn: str) -> None:
        """With its auth policy and its access log subscriptions."""

    def delete_log_group(self, name: str) -> None: ...

    def delete_role(self, name: str) -> None:
        """With the managed policy that the template gives it."""

    def delete_table(self, name: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Retained:
    """What the template says that it retains; empty where a condition leaves it out."""

    table: str
    infrastructure_role: str
    service_network: str = ""
    vpc_associations: tuple[str, ...] = ()
    access_log_group: str = ""

    @classmethod
    def read(cls, properties: Mapping[str, Any]) -> "Retained":
        """The properties of the custom resource."""

        def text(name: str) -> str:
            return str(properties.get(name) or "")

        return cls(
            text("Table"),
            text("InfrastructureRole"),
            text("ServiceNetwork"),
            tuple(str(one) for one in properties.get("VpcAssociations") or ()),
            text("AccessLogGroup"),
        )


@dataclass(frozen=True, slots=True)
class RetainedResources:
    """Answers the requests of CloudFormation; ``store`` is made only where something is deleted."""

    documents: Documents
    store: Callable[[], Store]
    sleep: Callable[[float], None]

    def apply(self, request: Request) -> Response:
        """Nothing on Create and Update. On Delete: keep everything, delete everything, or say why neither can be."""
        done = Response(True, request.physical_id or request.own_id)
        if request.type != "Delete":
            return done
        try:
            was_asked = self.documents.document("stack", UNINSTALL) is not None
            has_ended = self.documents.document("stack", UNINSTALLED) is not None
        except NotFoundError:
            # This request's repetition, after the table went as the last; or a lost table, which knows of no uninstall.
            return done
        if not was_asked:
            logger.info("What the stack retains is kept: nothing was uninstalled")
            return done
        if not has_ended:
            return Response(False, done.physical_id, reason=_NOT_ENDED)
        return self._delete(Retained.read(request.properties), done)

    def _delete(self, retained: Retained, done: Response) -> Response:
        """The table is the last: as long as it is there, the request can be repeated."""
        store = self.store()
        dissociate = partial(self._dissociate, store)
        steps: list[tuple[str, str, Callable[[str], None]]] = [
            *(("VPC association", one, dissociate) for one in retained.vpc_associations),
            ("service network", retained.service_network, store.delete_network),
            ("log group", retained.access_log_group, store.delete_log_group),
            ("role", retained.infrastructure_role, store.delete_role),
            ("table", retained.table, store.delete_table),
        ]
        for kind, name, delete in steps:
            if not name:  # a condition of the template leaves it out
                continue
            try:
                delete(name)
            except AwsError as error:
                return Response(False, done.physical_id, reason=_NOT_DELETED.format(what=f"{kind} {name}", why=error))
            logger.info("Deleted", what=f"{kind} {name}")
        return done

    def _dissociate(self, store: Store, identifier: str) -> None:
        while not store.delete_vpc_association(identifier):
            deadline.check()
            self.sleep(_AGAIN_SECONDS)


_NOT_ENDED = (
    'An uninstall was begun and has not ended: invoke the resync function with {"mode": "uninstall"} until nothing is '
    "left, then delete the stack. To keep everything instead, delete the item stack#uninstall of the registry first."
)
_NOT_DELETED = (
    "The {what} could not be deleted: {why}. Take away what is in the way and delete the stack again; or, to keep it, delete "
    "the item stack#uninstall of the registry first."
)

__all__ = ["Retained", "RetainedResources", "Store"]
