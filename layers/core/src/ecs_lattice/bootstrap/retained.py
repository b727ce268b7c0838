"""What ``resync`` runs for Custom::RetainedResources, when a stack is made, changed or deleted."""

import time

from ecs_lattice.aws import clients
from ecs_lattice.aws.cfn_response import HttpDelivery
from ecs_lattice.aws.retained import BotoRetained
from ecs_lattice.bootstrap.common import registry
from ecs_lattice.custom_resource.protocol import Request, Response
from ecs_lattice.custom_resource.serving import CustomResources
from ecs_lattice.retained import RetainedResources

_ROLE_POLICY = "iam::aws:policy/AmazonECSInfrastructureRolePolicyForVpcLattice"


def retained_resources(log: str) -> CustomResources:
    """The one who answers requests; ``log`` tells people where its log is."""
    return CustomResources(_apply, HttpDelivery(), log)


def _apply(request: Request) -> Response:
    partition = request.stack_id.split(":")[1]  # of an ARN: arn:aws:cloudformation:...

    def store() -> BotoRetained:
        policy = f"arn:{partition}:{_ROLE_POLICY}"
        return BotoRetained(clients.lattice(), clients.logs(), clients.iam(), clients.dynamodb(), policy)

    return RetainedResources(registry(), store, time.sleep).apply(request)
