"""The ingress of tasks, which three functions manage."""

from ecs_lattice.aws.security_groups import BotoSecurityGroups
from ecs_lattice.bootstrap.common import Wiring
from ecs_lattice.ingress.open import Ingress


def ingress(wiring: Wiring) -> Ingress:
    """Opens and closes security groups."""
    owner = wiring.settings.owner
    return Ingress(BotoSecurityGroups(wiring.clients.ec2, owner), wiring.registry, owner)
