"""A deployment that is under way: what is seen may be over when it is."""

from ecs_lattice.diagnosis.causes import commands
from ecs_lattice.diagnosis.evidence import Evidence
from ecs_lattice.diagnosis.findings import Finding, duration


def deployment_in_progress(evidence: Evidence) -> Finding | None:
    """The service is being deployed."""
    if evidence.service is None:
        return None
    rolling = [one for one in evidence.service.service.deployments if one.rollout == "IN_PROGRESS"]
    if not rolling:
        return None
    newest = rolling[0]
    settling = evidence.now < evidence.grace_ends_at
    starting = bool(evidence.in_status("INITIAL")) and not evidence.unhealthy
    revision = newest.task_definition.rsplit("/", 1)[-1]
    return Finding(
        "DEPLOYMENT_IN_PROGRESS",
        "likely" if settling or starting else "possible",
        f"a deployment of {revision} is under way",
        f"Deployment {newest.id} began {duration(evidence.now - newest.created_at)} ago; {newest.running} of {newest.desired} tasks run."
        f"{' Its health-check grace has not passed yet.' if settling else ''}",
        "Wait for it, or put the last good revision back.",
        (commands.into_service(evidence),),
    )
