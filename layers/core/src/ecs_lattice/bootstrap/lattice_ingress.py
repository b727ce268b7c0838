"""What ``lattice_ingress`` runs."""

from collections.abc import Callable

from ecs_lattice.aws.cfn_response import HttpDelivery
from ecs_lattice.bootstrap.common import Wiring
from ecs_lattice.bootstrap.ingress import ingress
from ecs_lattice.custom_resource.protocol import Request, Response
from ecs_lattice.custom_resource.resource import IngressResource
from ecs_lattice.custom_resource.serving import CustomResources


def custom_resources(wiring: Callable[[], Wiring], log: str) -> CustomResources:
    """The handler of requests for custom resources; ``log`` names its log for people. ``wiring`` is called for each request,
    so that a wrong environment gets an answer, too."""

    def apply(request: Request) -> Response:
        own = wiring()
        return IngressResource(ingress(own), own.registry, own.now, own.sleep).apply(request)

    return CustomResources(apply, HttpDelivery(), log)
