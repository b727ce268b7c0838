"""Service revisions, and the deployments that roll them out.

The terms are ECS's. A *deployment* is an entry of a service's ``deployments`` list; a *service deployment* is the
record of one rollout in the service's history; a *service revision* is the workload configuration that both refer to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Revision:
    """An immutable workload configuration; ``workload`` holds the members that a service revision shows."""

    arn: str
    created_at: datetime
    workload: Mapping[str, Any]

    @property
    def lattice(self) -> tuple[Mapping[str, Any], ...]:
        return tuple(self.workload.get("vpcLatticeConfigurations") or ())


@dataclass(slots=True, eq=False)
class Deployment:
    """An entry of ``deployments``: PRIMARY is the newest, ACTIVE ones are being replaced."""

    id: str
    revision: Revision
    created_at: datetime
    updated_at: datetime
    status: str = "PRIMARY"
    rollout_state: str = "IN_PROGRESS"
    rollout_reason: str = ""
    failed_tasks: int = 0
    failures_in_a_row: int = 0
    paused_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Rollback:
    reason: str
    started_at: datetime
    revision: Revision


@dataclass(slots=True, eq=False)
class ServiceDeployment:
    """One rollout in the history of a service."""

    arn: str
    target: Revision
    sources: tuple[Revision, ...]
    created_at: datetime
    updated_at: datetime
    configuration: Document
    breaker_status: str
    breaker_threshold: int
    breaker_failures: int = 0
    status: str = "IN_PROGRESS"
    status_reason: str | None = None
    finished_at: datetime | None = None
    stopped_at: datetime | None = None
    rollback: Rollback | None = None

    @property
    def is_running(self) -> bool:
        return self.status in {"PENDING", "IN_PROGRESS", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"}


__all__ = ["Deployment", "Document", "Revision", "Rollback", "ServiceDeployment"]
