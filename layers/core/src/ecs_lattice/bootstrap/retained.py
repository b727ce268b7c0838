"""What ``resync`` runs for Custom::RetainedResources, when a stack is created, updated or deleted."""

from ecs_lattice.aws.cfn_response import HttpDelivery
from ecs_lattice.aws.retained import BotoRetained
from ecs_lattice.aws.stacks import BotoStacks
from ecs_lattice.bootstrap.common import Wiring
from ecs_lattice.bootstrap.lattice_ingress import response_hosts
from ecs_lattice.custom_resource.protocol import Request, Response
from ecs_lattice.custom_resource.serving import CustomResources
from ecs_lattice.custom_resource.verification import Verification
from ecs_lattice.retained import RetainedResources

_ROLE_POLICY = "iam::aws:policy/AmazonECSInfrastructureRolePolicyForVpcLattice"


def retained_resources(wiring: Wiring, log: str) -> CustomResources:
    """The handler of the custom resource's requests; ``log`` names its log for people."""

    def apply(request: Request) -> Response:
        clients = wiring.clients
        partition = request.stack_id.split(":")[1]  # of an ARN: arn:aws:cloudformation:...
        policy = f"arn:{partition}:{_ROLE_POLICY}"
        store = BotoRetained(clients.lattice, clients.logs, clients.iam, clients.dynamodb, policy)
        verification = Verification(BotoStacks(clients.cloudformation), wiring.sleep)
        return RetainedResources(wiring.registry, store, verification, wiring.sleep).apply(request)

    return CustomResources(apply, HttpDelivery(), response_hosts(), log)
