"""What service principals do in a role: Lambda's polling, logs and destinations, event targets, ECS's target registration.

The role must trust the service and allow what the service does. Where IAM is not enforced, as in the in-process local
AWS, everything is allowed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from local_aws.eventbus import ACCOUNT
from local_aws.iam import denials, identities
from local_aws.iam.enforcement import Enforcement
from local_aws.iam.evaluation import Policy, Request, decide
from local_aws.iam.identities import Identity, role_name
from local_aws.iam.needs import Need
from local_aws.services import current

LAMBDA = "lambda.amazonaws.com"
ECS = "ecs.amazonaws.com"
POLLING = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
"""What a function's role needs for Lambda to poll a queue (Lambda Developer Guide, "Using Lambda with Amazon SQS")."""
TRACING = ("xray:PutTraceSegments", "xray:PutTelemetryRecords")
"""With active tracing (Lambda Developer Guide, "Visualize Lambda function invocations using AWS X-Ray")."""


@dataclass(frozen=True, slots=True)
class ServicePrincipal:
    """A service that assumes a role; ``session`` names the session, ``source_arn`` the resource that it does so for."""

    role_arn: str
    service: str
    session: str
    source_arn: str = ""

    @property
    def identity(self) -> Identity:
        return Identity("role", role_name(self.role_arn), self.role_arn, self.session)


def for_function(role_arn: str, function_arn: str) -> ServicePrincipal:
    """Lambda with the execution role of a function."""
    return ServicePrincipal(role_arn, LAMBDA, function_arn.rpartition(":")[2], function_arn)


def refusal(principal: ServicePrincipal, needs: Iterable[Need], *, log: bool = True) -> str | None:
    """Why the service may not do this, in AWS's words; None if it may. ``log``: write it into the authorization log.

    If the role does not trust the service, nothing is logged: its policies were not evaluated.
    """
    enforcement = current().enforcement
    if enforcement is None:
        return None
    distrust = _distrust(principal)
    if distrust is not None:
        return distrust
    for need in needs:
        why = _denied(enforcement, principal, need, log=log)
        if why is not None:
            return why
    return None


def is_trusted(role_arn: str, service: str) -> bool:
    """Whether a service may assume a role, whatever it does then; True where IAM is not enforced."""
    return current().enforcement is None or _distrust(ServicePrincipal(role_arn, service, "")) is None


def side_needs(actions: Iterable[str], resource: str = "*") -> list[Need]:
    """Side permissions: some actions on one resource that are no call of their own."""
    return [Need(action, resource, side=True) for action in actions]


def _denied(enforcement: Enforcement, principal: ServicePrincipal, need: Need, *, log: bool) -> str | None:
    verdict = enforcement.evaluate(principal.identity, need)
    if log:
        enforcement.record(principal.identity, need, verdict, caller=principal.service)
    if verdict.allowed:
        return None
    return denials.sentence(principal.identity.principal_arn, need.action, need.resource, verdict.why)


def _distrust(principal: ServicePrincipal) -> str | None:
    trust = identities.trust_policy(principal.role_arn)
    if trust is None:
        return f"There is no role {principal.role_arn}"
    # That a service sends it for every role is an assumption: for the infrastructure role of ECS nothing published says so.
    context = {"aws:sourceaccount": ACCOUNT}
    if principal.source_arn:
        context["aws:sourcearn"] = principal.source_arn
    request = Request("sts:AssumeRole", principal.role_arn, context, frozenset({("Service", principal.service)}))
    if decide([Policy(f"trust of {principal.role_arn}", trust)], request).allowed:
        return None
    return f"The role {principal.role_arn} does not trust {principal.service}: its trust policy does not let it assume the role"


__all__ = [
    "ECS", "LAMBDA", "POLLING", "TRACING", "ServicePrincipal", "for_function", "is_trusted", "refusal", "side_needs",
]  # fmt: skip
