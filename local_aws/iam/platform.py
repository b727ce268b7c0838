"""What AWS does in a role's name: polling, logs and destinations of Lambda, targets, tasks that ECS registers.

A service has to be trusted by the role and the role has to allow what it does. Where nothing enforces IAM, as in the
local AWS inside one process, everything may be done.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from local_aws.eventbus import ACCOUNT
from local_aws.iam import denials, enforcement, identities
from local_aws.iam.enforcement import Enforcement
from local_aws.iam.evaluation import Policy, Request, decide
from local_aws.iam.identities import Identity, role_name
from local_aws.iam.needs import Need

LAMBDA = "lambda.amazonaws.com"
ECS = "ecs.amazonaws.com"
POLLING = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
"""What a function's role needs for Lambda to poll a queue (Lambda Developer Guide, "Using Lambda with Amazon SQS")."""
TRACING = ("xray:PutTraceSegments", "xray:PutTelemetryRecords")
"""With active tracing (Lambda Developer Guide, "Visualize Lambda function invocations using AWS X-Ray")."""


@dataclass(frozen=True, slots=True)
class Acting:
    """A service that acts in a role's name; ``session`` names what for, ``source_arn`` is what it acts for."""

    role_arn: str
    service: str
    session: str
    source_arn: str = ""

    @property
    def identity(self) -> Identity:
        return Identity("role", role_name(self.role_arn), self.role_arn, self.session)


def for_function(role_arn: str, function_arn: str) -> Acting:
    """Lambda in the name of a function's execution role."""
    return Acting(role_arn, LAMBDA, function_arn.rpartition(":")[2], function_arn)


def refusal(acting: Acting, needs: Iterable[Need], *, note: bool = True) -> str | None:
    """Why the service may not do this, in AWS's words; None if it may. ``note``: write it into the ledger.

    Nothing is written down of a role that does not trust the service: it was never asked.
    """
    active = enforcement.active()
    if active is None:
        return None
    distrust = _distrust(acting)
    if distrust is not None:
        return distrust
    for need in needs:
        why = _refused(active, acting, need, note=note)
        if why is not None:
            return why
    return None


def is_trusted(role_arn: str, service: str) -> bool:
    """Whether a role lets a service take it on, whatever it does with it; True where nothing enforces IAM."""
    return enforcement.active() is None or _distrust(Acting(role_arn, service, "")) is None


def side(actions: Iterable[str], resource: str = "*") -> list[Need]:
    """Some actions on one resource, as nobody's own call."""
    return [Need(action, resource, side=True) for action in actions]


def _refused(active: Enforcement, acting: Acting, need: Need, *, note: bool) -> str | None:
    judged = active.judge(acting.identity, need)
    if note:
        active.note(acting.identity, need, judged, caller=acting.service)
    if judged.allowed:
        return None
    return denials.sentence(acting.identity.principal_arn, need.action, need.resource, judged.why)


def _distrust(acting: Acting) -> str | None:
    trust = identities.trust_policy(acting.role_arn)
    if trust is None:
        return f"There is no role {acting.role_arn}"
    context = {"aws:sourceaccount": ACCOUNT}
    if acting.source_arn:
        context["aws:sourcearn"] = acting.source_arn
    request = Request("sts:AssumeRole", acting.role_arn, context, frozenset({("Service", acting.service)}))
    if decide([Policy(f"trust of {acting.role_arn}", trust)], request).allowed:
        return None
    return (
        f"The role {acting.role_arn} does not trust {acting.service}: its trust policy does not let it assume the role"
    )


__all__ = [
    "ECS", "LAMBDA", "POLLING", "TRACING", "Acting", "for_function", "is_trusted", "refusal", "side",
]  # fmt: skip
