"""The ECS side: what an ECS service declares becomes claims, and its tasks get attached to the groups that answer them."""

from ecs_lattice.ecs_side.plan import EcsPlan
from ecs_lattice.ecs_side.ports import Target, Targets, TargetState
from ecs_lattice.ecs_side.reconcile import EcsSide
from ecs_lattice.ecs_side.record import EcsRecord
from ecs_lattice.ecs_side.status import RouteStatus, ServiceStatus

__all__ = ["EcsPlan", "EcsRecord", "EcsSide", "RouteStatus", "ServiceStatus", "Target", "TargetState", "Targets"]
