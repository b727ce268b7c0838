"""What the reason codes of targets may mean. They are free strings that no page of AWS lists, so they only weigh: a cause
that nothing else speaks for is never more than possible because of them alone, unless the checks do fail.
"""

from typing import Literal

from ecs_lattice.diagnosis.causes import network
from ecs_lattice.diagnosis.evidence import Evidence, TaskSeen

Hint = Literal["timeout", "connection", "code", "tls"]
_WORDS: dict[Hint, tuple[str, ...]] = {
    "tls": ("tls", "ssl", "handshake", "certificate"),
    "timeout": ("timeout", "timedout", "timed out"),
    "connection": ("connection", "refused", "reset", "unreachable"),
    "code": ("code", "mismatch", "response"),
}


def hints(evidence: Evidence) -> frozenset[Hint]:
    """What the reasons of the unhealthy targets speak of, by their words."""
    reasons = [target.reason.lower() for target in evidence.unhealthy]
    return frozenset(
        hint for hint, words in _WORDS.items() if any(word in reason for reason in reasons for word in words)
    )


def checks_fail(evidence: Evidence) -> bool:
    """Whether health checks of tasks fail though VPC Lattice is, as far as was seen, let in to them."""
    if evidence.group is None or evidence.group.health is None or not evidence.group.health.enabled:
        return False
    if network.closed_ports(evidence):
        return False
    killed = any(failed_lattice_checks(task) for task in evidence.lately_stopped)
    return bool(evidence.unhealthy) or (killed and not evidence.in_status("HEALTHY"))


def failed_lattice_checks(task: TaskSeen) -> bool:
    """Whether ECS stopped the task because VPC Lattice found it unhealthy: a consequence of the cause, never the cause.

    ECS stops by ServiceSchedulerInitiated (Amazon ECS API, Task.stopCode) and says why in words.
    """
    reason = task.stopped_reason.lower()
    return (
        task.stop_code == "ServiceSchedulerInitiated" and "health check" in reason and "container health" not in reason
    )


def reasons(evidence: Evidence) -> str:
    """The reason codes of the unhealthy targets in one clause; empty without any."""
    known = sorted({target.reason for target in evidence.unhealthy if target.reason})
    return f" VPC Lattice says {', '.join(known)}." if known else ""
