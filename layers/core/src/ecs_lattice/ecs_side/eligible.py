"""ECS services that ask for Lattice and cannot have it (yet): refused by name, with the way out."""

from ecs_lattice.facts import EcsService, TaskDefinition
from ecs_lattice.outcome import Problem


def problems(service: EcsService, revision: TaskDefinition) -> tuple[Problem, ...]:
    """Why this service cannot be hooked up; nothing if it can."""
    found: list[tuple[str, str]] = []
    if service.managed_by_ecs:
        message = "ECS manages this service (resourceManagementType ECS) and its networking itself."
        found.append(("MANAGED_BY_ECS", message))
    if service.strategy != "ROLLING":
        message = (
            f"Deployment strategy {service.strategy} moves traffic itself, and this version leaves such services alone. "
            "Only ROLLING is hooked up."
        )
        found.append(("STRATEGY_LATER", message))
    if service.launch_type == "EXTERNAL":
        found.append(("LAUNCH_TYPE", "Tasks of launch type EXTERNAL (ECS Anywhere) cannot be Lattice targets."))
    if revision.network_mode != "awsvpc" or not service.subnets:
        message = (
            f"Network mode {revision.network_mode or '(default)'} gives tasks no address of their own. Use networkMode "
            "awsvpc; on EC2 it needs no other change than the service's subnets and security groups."
        )
        found.append(("NETWORK_MODE", message))
    return tuple(Problem(code, message, where=f"ECS service {service.id}") for code, message in found)


def is_governed(service: EcsService) -> bool:
    """Whether ECS itself shifts the weights of the rules that the service's list names, or may at any time (Amazon ECS
    Developer Guide, blue/green deployments with VPC Lattice): then they are read and never written."""
    return service.strategy != "ROLLING"
