"""Whether the message about an unhealthy route is postponed (decision 20): within the grace period of a deployment ECS
itself does not act on health checks, and an incident that begins there is mostly a container that is starting.
"""

import math

from ecs_lattice.diagnosis.evidence import Evidence

_MARGIN_SECONDS = 5
_SETTLING_SECONDS, _SETTLED_BY_SECONDS = 300, 1800


def delay(evidence: Evidence, opened_at: float, *, again: bool) -> int:
    """Seconds until the incident that opened at ``opened_at`` is to be checked again; 0: send its message now.

    Only the deployment that was running when it opened is waited for, so that a series of deployments does not postpone the
    message for ever; and only where targets are being tried: a route without any is reported at once. ``again``: it was
    postponed before; if all targets are healthy by now, its alarm gets the minutes that it takes to turn OK, for half an
    hour at most.
    """
    is_healthy = bool(evidence.targets) and evidence.answering == evidence.targets
    if again and is_healthy and evidence.now - opened_at < _SETTLED_BY_SECONDS:
        return _SETTLING_SECONDS
    ends_at, primary = evidence.grace_ends_at, evidence.primary
    if not ends_at or primary is None or primary.created_at > opened_at:
        return 0
    return math.ceil(ends_at - evidence.now) + _MARGIN_SECONDS if evidence.in_status("UNHEALTHY", "INITIAL") else 0
