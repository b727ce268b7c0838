"""Lambda's permission to poll a queue with a function's role, checked repeatedly so that policy changes take effect."""

import sys
import time

from local_aws.iam import service_principals

_LOOK_SECONDS = 0.5
"""Real time until a decision is checked again."""


class Polling:
    """The permission of one event source mapping. The log gets permissions when they are used, not at every check."""

    def __init__(self, queue_arn: str) -> None:
        self._queue_arn = queue_arn
        self._problem: str | None = None
        self._looked_at = float("-inf")
        self._attributes_noted = False

    def problem(self, role_arn: str, function_arn: str) -> str | None:
        """Why Lambda cannot poll; None if it can. A new reason is printed to stderr, where it can be seen."""
        now = time.monotonic()
        if now - self._looked_at >= _LOOK_SECONDS:
            self._looked_at = now
            principal = service_principals.for_function(role_arn, function_arn)
            problem = service_principals.refusal(
                principal, service_principals.side_needs(service_principals.POLLING, self._queue_arn), log=False
            )
            if problem is not None and problem != self._problem:
                service_principals.refusal(
                    principal, service_principals.side_needs(service_principals.POLLING, self._queue_arn)
                )
                print(f"{self._queue_arn} is not polled: {problem}", file=sys.stderr)
            self._problem = problem
        return self._problem

    def received(self, role_arn: str, function_arn: str) -> None:
        """Log that messages were received."""
        actions = ["sqs:ReceiveMessage"]
        if not self._attributes_noted:
            self._attributes_noted = True
            actions.append("sqs:GetQueueAttributes")
        self._used(actions, role_arn, function_arn)

    def deleted(self, role_arn: str, function_arn: str) -> None:
        """Log that messages were deleted."""
        self._used(["sqs:DeleteMessage"], role_arn, function_arn)

    def _used(self, actions: list[str], role_arn: str, function_arn: str) -> None:
        service_principals.refusal(
            service_principals.for_function(role_arn, function_arn),
            service_principals.side_needs(actions, self._queue_arn),
        )


__all__ = ["Polling"]
