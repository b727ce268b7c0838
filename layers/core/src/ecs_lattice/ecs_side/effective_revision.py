"""The effective revision, which routing follows: that of the newest completed deployment, however little ECS still
lists.

DescribeServices lists the PRIMARY deployment and those that still have tasks. A release that was superseded before it
had completed, and a rollback in progress, leave no COMPLETED deployment in that list; and ``rolloutState`` exists only
for rolling ECS deployments that are not behind a Classic Load Balancer (Amazon ECS API, Deployment).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ecs_lattice.facts import Deployment, EcsService, ServiceRevision, TaskDefinition
from ecs_lattice.model import ServiceId
from ecs_lattice.outcome import Problem

Source = Literal["completed", "stored", "successful", "primary"]

SHORTEST_WAIT, _LONGEST_WAIT = 60, 900
_UNDER_ANOTHER_STRATEGY = {
    True: "It shifts that of this service's target groups, so their rules and groups stay as they are.",
    False: "It shifts that of none of this service's target groups, so routes that are live are kept as they were declared; "
    "to change them, set the strategy to ROLLING.",
}


@dataclass(frozen=True, slots=True)
class Effective:
    """The ARN of the effective task definition, and how it is known.

    ``source``: that of a listed ``completed`` deployment; ``stored`` by an earlier reconcile; of the newest
    ``successful`` service deployment; or of the ``primary`` deployment, because none of this service has ever
    completed.
    """

    task_definition: str
    source: Source


def choose(
    service: EcsService,
    completed: Deployment | None,
    stored: str | None,
    newest_successful: Callable[[ServiceId], ServiceRevision | None],
) -> Effective | None:
    """The effective revision; None if the service lists no deployment at all.

    ``completed`` is its newest completed deployment. ``stored`` is the task definition that was effective at the last
    reconcile of this service (not of a predecessor with the same name). ``newest_successful`` is called only when nothing else answers, and only for the ECS
    controller: the other controllers have task sets, of which PRIMARY is effective once it is steady.
    """
    if completed:
        return Effective(completed.task_definition, "completed")
    if stored:
        return Effective(stored, "stored")
    if service.controller == "ECS" and (revision := newest_successful(service.id)):
        return Effective(revision.task_definition, "successful")
    primary = service.primary
    return Effective(primary.task_definition, "primary") if primary else None


def newest_completed(service: EcsService) -> Deployment | None:
    """The newest listed deployment that has completed."""
    return next((deployment for deployment in service.deployments if is_completed(service, deployment)), None)


def is_completed(service: EcsService, deployment: Deployment) -> bool:
    """Whether the deployment has completed; without a rollout state, whether it is the only one and at its desired
    count."""
    if deployment.rollout is None:
        return len(service.deployments) == 1 and not _is_rolling(deployment)
    return deployment.rollout == "COMPLETED"


def wait_while_rolling(service: EcsService, now: float) -> int:
    """Seconds until a rolling service is reconciled again: for as long as it has been rolling, 60 to 900; 0 if none of
    its deployments is in progress.

    The completion event may arrive before DescribeServices shows the completion, or never. Waiting as long again each
    time doubles the interval (60, 120, 240, ...) without a counter that other requests would increase (decision 8).
    """
    rolling_since = [deployment.created_at for deployment in service.deployments if _is_rolling(deployment)]
    return int(min(max(now - max(rolling_since), SHORTEST_WAIT), _LONGEST_WAIT)) if rolling_since else 0


def unsupported(service: EcsService, revision: TaskDefinition, *, is_governed: bool = False) -> tuple[Problem, ...]:
    """Why this service cannot be hooked up; empty if it can. ``is_governed``: ECS shifts its traffic itself."""
    found: list[tuple[str, str]] = []
    if service.managed_by_ecs:
        message = "ECS manages this service (resourceManagementType ECS), including its networking."
        found.append(("MANAGED_BY_ECS", message))
    if service.strategy != "ROLLING":
        message = (
            "Only services with the strategy ROLLING can be hooked up: under the deployment strategy "
            f"{service.strategy}, ECS shifts traffic itself. {_UNDER_ANOTHER_STRATEGY[is_governed]}"
        )
        found.append(("STRATEGY_LATER", message))
    elif is_governed:
        message = (
            "The strategy is ROLLING, but a deployment named a target group with an advancedConfiguration, and none without has "
            "completed since: ECS may have shifted the traffic to the alternate group, so rules and groups stay as they are "
            "until then. To start one: UpdateService with vpcLatticeConfigurations that name, "
            "without advancedConfiguration, the target group to which the production rule forwards."
        )
        found.append(("GOVERNED_BY_ECS", message))
    if service.launch_type == "EXTERNAL":
        found.append(("LAUNCH_TYPE", "Tasks of launch type EXTERNAL (ECS Anywhere) cannot be Lattice targets."))
    if revision.network_mode != "awsvpc" or not service.subnets:
        message = (
            f"With network mode {revision.network_mode or '(default)'}, tasks have no IP address of their own. Use "
            "networkMode awsvpc; on EC2 it also needs subnets and security groups in the service."
        )
        found.append(("NETWORK_MODE", message))
    return tuple(Problem(code, message, where=f"ECS service {service.id}") for code, message in found)


def _is_rolling(deployment: Deployment) -> bool:
    """Whether the deployment is still starting or replacing tasks."""
    if deployment.rollout is None:
        return deployment.pending > 0 or deployment.running != deployment.desired
    return deployment.rollout == "IN_PROGRESS"
