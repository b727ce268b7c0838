"""Authorizes every call of every service: the caller, the permissions that the call needs, the caller's policies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import determine_request_protocol
from moto.core.responses import BaseResponse
from moto.core.utils import get_service_model
from moto.iam.models import iam_backends

from local_aws.clock import Clock
from local_aws.eventbus import ACCOUNT, REGION
from local_aws.iam import denials, identities, reference, side_permissions
from local_aws.iam.authorization_log import Authorization, AuthorizationLog
from local_aws.iam.denials import Refused
from local_aws.iam.documents import PolicyError
from local_aws.iam.evaluation import Decision, Policy, Request, decide, mentions
from local_aws.iam.identities import ADMINISTRATOR, Identities, Identity, UnknownKeyError
from local_aws.iam.needs import Need, Params
from local_aws.iam.requests import UnknownNeedsError, needs_of
from local_aws.iam.tags import tags_of
from local_aws.iam.variables import Value
from local_aws.lattice import shapes
from local_aws.lattice.backend import OPERATIONS as LATTICE_OPERATIONS

IDENTITY_BASED = "identity-based policy"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether something is allowed, by which statements; if not, why, in AWS's words. ``context``: the request's keys."""

    allowed: bool
    statements: tuple[tuple[str, str], ...]
    why: str = ""
    context: Mapping[str, Value] = field(default_factory=dict)


class Enforcement:
    """Holds roles and users to their policies and writes every decision into the authorization log."""

    def __init__(self, identities_: Identities, log: AuthorizationLog, clock: Clock) -> None:
        self.identities = identities_
        self.log = log
        self._clock = clock

    def refusal(self, response: BaseResponse) -> Refused | None:
        """The answer to a request that is not allowed; None if it may proceed."""
        try:
            identity = self.identities.of(str(getattr(response, "access_key", "")))
        except UnknownKeyError:
            return denials.unknown_key(response)
        service, operation = str(response.boto3_service_name), str(response._get_action() or "")
        if identity is not None:
            refused = self._refusal(response, identity, service, operation)
            if refused is not None:
                return refused
        elif service == "sts" and operation == "AssumeRole":
            return self._assume_role_refusal(response, None, parameters(response, service, operation))
        self._link_role(service, operation)
        return None

    def evaluate(self, identity: Identity, need: Need) -> Verdict:
        """Whether the current policies of a role or user allow something."""
        context = {**global_context(identity, self._clock), **_tags_of_resource(need), **need.context}
        request = Request(need.action, need.resource, context)
        verdict = _verdict(decide(identities.policies_of(identity), request), IDENTITY_BASED, request)
        for kind, policy in identities.boundaries_of(identity) if verdict.allowed else ():
            limited = _verdict(decide([policy], request), kind, request)
            if not limited.allowed:
                return limited
        return verdict

    def record(self, identity: Identity, need: Need, verdict: Verdict, *, caller: str) -> None:
        """Write an authorization into the log."""
        self.log.record(
            Authorization(
                role=identity.name,
                caller=caller,
                action=need.action,
                resource=need.resource,
                context=verdict.context,
                side=need.side,
                allowed=verdict.allowed,
                statements=verdict.statements,
                time=self._clock.time(),
            )
        )

    def _refusal(self, response: BaseResponse, identity: Identity, service: str, operation: str) -> Refused | None:
        try:
            params = parameters(response, service, operation)
            needs = needs_of(service, operation, params, first=_has_no_linked_role())
            if operation == "AssumeRole" and service == "sts":
                return self._assume_role_refusal(response, identity, params, needs)
            return self._first_refusal(response, identity, needs)
        except UnknownNeedsError as error:
            if mentions(identities.policies_of(identity), error.action):
                return denials.undecided(response, str(error))
            return _denied(
                response, identity, Need(error.action), denials.no_policy_allows(IDENTITY_BASED, error.action)
            )
        except PolicyError as error:
            return denials.undecided(response, f"The policies of {identity.arn} cannot be evaluated: {error}")

    def _first_refusal(self, response: BaseResponse, identity: Identity, needs: Sequence[Need]) -> Refused | None:
        for need in needs:
            verdict = self.evaluate(identity, need)
            self.record(identity, need, verdict, caller=identity.caller)
            if not verdict.allowed:
                return _denied(response, identity, need, verdict.why)
        return None

    def _assume_role_refusal(
        self, response: BaseResponse, identity: Identity | None, params: Params, needs: Sequence[Need] = ()
    ) -> Refused | None:
        """AssumeRole: the trust policy must allow the caller; a caller that it does not name by ARN needs a policy too.

        It may name the caller's role or the account (IAM User Guide, "Cross-account policy evaluation logic" and
        "Policy evaluation for requests within a single account").
        """
        arn = str(params.get("RoleArn"))
        account = frozenset({("AWS", ACCOUNT), ("AWS", f"arn:aws:iam::{ACCOUNT}:root")})
        names = identity.principals if identity else account | {("AWS", ADMINISTRATOR)}
        context = {**global_context(identity, self._clock), **(needs[0].context if needs else {})}
        trust = identities.trust_policy(arn)
        request = Request("sts:AssumeRole", arn, context, names)
        policies = [] if trust is None else [Policy(f"trust of {arn}", trust)]
        decision = decide(policies, request)
        if decision.allowed and identity is not None:
            named = decide(policies, Request("sts:AssumeRole", arn, context, names - account)).allowed
            return None if named else self._first_refusal(response, identity, needs)
        if decision.allowed:
            return None
        who = identity.principal_arn if identity else ADMINISTRATOR
        why = denials.no_policy_allows("resource-based policy", "sts:AssumeRole")
        return denials.denied(response, denials.sentence(who, "sts:AssumeRole", arn, why))

    def _link_role(self, service: str, operation: str) -> None:
        if (
            reference.prefix_of(service) == side_permissions.FIRST.service
            and operation in side_permissions.FIRST.operations
        ):
            backend: Any = iam_backends[ACCOUNT]["aws"]
            if _has_no_linked_role():
                backend.link_role_of_lattice()


