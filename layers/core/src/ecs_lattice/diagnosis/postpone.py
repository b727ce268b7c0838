"""Whether the message about an unhealthy route is postponed: within the grace period of a deployment ECS itself does not act
on health checks, and an incident that begins there is mostly a container that is starting.
"""

import math

from ecs_lattice.diagnosis.evidence import Evidence

_MAXIMUM_DELAY_SECONDS = 900  # Amazon SQS API, SendMessage
_MARGIN_SECONDS = 5
_SETTLING_SECONDS, _SETTLED_BY_SECONDS = 300, 1800


def grace_left(evidence: Evidence, opened_at: float) -> int:
    """Seconds until the incident that opened at ``opened_at`` is to be checked again; 0: send its message now.

    Only the deployment that was running when it opened is waited for, so that a series of deployments does not postpone the
    message for ever; and only where targets exist: a route without any target is reported at once.
    """
    ends_at, primary = evidence.grace_ends_at, evidence.primary
    if not ends_at or primary is None or primary.created_at > opened_at:
        return 0
    if not evidence.in_status("UNHEALTHY", "INITIAL"):
        return 0
    return min(math.ceil(ends_at - evidence.now) + _MARGIN_SECONDS, _MAXIMUM_DELAY_SECONDS)


def grace_left_again(evidence: Evidence, opened_at: float) -> int:
    """The same when a postponed incident is checked again: where all targets are healthy by now, the alarm gets the minutes
    that it takes to turn OK, for half an hour at most."""
    is_healthy = bool(evidence.targets) and evidence.answering == evidence.targets
    if is_healthy and evidence.now - opened_at < _SETTLED_BY_SECONDS:
        return _SETTLING_SECONDS
    return grace_left(evidence, opened_at)
