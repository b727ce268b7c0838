"""What ``query`` runs."""

from ecs_lattice.aws.targets import BotoTargets
from ecs_lattice.bootstrap.common import Wiring
from ecs_lattice.query.answer import Query
from ecs_lattice.version import VERSION


def query(wiring: Wiring) -> Query:
    """Whoever answers questions about the state."""
    targets = BotoTargets(wiring.clients.lattice)
    return Query(wiring.settings, VERSION, wiring.registry, wiring.history, targets, wiring.now, wiring.sleep)