def parameters(response: BaseResponse, service: str, operation: str) -> Params:
    """The parameters of a request, in the spelling of botocore's model."""
    request = response.normalized_request
    if reference.prefix_of(service) == "vpc-lattice" and operation in LATTICE_OPERATIONS:
        # moto's parser works on decoded paths and would cut an ARN in a path at its slashes
        query = request.args.to_dict(flat=False)
        return shapes.parse(operation, response.uri_match, query, request.get_data(as_text=True))
    model = get_service_model(service)
    if operation not in model.operation_names:
        raise UnknownNeedsError(
            f"{reference.prefix_of(service)}:{operation}", f"{service} has no operation {operation}"
        )
    parser = PROTOCOL_PARSERS[determine_request_protocol(model, request.content_type)]
    parsed = parser(model.operation_model(operation), map_type=dict).parse(
        {
            "method": request.method,
            "values": request.values,
            "headers": request.headers,
            "body": request.data,
            "url_path": request.path,
            "url_params": response.uri_match,
        }
    )
    return parsed or {}


def global_context(identity: Identity | None, clock: Clock) -> dict[str, Value]:
    """The global condition keys of a request (IAM User Guide, global condition context keys).

    aws:SecureTransport is true although the local AWS speaks HTTP: requests count as sent the way that an SDK sends them to AWS,
    so a policy that denies unencrypted transport denies nothing here (assumption; :mod:`local_aws.bucket_policies` and
    :mod:`local_aws.delivery.permissions`, too).
    """
    principal = identity.context() if identity else {"aws:principalarn": ADMINISTRATOR, "aws:principalaccount": ACCOUNT}
    return {
        **principal,
        "aws:currenttime": clock.iso(),
        "aws:epochtime": str(int(clock.time())),
        "aws:requestedregion": REGION,
        "aws:resourceaccount": ACCOUNT,
        "aws:securetransport": "true",
        "aws:sourceip": "127.0.0.1",
        "aws:viaawsservice": "false",
        "ec2:region": REGION,
    }


def _tags_of_resource(need: Need) -> dict[str, Value]:
    service = need.action.partition(":")[0]
    prefixes = ("aws", service) if service in ("ec2", "ecs") else ("aws",)
    tags = tags_of(need.resource)
    return {f"{prefix}:resourcetag/{key.lower()}": value for key, value in tags.items() for prefix in prefixes}


def _verdict(decision: Decision, kind: str, request: Request) -> Verdict:
    if decision.allowed:
        return Verdict(allowed=True, statements=decision.statements, context=request.context)
    denied = decision.explicit_deny
    why = denials.explicitly_denied(kind) if denied else denials.no_policy_allows(kind, request.action)
    return Verdict(allowed=False, statements=decision.statements, why=why, context=request.context)


def _denied(response: BaseResponse, identity: Identity, need: Need, why: str) -> Refused:
    return denials.denied(response, denials.sentence(identity.principal_arn, need.action, need.resource, why))


def _has_no_linked_role() -> bool:
    backend: Any = iam_backends[ACCOUNT]["aws"]
    return backend.linked_role_of_lattice() is None


__all__ = ["Enforcement", "Verdict", "global_context", "parameters"]
