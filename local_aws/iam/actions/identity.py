"""IAM itself (Service Authorization Reference, AWS Identity and Access Management)."""

import functools
from collections.abc import Mapping

from local_aws.iam.needs import Need, Params, Rule, arn, on


def _on_role(action: str, params: Params) -> list[Need]:
    """A role's ARN includes its path; for a role that a request names by name, no path is assumed."""
    context = {"iam:policyarn": params["PolicyArn"]} if "PolicyArn" in params else {}
    return on(f"iam:{action}", arn("iam", f"role/{params['RoleName']}", region=""), context=context)


IAM: Mapping[str, Rule] = {name: functools.partial(_on_role, name) for name in ("DeleteRole", "DetachRolePolicy")}

__all__ = ["IAM"]
