"""The way into the tasks, which three functions see to."""

from functools import cache

from ecs_lattice.aws import clients
from ecs_lattice.aws.security_groups import BotoSecurityGroups
from ecs_lattice.bootstrap.common import registry, settings
from ecs_lattice.ingress.open import Ingress


@cache
def ingress() -> Ingress:
    """Opens and closes security groups."""
    return Ingress(BotoSecurityGroups(clients.ec2(), settings().owner), registry(), settings().owner)
