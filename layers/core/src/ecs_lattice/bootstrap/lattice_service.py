"""What ``lattice_service`` runs."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from ecs_lattice import codec
from ecs_lattice.aws.holders import BotoHolders
from ecs_lattice.aws.lattice import BotoLattice
from ecs_lattice.bootstrap.common import Wiring
from ecs_lattice.bootstrap.reconciles import reconcile_consumer
from ecs_lattice.consumers.reconciles import ReconcileConsumer
from ecs_lattice.lattice_side.reconcile import LatticeSide


def lattice_side(wiring: Wiring) -> LatticeSide:
    """The reconciler of Lattice services; ``ecs_service`` uses its plans, too."""
    lattice, holders = BotoLattice(wiring.clients.lattice), BotoHolders(wiring.clients.ecs)
    return LatticeSide(wiring.settings, lattice, wiring.registry, wiring.requests, wiring.now, holders)


def lattice_consumer(wiring: Wiring) -> ReconcileConsumer:
    """The consumer of the Lattice services' queue."""
    side, queue = lattice_side(wiring), wiring.settings.lattice_services_queue
    consumer = reconcile_consumer(wiring, "latticeService", queue, side.reconcile)
    return dataclasses.replace(consumer, forget_failures=side.forget_failures)


def plan_lattice_service(wiring: Wiring, name: str, _event: Mapping[str, Any]) -> dict[str, Any]:
    """What a reconcile of the Lattice service would do, as data."""
    return dict(codec.to_data(lattice_side(wiring).plan(name)))
