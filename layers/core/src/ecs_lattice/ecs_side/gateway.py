"""Whether a service has gateway connectors, by which Amazon ECS Gateway sends requests to its tasks beside VPC Lattice.

They stand in service revisions only (Amazon ECS API, ServiceRevision.gatewayConnectors), so each current revision is read once.
"""

import dataclasses
import logging
from collections.abc import Mapping

from ecs_lattice import ports
from ecs_lattice.claims import Notice
from ecs_lattice.ecs_side.record import EcsRecord
from ecs_lattice.errors import DeniedError, InvalidError, NotFoundError
from ecs_lattice.facts import EcsService

_log = logging.getLogger(__name__)


def followed(record: EcsRecord, service: EcsService, ecs: ports.Ecs) -> EcsRecord:
    """The record with the connectors of the current revisions. What ECS does not tell is unknown: it is neither said nor
    remembered."""
    known = {arn: names for arn, names in record.connectors.items() if arn in service.revisions}
    if new := [arn for arn in service.revisions if arn not in known]:
        try:
            known |= {revision.arn: revision.connectors for revision in ecs.revisions(new)}
        except (DeniedError, InvalidError, NotFoundError) as error:
            _log.warning("Whether %s has gateway connectors is unknown: %s", service.id, error)
    return record if known == record.connectors else dataclasses.replace(record, connectors=known)


def notice(connectors: Mapping[str, tuple[str, ...]]) -> Notice | None:
    """What the people of a route are told of the connectors of the current revisions; None without one."""
    names = sorted({name for of_revision in connectors.values() for name in of_revision})
    if not names:
        return None
    message = (
        f"The ECS service has a gateway connector (port {', '.join(names)}): Amazon ECS Gateway sends requests to its tasks beside "
        "VPC Lattice, without VPC Lattice's auth policies and access logs. Routes and attachments go on as before, and the connector is "
        "left alone; that ECS takes both on one service is not documented."
    )
    return Notice("GATEWAY_CONNECTOR", message)
