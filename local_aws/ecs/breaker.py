"""The deployment circuit breaker's threshold and the pause between failing starts, as pure functions."""

import math
from collections.abc import Mapping
from typing import Any

from local_aws.ecs.settings import Settings

_LEAST, _MOST = 3, 200
_FAILURES_BEFORE_THROTTLING = 3


def threshold(breaker: Mapping[str, Any], desired: int) -> int:
    """The number of failed tasks that fails a deployment.

    50 % of the desired count, at least 3, at most 200 (botocore, ServiceDeploymentCircuitBreaker);
    ``thresholdConfiguration`` changes type and value (botocore, ThresholdConfiguration). Rounding up and a bound of
    at least one for the unbounded types are assumptions.
    """
    configured = breaker.get("thresholdConfiguration") or {"type": "BOUNDED_PERCENT", "value": 50}
    value = int(configured["value"])
    if configured["type"] == "COUNT":
        return max(1, value)
    share = math.ceil(desired * value / 100)
    if configured["type"] == "UNBOUNDED_PERCENT":
        return max(1, share)
    return min(max(share, _LEAST), _MOST)


def pause(failures: int, settings: Settings) -> float:
    """Seconds until the next start after ``failures`` failed ones in a row."""
    if failures < _FAILURES_BEFORE_THROTTLING:
        return 0.0
    doublings = min(failures - _FAILURES_BEFORE_THROTTLING, 16)
    return min(settings.throttle_seconds * 2.0**doublings, settings.throttle_limit_seconds)


def is_impaired(failures: int) -> bool:
    """Whether this is the failure after which ECS reports impaired task starts."""
    return failures == _FAILURES_BEFORE_THROTTLING


__all__ = ["is_impaired", "pause", "threshold"]
