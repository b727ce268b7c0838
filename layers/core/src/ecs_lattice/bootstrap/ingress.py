"""The ingress of tasks, which three functions manage."""

from ecs_lattice.aws.security_groups import BotoSecurityGroups
from ecs_lattice.bootstrap.common import Wiring
from ecs_lattice.ingress.open import Ingress


def ingress(wiring: Wiring) -> Ingress:
    """Opens and closes security groups."""
    own = wiring.settings
    groups = BotoSecurityGroups(wiring.clients.ec2, own.owner)
    return Ingress(groups, wiring.registry, own.owner, own.label_prefix, mode=own.ingress_groups)
