"""What the reason codes of targets hint at (decision 21). No page of AWS lists these strings, so they only change how
likely a cause is: by themselves they never make one, unless health checks do fail.
"""

from typing import Literal

from ecs_lattice.diagnosis.causes import network
from ecs_lattice.diagnosis.evidence import Evidence
from ecs_lattice.facts import Task
from ecs_lattice.model import HealthCheck

Hint = Literal["timeout", "connection", "code", "tls"]
_WORDS: dict[Hint, tuple[str, ...]] = {
    "tls": ("tls", "ssl", "handshake", "certificate"),
    "timeout": ("timeout", "timedout", "timed out"),
    "connection": ("connection", "refused", "reset", "unreachable"),
    "code": ("code", "mismatch", "response"),
}


def hints(evidence: Evidence) -> frozenset[Hint]:
    """What the reason codes of the unhealthy targets mention."""
    reasons = " | ".join(target.reason.lower() for target in evidence.unhealthy)
    return frozenset(hint for hint, words in _WORDS.items() if any(word in reasons for word in words))


def reported_by_ecs(evidence: Evidence, words: str) -> str:
    """The newest service event with these words in a sentence; empty without any."""
    messages = evidence.service.messages if evidence.service else ()
    return next((f"ECS reported: {message}" for message in messages if words in message), "")


def reported_by_lattice(evidence: Evidence) -> str:
    """The reason codes of the unhealthy targets in a sentence; empty without any."""
    codes = sorted({target.reason for target in evidence.unhealthy if target.reason})
    return f"VPC Lattice reports {', '.join(codes)}." if codes else ""


def failing_check(evidence: Evidence) -> HealthCheck | None:
    """The health check, where tasks fail it though the security groups, as far as could be read, allow VPC Lattice."""
    if network.closed_ports(evidence):
        return None
    were_replaced = any(failed_lattice_checks(task) for task in evidence.recently_stopped)
    fails = bool(evidence.unhealthy) or (were_replaced and not evidence.in_status("HEALTHY"))
    return evidence.health_check if fails else None


def failed_lattice_checks(task: Task) -> bool:
    """Whether ECS stopped the task because VPC Lattice found it unhealthy: a consequence of the cause, never the cause.

    Its stop code is ServiceSchedulerInitiated (Amazon ECS API, Task.stopCode); only the reason says more, in words.
    """
    reason = task.stopped_reason.lower()
    by_ecs = task.stop_code == "ServiceSchedulerInitiated"
    return by_ecs and "health check" in reason and "container health" not in reason
