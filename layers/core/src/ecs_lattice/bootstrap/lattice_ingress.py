"""What ``lattice_ingress`` runs."""

import os
from collections.abc import Callable

from ecs_lattice.aws.cfn_response import HttpDelivery
from ecs_lattice.aws.stacks import BotoStacks
from ecs_lattice.bootstrap.common import Wiring
from ecs_lattice.bootstrap.ingress import ingress
from ecs_lattice.custom_resource.desired import Record
from ecs_lattice.custom_resource.protocol import Request, Response
from ecs_lattice.custom_resource.resource import IngressResource
from ecs_lattice.custom_resource.response_hosts import ResponseHosts
from ecs_lattice.custom_resource.serving import CustomResources
from ecs_lattice.custom_resource.verification import Verification
from ecs_lattice.history import kept


def custom_resources(wiring: Callable[[], Wiring], log: str) -> CustomResources:
    """The handler of requests for custom resources; ``log`` names its log for people. ``wiring`` is called for each request,
    so that a wrong environment gets an answer, too."""

    def apply(request: Request) -> Response:
        own = wiring()
        verification = Verification(BotoStacks(own.clients.cloudformation), own.sleep)
        resource = IngressResource(ingress(own), Record(own.registry, own.now), verification, own.sleep)
        with kept(own.history, own.now, "customResource", request.stack_id, f"{request.type} by CloudFormation"):
            return resource.apply(request)

    return CustomResources(apply, HttpDelivery(), response_hosts(), log)


def response_hosts() -> ResponseHosts:
    """Where this function may send responses; Lambda sets the Region, and the local AWS its own address."""
    return ResponseHosts(os.environ.get("AWS_REGION", ""), os.environ.get("AWS_ENDPOINT_URL", ""))
