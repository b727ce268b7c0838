"""What ``lattice_ingress`` runs."""

import time
from functools import cache

from ecs_lattice.aws.cfn_response import HttpDelivery
from ecs_lattice.bootstrap.common import registry
from ecs_lattice.bootstrap.ingress import ingress
from ecs_lattice.custom_resource.resource import IngressResource
from ecs_lattice.custom_resource.serving import CustomResources


@cache
def _ingress_resource() -> IngressResource:
    return IngressResource(ingress(), registry(), time.time, time.sleep)


def custom_resources(log: str) -> CustomResources:
    """The one who answers requests. Its collaborators are made when a request is worked, so that a bad environment is
    answered, too."""
    return CustomResources(lambda request: _ingress_resource().apply(request), HttpDelivery(), log)
