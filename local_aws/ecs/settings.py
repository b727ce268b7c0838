"""Durations of the simulated ECS, and switches for undocumented behavior."""

from dataclasses import dataclass


@dataclass(slots=True)
class Settings:
    """Times are seconds of the local AWS's clock. Each names its source; ``assumption``: there is no public source."""

    provisioning_seconds: float = 3.0
    """PROVISIONING: the network interface is created (ECS Developer Guide, task lifecycle). Its length: assumption."""
    start_seconds: float = 5.0
    """PENDING: image pull and start, where a container has no ``START_SECONDS``. Assumption."""
    healthy_after_seconds: float = 40.0
    """How long a task without target groups must be RUNNING before it counts (botocore, minimumHealthyPercent)."""
    settle_seconds: float = 10.0
    """How long a deployment must be stable before it is COMPLETED and the service steady. Assumption."""
    poll_seconds: float = 10.0
    """How often the scheduler reads the health of its VPC Lattice targets. Assumption."""
    stopping_seconds: float = 1.0
    """STOPPING where a container ends at SIGTERM. Assumption."""
    deprovisioning_seconds: float = 2.0
    """DEPROVISIONING: the network interface is deleted (ECS Developer Guide, task lifecycle). Its length: assumption."""
    stop_timeout_seconds: float = 30.0
    """From SIGTERM to SIGKILL where the container definition has no ``stopTimeout`` (botocore, ContainerDefinition)."""
    deactivating_seconds: float = 300.0
    """DEACTIVATING at most: ECS waits until its targets have drained (task lifecycle). The bound: assumption."""
    stopped_task_retention_seconds: float = 3600.0
    """Stopped tasks are described for at least an hour (ECS Developer Guide, stopped tasks)."""
    inactive_service_retention_seconds: float = 3600.0
    """INACTIVE services may be purged "in the future" (botocore, DeleteService); an hour is an assumption."""
    steady_repeat_seconds: float = 6 * 3600.0
    """SERVICE_STEADY_STATE is reported periodically (ECS Developer Guide, service action events); six hours as observed."""
    placement_retry_seconds: float = 30.0
    """When a failed placement is retried. Assumption."""
    throttle_seconds: float = 10.0
    """First pause after three failed starts in a row; it doubles. ECS throttles such services (ECS Developer Guide,
    service throttle logic); the figures are an assumption."""
    throttle_limit_seconds: float = 27 * 60.0
    """The longest pause (ECS Developer Guide, service throttle logic)."""
    unused_is_unhealthy: bool = False
    """Whether ECS replaces a task whose target VPC Lattice does not check (UNUSED). Undocumented."""
    read_lag_seconds: float = 0.0
    """The age of the state that Describe and List calls return: simulates eventual consistency."""
    max_vpc_lattice_configurations: int = 5
    """Maximum number of target groups of a service (ECS Developer Guide, create a service that uses VPC Lattice)."""
    max_active_deployments: int = 5
    """``5 active deployments exist, unable to create new deployment.`` (aws/containers-roadmap #2836)."""


__all__ = ["Settings"]
