"""A deployment in progress: what is seen may be over when it is."""

from ecs_lattice.diagnosis.causes import commands
from ecs_lattice.diagnosis.causes.reason_hints import failed_lattice_checks
from ecs_lattice.diagnosis.evidence import Evidence
from ecs_lattice.diagnosis.findings import Finding, duration, sentences
from ecs_lattice.diagnosis.message import moment
from ecs_lattice.ecs_side.update_outcome import OwnDeployment
from ecs_lattice.facts import Deployment


def deployment_in_progress(evidence: Evidence) -> Finding | None:
    """The service is being deployed, by somebody or by this stack, which says so and until when."""
    deployments = evidence.service.deployments if evidence.service else ()
    newest = next((deployment for deployment in deployments if deployment.rollout == "IN_PROGRESS"), None)
    if newest is None:
        return None
    is_within_grace = evidence.now < evidence.grace_ends_at
    # ECS replaces a task that fails VPC Lattice's checks: then the deployment waits for what makes them fail.
    replaced = [task for task in evidence.recently_stopped if task.deployment_id == newest.id]
    is_failing = bool(evidence.unhealthy) or any(failed_lattice_checks(task) for task in replaced)
    is_starting = bool(evidence.in_status("INITIAL")) and not is_failing
    found = evidence.own_deployment
    own = found if found and found.id == newest.id else None
    whose = "ecs-lattice's own deployment" if own else "a deployment"
    return Finding(
        "DEPLOYMENT_IN_PROGRESS",
        "likely" if is_within_grace or is_starting else "possible",
        f"{whose} of {newest.task_definition.rsplit('/', 1)[-1]} is in progress",
        sentences(
            _started(newest, own, evidence.now),
            f"{newest.running} of {newest.desired} tasks are running.",
            "It is still within its health-check grace period." if is_within_grace else "",
            f"ecs-lattice undoes it if it has not completed by {moment(own.undone_at)}."
            if own and own.undone_at
            else "",
        ),
        _advice(own),
        (commands.service(evidence),),
    )


def _started(newest: Deployment, own: OwnDeployment | None, now: float) -> str:
    """Which deployment it is, since when, and what it is for where it is our own."""
    age = f"{duration(now - newest.created_at)} ago"
    if own is None:
        return f"Deployment {newest.id} started {age}."
    if not own.undone_at:
        purpose = "restore the list of target groups before a deployment that did not complete"
    elif own.attaches:
        purpose = "register the tasks with their target groups"
    else:
        purpose = "take target groups off the list of the service"
    return f"ecs-lattice started deployment {newest.id} at {moment(newest.created_at)} ({age}) to {purpose}."


def _advice(own: OwnDeployment | None) -> str:
    """Only a deployment of somebody else has a revision to go back to."""
    if own is None:
        return "Wait for it to finish, or roll back to the last good revision."
    if not own.undone_at:
        return "Wait for it to finish."
    return "Wait for it to finish, or correct what makes the health checks fail. There is no revision to roll back."
