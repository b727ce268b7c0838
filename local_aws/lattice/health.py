"""Health checks: real requests through the network of the local AWS, at the interval of the target group.

Statuses and their changes: VPC Lattice User Guide, "Health checks for your VPC Lattice target groups".
The reason codes are assumptions without a public source: nothing should depend on them.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from local_aws.clock import ManualClock, Timer
from local_aws.lattice import health_config
from local_aws.lattice.core import LatticeState
from local_aws.lattice.state import Target, TargetGroup
from local_aws.network import Request
from local_aws.services import clock, network

_probers = ThreadPoolExecutor(max_workers=16, thread_name_prefix="lattice-health-check")


class HealthChecks(LatticeState):
    """One timer per target; a waiting check holds neither the backend's lock nor the clock's thread."""

    def start_checks(self, group: TargetGroup, target: Target) -> None:
        """Start with INITIAL and an early first check."""
        target.health, target.reason = "INITIAL", "HealthCheckInProgress"
        target.successes, target.failures = 0, 0
        self._check_in(self.timing.first_check, group, target)

    def _check_in(self, seconds: float, group: TargetGroup, target: Target) -> None:
        target.timer = clock().call_later(seconds, partial(self._check, group, target))

    def _check(self, group: TargetGroup, target: Target) -> None:
        """Check immediately if time is moved by hand (tests see the result at once), else outside of the clock's thread."""
        timer = target.timer
        if isinstance(clock(), ManualClock):
            self._check_now(group, target, timer)
        else:
            _probers.submit(self._check_now, group, target, timer)

    def _check_now(self, group: TargetGroup, target: Target, timer: Timer | None) -> None:
        failure = self._probe(group, target)
        with self.lock:
            if target.timer is not timer or timer is None or target.draining:
                return
            self._record(group, target, failure)
            self._check_in(group.health_check["healthCheckIntervalSeconds"], group, target)

    def _probe(self, group: TargetGroup, target: Target) -> str | None:
        """Why the check fails; None if it passes."""
        check = group.health_check
        port = int(check.get("port") or target.port or 0)
        if not self.health_check_allowed(target.id, port):
            return "HealthCheckTimeout"
        request = Request("GET", check["path"], {"host": f"{target.id}:{port}", "user-agent": "Amazon-VPC-Lattice"})
        try:
            answer = network().send(
                target.id,
                port,
                request,
                timeout=check["healthCheckTimeoutSeconds"],
                tls=check["protocol"] == "HTTPS",
            )
        except TimeoutError:
            return "HealthCheckTimeout"
        except Exception:  # whatever a target does wrong makes the target unhealthy
            return "HealthCheckConnectionError"
        return None if health_config.passes(check, answer.status) else "HealthCheckCodeMismatch"

    def _record(self, group: TargetGroup, target: Target, failure: str | None) -> None:
        """Count the result and update the status: a new target needs one success, others the thresholds (User Guide)."""
        check = group.health_check
        if failure is None:
            target.successes, target.failures = target.successes + 1, 0
            enough = 1 if target.health == "INITIAL" else check["healthyThresholdCount"]
            if target.health != "HEALTHY" and target.successes >= enough:
                target.health, target.reason = "HEALTHY", None
        else:
            target.successes, target.failures = 0, target.failures + 1
            if target.health != "UNHEALTHY" and target.failures >= check["unhealthyThresholdCount"]:
                target.health = "UNHEALTHY"
            if target.health == "UNHEALTHY":
                target.reason = failure
