"""What ``lattice_service`` runs."""

import time
from functools import cache
from typing import Any

from ecs_lattice import codec
from ecs_lattice.aws import clients
from ecs_lattice.aws.lattice import BotoLattice
from ecs_lattice.bootstrap.common import registry, request_queue, settings
from ecs_lattice.bootstrap.workers import worker
from ecs_lattice.consumers.reconciles import ReconcileConsumer
from ecs_lattice.lattice_side.reconcile import LatticeSide


@cache
def lattice_side() -> LatticeSide:
    """The reconciler of Lattice services; ``ecs_service`` asks it for plans, too."""
    return LatticeSide(settings(), BotoLattice(clients.lattice()), registry(), request_queue(), time.time)


@cache
def lattice_worker() -> ReconcileConsumer:
    """The consumer of the Lattice services' queue."""
    return worker("latticeService", settings().lattice_services_queue, lattice_side().reconcile)


def plan_lattice_service(name: str) -> dict[str, Any]:
    """What a reconcile of the Lattice service would do, as data."""
    return dict(codec.to_data(lattice_side().plan(name)))
