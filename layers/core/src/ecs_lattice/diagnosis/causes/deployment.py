"""A deployment in progress: what is seen may be over when it is."""

from ecs_lattice.diagnosis.causes import commands
from ecs_lattice.diagnosis.causes.reason_hints import failed_lattice_checks
from ecs_lattice.diagnosis.evidence import Evidence
from ecs_lattice.diagnosis.findings import Finding, duration, sentences


def deployment_in_progress(evidence: Evidence) -> Finding | None:
    """The service is being deployed."""
    deployments = evidence.service.deployments if evidence.service else ()
    newest = next((deployment for deployment in deployments if deployment.rollout == "IN_PROGRESS"), None)
    if newest is None:
        return None
    is_within_grace = evidence.now < evidence.grace_ends_at
    # ECS replaces a task that fails VPC Lattice's checks: then the deployment waits for what makes them fail.
    replaced = [task for task in evidence.recently_stopped if task.deployment_id == newest.id]
    is_failing = bool(evidence.unhealthy) or any(failed_lattice_checks(task) for task in replaced)
    is_starting = bool(evidence.in_status("INITIAL")) and not is_failing
    return Finding(
        "DEPLOYMENT_IN_PROGRESS",
        "likely" if is_within_grace or is_starting else "possible",
        f"a deployment of {newest.task_definition.rsplit('/', 1)[-1]} is in progress",
        sentences(
            f"Deployment {newest.id} started {duration(evidence.now - newest.created_at)} ago; "
            f"{newest.running} of {newest.desired} tasks are running.",
            "It is still within its health-check grace period." if is_within_grace else "",
        ),
        "Wait for it to finish, or roll back to the last good revision.",
        (commands.service(evidence),),
    )
