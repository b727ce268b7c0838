"""EC2 over HTTP: moto's, with faults, a log of calls, and atomic calls where moto works rule by rule."""

import base64
import copy
from collections.abc import Mapping
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError, InvalidParameterValue
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.responses import EC2Response

from local_aws.ec2.backend import LocalEc2Backend, Request
from local_aws.ec2.rules import revoked_view
from local_aws.faults import Call, lose
from local_aws.services import clock

_PAGE = range(5, 1001)
"""Maximum number of rules on a page of DescribeSecurityGroupRules (botocore)."""


class LocalEc2Response(EC2Response):
    """Answers EC2 requests."""

    @property
    def ec2_backend(self) -> LocalEc2Backend:
        return super().ec2_backend

    def call_action(self) -> Any:
        """Every call: faults that are due, the operation, the log of calls."""
        operation, backend = self._get_action(), self.ec2_backend
        call = Call(operation, dict(self._get_params() or {}), clock().time())
        backend.calls.append(call)
        fault = backend.faults.take(operation)
        if fault is not None and fault.error is not None:
            call.error = fault.error.code
            status, headers, body = self.serialized(ActionResult(fault.error))
            return status, *self._enrich_response(headers, body)
        answer = super().call_action()
        if answer[0] >= 400:
            call.error = _code(answer[2])
        if fault is not None:
            lose(self.normalized_request)
        return answer

    def authorize_security_group_ingress(self) -> ActionResult:
        return self._authorize(egress=False)

    def authorize_security_group_egress(self) -> ActionResult:
        return self._authorize(egress=True)

    def revoke_security_group_ingress(self) -> ActionResult:
        return self._revoke(egress=False)

    def revoke_security_group_egress(self) -> ActionResult:
        return self._revoke(egress=True)

    def update_security_group_rule_descriptions_ingress(self) -> ActionResult:
        return self._describe(egress=False)

    def update_security_group_rule_descriptions_egress(self) -> ActionResult:
        return self._describe(egress=True)

    def describe_security_group_rules(self) -> ActionResult:
        """By id, by filters, in pages that stay correct while rules are added and removed."""
        self.error_on_dryrun()
        found = self.ec2_backend.describe_security_group_rules(
            self._get_param("SecurityGroupRuleIds", []), self._filters()
        )
        found.sort(key=lambda rule: str(rule.id))
        token, size = self._get_param("NextToken"), self._get_param("MaxResults")
        if size is not None and int(size) not in _PAGE:
            raise InvalidParameterValue(
                f"Value ( {size} ) for parameter maxResults is invalid. Expecting a value from {_PAGE[0]} to {_PAGE[-1]}."
            )
        if token:
            after = _read_token(token)
            found = [rule for rule in found if str(rule.id) > after]
        page = found if size is None else found[: int(size)]
        more = {"NextToken": base64.b64encode(str(page[-1].id).encode()).decode()} if len(page) < len(found) else {}
        return ActionResult({"SecurityGroupRules": page, **more})

    def create_tags(self) -> ActionResult:
        self._rules_are_there()
        return super().create_tags()

    def delete_tags(self) -> ActionResult:
        self._rules_are_there()
        return super().delete_tags()

    def _rules_are_there(self) -> None:
        """A tagged security group rule must exist: moto tags any id."""
        rules = [identifier for identifier in self._get_param("Resources", []) if identifier.startswith("sgr-")]
        if rules:
            self.ec2_backend.describe_security_group_rules(rules, {})

    def _filters(self) -> dict[str, list[str]]:
        filters: Any = self._filters_from_querystring()  # moto declares a string, but its value is a list
        return dict(filters)

    def _authorize(self, *, egress: bool) -> ActionResult:
        self.error_on_dryrun()
        requests = list(self._process_rules_from_querystring())
        made = self.ec2_backend.authorize(self._group(), requests, egress=egress)
        return ActionResult({"Return": True, "SecurityGroupRules": [_shown(rule) for rule in made]})

    def _revoke(self, *, egress: bool) -> ActionResult:
        self.error_on_dryrun()
        ids = self._get_param("SecurityGroupRuleIds", [])
        requests = [] if ids else list(self._process_rules_from_querystring())
        done = self.ec2_backend.revoke(self._group(), requests, ids, egress=egress)
        return ActionResult(
            {
                "Return": True,
                "UnknownIpPermissions": [_permission(request) for request in done.unknown],
                "RevokedSecurityGroupRules": [revoked_view(rule) for rule in done.rules],
            }
        )

    def _describe(self, *, egress: bool) -> ActionResult:
        self.error_on_dryrun()
        told = {
            described["SecurityGroupRuleId"]: described.get("Description", "")
            for described in self._get_param("SecurityGroupRuleDescriptions", [])
        }
        if told:
            self.ec2_backend.describe(self._group(), told, egress=egress)
        elif egress:
            super().update_security_group_rule_descriptions_egress()
        else:
            super().update_security_group_rule_descriptions_ingress()
        return ActionResult({"Return": True})

    def _group(self) -> str:
        name = self._get_param("GroupId") or self._get_param("GroupName")
        if not name:
            raise EC2ClientError("MissingParameter", "The request must contain the parameter groupName or groupId")
        return str(name)


def _shown(rule: SecurityGroupRule) -> SecurityGroupRule:
    """A rule for all ports has -1 for both (EC2 API Reference, SecurityGroupRule)."""
    view = copy.copy(rule)
    view.from_port = -1 if rule.from_port is None else rule.from_port
    view.to_port = -1 if rule.to_port is None else rule.to_port
    return view


def _permission(request: Request) -> Mapping[str, Any]:
    blocks = request["ip_ranges"] or ()
    return {
        "IpProtocol": request["ip_protocol"],
        "FromPort": request["from_port"],
        "ToPort": request["to_port"],
        "IpRanges": [block for block in blocks if "CidrIp" in block],
        "Ipv6Ranges": [block for block in blocks if "CidrIpv6" in block],
        "PrefixListIds": list(request["prefix_list_ids"] or ()),
        "UserIdGroupPairs": list(request["source_groups"] or ()),
    }


def _read_token(token: str) -> str:
    try:
        return base64.b64decode(token, validate=True).decode()
    except ValueError as error:
        raise EC2ClientError("InvalidNextToken", f"The token {token} is not valid") from error


def _code(body: Any) -> str:
    text = body.decode() if isinstance(body, bytes) else str(body)
    return text.partition("<Code>")[2].partition("</Code>")[0]


__all__ = ["LocalEc2Response"]
