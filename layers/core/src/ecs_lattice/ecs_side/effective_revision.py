"""Which revision routing follows: that of the newest deployment that completed, however little ECS still tells of it.

DescribeServices lists PRIMARY and the deployments that still have tasks. A release that was overtaken before it had
settled, and a rollback under way, leave no COMPLETED one in that list; and ``rolloutState`` is there only for rolling ECS
deployments that are not behind a Classic Load Balancer (Amazon ECS API, Deployment).

ECS services that ask for Lattice and cannot have it (yet): refused by name, with the way out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ecs_lattice.facts import Deployment, EcsService, ServiceRevision, TaskDefinition
from ecs_lattice.outcome import Problem

Source = Literal["completed", "stored", "successful", "primary"]

_SHORTEST_WAIT, _LONGEST_WAIT = 60, 900


@dataclass(frozen=True, slots=True)
class Effective:
    """The ARN of the task definition that routing follows, and how it is known.

    ``source``: a listed deployment is ``completed``; ``stored`` from an earlier look; the newest ``successful`` service
    deployment; or ``primary``, because no deployment of this service ever completed.
    """

    task_definition: str
    source: Source

    @property
    def is_proven(self) -> bool:
        """Whether a deployment of it is known to have completed."""
        return self.source != "primary"


def choose(
    service: EcsService, stored: str | None, newest_successful: Callable[[], ServiceRevision | None]
) -> Effective | None:
    """The effective revision; None when the service lists no deployment at all.

    ``stored`` is the task definition that was effective when this service (not a predecessor of its name) was last
    looked at. ``newest_successful`` is asked only when nothing else answers, and only of the ECS controller: the others
    have task sets, of which PRIMARY is effective once it is steady.
    """
    if completed := newest_completed(service):
        return Effective(completed.task_definition, "completed")
    if stored:
        return Effective(stored, "stored")
    if service.controller == "ECS" and (revision := newest_successful()):
        return Effective(revision.task_definition, "successful")
    primary = service.primary
    return Effective(primary.task_definition, "primary") if primary else None


def newest_completed(service: EcsService) -> Deployment | None:
    """The newest listed deployment that has completed."""
    return next((one for one in service.deployments if is_completed(service, one)), None)


def is_completed(service: EcsService, deployment: Deployment) -> bool:
    """Whether the deployment has completed; without a rollout state, the only one that has what is desired has."""
    if deployment.rollout is None:
        return len(service.deployments) == 1 and not is_rolling(deployment)
    return deployment.rollout == "COMPLETED"


def is_rolling(deployment: Deployment) -> bool:
    """Whether tasks are still being started or replaced for it."""
    if deployment.rollout is None:
        return deployment.pending > 0 or deployment.running != deployment.desired
    return deployment.rollout == "IN_PROGRESS"


def rolls(service: EcsService) -> bool:
    """Whether any listed deployment is under way."""
    return any(is_rolling(deployment) for deployment in service.deployments)


def wait_while_rolling(service: EcsService, now: float) -> int:
    """Seconds until a rolling service is looked at again: as long as it has rolled already, 60 to 900.

    The event of the completion may come before DescribeServices tells it, or never; waiting as long again each time
    doubles the distance (60, 120, 240, ...) without a counter that other bells would push up.
    """
    rolled = now - max((one.created_at for one in service.deployments if is_rolling(one)), default=now)
    return int(min(max(rolled, _SHORTEST_WAIT), _LONGEST_WAIT))


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
