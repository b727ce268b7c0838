"""VPC Lattice of the local AWS: its API with AWS's rules, its health checks and its data plane."""

from moto.vpclattice.models import VPCLatticeBackend, vpclattice_backends
from moto.vpclattice.responses import VPCLatticeResponse

from local_aws import eventbus, extend


def install() -> None:
    """Answer for VPC Lattice from the next request on, under ``mock_aws`` and in moto's server."""
    extend.install("vpc-lattice", LatticeBackend, LatticeResponse)


class LatticeBackend(VPCLatticeBackend):
    """The state of VPC Lattice of one account in one region."""


class LatticeResponse(VPCLatticeResponse):
    """The HTTP side of it."""


def backend(account: str = eventbus.ACCOUNT, region: str = eventbus.REGION) -> LatticeBackend:
    """The state of one account and region, to call and to look at without HTTP."""
    return vpclattice_backends[account][region]  # type: ignore[return-value]


__all__ = ["LatticeBackend", "LatticeResponse", "backend", "install"]
