"""Security groups: lets VPC Lattice in where somebody needs it, and takes away what nobody needs any more."""

from ecs_lattice.ingress.opening import Ingress, Opened

__all__ = ["Ingress", "Opened"]
