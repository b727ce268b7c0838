"""The result of routing one request in the data plane."""

from dataclasses import dataclass

from local_aws.lattice.state import TargetGroup


class UnknownServiceError(LookupError):
    """No service has this id, ARN, generated or custom domain name: DNS has no answer."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The routing decision for a request: a target, or the status of the response."""

    service_arn: str
    status: int | None
    rule_id: str | None = None
    group: TargetGroup | None = None
    target: tuple[str, int | None] | None = None
    scheme: str = "http"
