"""The task definition and the tags in the request for a plan, as ECS would return them, and all that would follow."""

from collections.abc import Mapping
from typing import Any

from ecs_lattice.aws import ecs_shapes
from ecs_lattice.bootstrap.common import Wiring
from ecs_lattice.bounds import VALUE, cut
from ecs_lattice.ecs_side.reconcile import EcsSide
from ecs_lattice.ecs_side.what_if import NOT_REGISTERED, Tags, WhatIf
from ecs_lattice.errors import UnknownEventError
from ecs_lattice.lattice_side.reconcile import LatticeSide
from ecs_lattice.model import ServiceId
from ecs_lattice.ports import Ecs
from ecs_lattice.simulation import run
from ecs_lattice.simulation.run import Originals, UntilRest

_ALLOWED = "taskDefinition has to be the input of RegisterTaskDefinition or a task definition of DescribeTaskDefinition, as an object"


def what_if(ecs: Ecs, service: ServiceId, event: Mapping[str, Any]) -> WhatIf:
    """``ecs`` with the deployment that ``event`` plans for ``service``. Raises UnknownEventError."""
    shape = event.get("taskDefinition")
    if shape is None:
        raise UnknownEventError(f"serviceTags are planned together with a taskDefinition. {_ALLOWED}.")
    if not isinstance(shape, Mapping):
        raise UnknownEventError(f"{_ALLOWED}; it is {cut(repr(shape), VALUE)}.")
    shape = shape.get("taskDefinition", shape)
    family = shape.get("family") if isinstance(shape, Mapping) else None
    if not isinstance(family, str) or not family or not isinstance(shape.get("containerDefinitions"), list):
        raise UnknownEventError(f"{_ALLOWED}, with family and containerDefinitions.")
    head = f"arn:{service.partition}:ecs:{service.region}:{service.account}"
    arn = f"{head}:task-definition/{family}:{NOT_REGISTERED}"
    try:
        planned = ecs_shapes.task_definition({**shape, "taskDefinitionArn": arn})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnknownEventError(f"{_ALLOWED}: {cut(repr(error), VALUE)}.") from error
    return WhatIf(ecs, service, planned, _tags(event.get("serviceTags")))


def until_rest(wiring: Wiring, ecs: EcsSide, lattice: LatticeSide, service: ServiceId) -> UntilRest:
    """What the stack would do from now on, by the collaborators of both reconcilers."""
    originals = Originals(
        wiring.settings, ecs.ecs, ecs.targets, lattice.lattice, ecs.ingress.groups, lattice.holders, wiring.registry, wiring.now
    )  # fmt: skip
    return run.until_rest(originals, service)


def _tags(tags: object) -> Tags | None:
    if tags is None:
        return None
    if not isinstance(tags, Mapping) or not all(isinstance(value, str) for value in tags.values()):
        raise UnknownEventError(f"serviceTags has to be an object of names and values; it is {cut(repr(tags), VALUE)}.")
    return tuple(sorted((str(key), value) for key, value in tags.items()))
