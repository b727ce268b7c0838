"""When a route that is not well is not told of yet: ECS itself does not act on health checks within the grace period of a
deployment, and what begins there is mostly a container that starts.
"""

import math

from ecs_lattice.diagnosis.evidence import Evidence

_MAXIMUM_DELAY_SECONDS = 900  # Amazon SQS API, SendMessage
_MARGIN_SECONDS = 5
_SETTLING_SECONDS, _SETTLED_BY_SECONDS = 300, 1800


def wait_for(evidence: Evidence, opened_at: float) -> int:
    """Seconds until the incident that opened at ``opened_at`` is to be looked at again; 0: it is to be told now.

    Only the deployment under which it opened is waited for, so that one deployment after the other keeps nobody in the
    dark; and only where targets are being tried: a route with no target at all is told at once.
    """
    ends_at = evidence.grace_ends_at
    primary = evidence.service.service.primary if evidence.service else None
    if not ends_at or primary is None or primary.created_at > opened_at:
        return 0
    if not evidence.in_status("UNHEALTHY", "INITIAL"):
        return 0
    return min(math.ceil(ends_at - evidence.now) + _MARGIN_SECONDS, _MAXIMUM_DELAY_SECONDS)


def wait_again_for(evidence: Evidence, opened_at: float) -> int:
    """The same when an incident that was put off is looked at again: where all targets answer by now, the alarm is given
    the minutes that it takes to see it, too, for half an hour at most."""
    is_well = bool(evidence.targets) and len(evidence.answering) == len(evidence.targets or ())
    if is_well and evidence.now - opened_at < _SETTLED_BY_SECONDS:
        return _SETTLING_SECONDS
    return wait_for(evidence, opened_at)
