"""VPC Lattice of the local AWS: its API with AWS's rules, its health checks and its data plane."""

from moto.vpclattice.models import vpclattice_backends

from local_aws import ec2, eventbus, extend
from local_aws.lattice.backend import ECS, LatticeBackend
from local_aws.lattice.dataplane import ANYBODY, Client
from local_aws.lattice.protocol import LatticeResponse
from local_aws.network import Request, Response


def install() -> None:
    """Serve VPC Lattice, and EC2 with its security groups, from the next request on.

    Under ``mock_aws`` and in moto's server.
    """
    ec2.install()
    extend.install("vpc-lattice", LatticeBackend, LatticeResponse, more_paths=["{0}/.*"])


def backend(account: str = eventbus.ACCOUNT, region: str = eventbus.REGION) -> LatticeBackend:
    """The backend of one account and Region, without HTTP."""
    return vpclattice_backends[account][region]  # type: ignore[return-value]


def route(name: str, port: int, request: Request, client: Client = ANYBODY) -> Response:
    """The data plane's response to a request for a service at a listener's port (see :meth:`local_aws.lattice.dataplane.DataPlane.route`)."""
    return backend().data_plane.route(name, port, request, client)


__all__ = ["ECS", "LatticeBackend", "LatticeResponse", "backend", "install", "route"]
