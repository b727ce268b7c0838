"""moto's IAM and STS, with AWS's managed policies, sessions of functions and trust policies."""

import functools
import json
from collections.abc import Mapping
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend, ManagedPolicy, Role
from moto.sts.models import STSBackend

from local_aws import extend
from local_aws.eventbus import ACCOUNT
from local_aws.iam import side_permissions
from local_aws.iam.identities import ADMINISTRATOR, Identity, UnknownKeyError
from local_aws.services import current


@functools.cache
def _aws_policies() -> Mapping[str, tuple[str, Any]]:
    """AWS's managed policies by the part after ``policy`` in their ARN; moto has 1,500 of them, so they load on demand."""
    loaded: dict[str, Any] = json.loads(aws_managed_policies_data)
    return {f"{data['Path']}{name}": (name, data) for name, data in loaded.items()}


class LocalIamBackend(IAMBackend):
    """moto's; a managed policy of AWS exists once it is attached or read for the first time."""

    def managed_policy(self, arn: str) -> ManagedPolicy | None:
        """The policy with this ARN, AWS's own or the account's; None if there is none."""
        own = f"arn:{self.partition}:iam::aws:policy"
        if arn not in self.managed_policies and arn.startswith(own):
            found = _aws_policies().get(arn.removeprefix(own))
            if found is not None:
                name, data = found
                policy = AWSManagedPolicy.from_data(name, self.account_id, self.region_name, data)
                self.managed_policies[policy.arn] = policy
                self.aws_managed_policies.append(policy)
        return self.managed_policies.get(arn)

    def role(self, arn: str) -> Role | None:
        """The role with this ARN; None if there is none."""
        return next((role for role in list(self.roles.values()) if role.arn == arn), None)

    def attach_role_policy(self, policy_arn: str, role_name: str) -> None:
        self.managed_policy(policy_arn)
        super().attach_role_policy(policy_arn, role_name)

    def attach_user_policy(self, policy_arn: str, user_name: str) -> None:
        self.managed_policy(policy_arn)
        super().attach_user_policy(policy_arn, user_name)

    def attach_group_policy(self, policy_arn: str, group_name: str) -> None:
        self.managed_policy(policy_arn)
        super().attach_group_policy(policy_arn, group_name)

    def get_policy(self, policy_arn: str) -> ManagedPolicy:
        self.managed_policy(policy_arn)
        return super().get_policy(policy_arn)

    def put_role_policy(self, role_name: str, policy_name: str, policy_json: str) -> None:
        """Also without a version, which moto requires: IAM's default is 2008-10-17 (IAM User Guide, Version)."""
        document = _object(policy_json)
        if document is None or "Version" in document:
            super().put_role_policy(role_name, policy_name, policy_json)
            return
        super().put_role_policy(role_name, policy_name, json.dumps({"Version": "2012-10-17", **document}))
        self.get_role(role_name).put_policy(policy_name, policy_json)

    def linked_role_of_lattice(self) -> Role | None:
        """The service-linked role that the account's first VPC Lattice resource creates; None before that."""
        return next((role for role in list(self.roles.values()) if role.name == side_permissions.LATTICE_ROLE), None)

    def link_role_of_lattice(self) -> None:
        """Create the service-linked role (VPC Lattice User Guide, using service-linked roles)."""
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": side_permissions.LATTICE_SERVICE},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        path = f"/aws-service-role/{side_permissions.LATTICE_SERVICE}/"
        self.create_role(
            side_permissions.LATTICE_ROLE,
            json.dumps(trust),
            path,
            None,
            "",
            [],
            "3600",
            side_permissions.LATTICE_SERVICE,
        )
        self.attach_role_policy(
            f"arn:{self.partition}:iam::aws:policy/aws-service-role/AWSVpcLatticeServiceRolePolicy",
            side_permissions.LATTICE_ROLE,
        )


def _object(text: str) -> dict[str, Any] | None:
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


class LocalStsBackend(STSBackend):
    """moto's, with sessions for the access keys of functions."""

    def get_assumed_role_from_access_key(self, access_key_id: str) -> Any:
        identity = _identity(access_key_id)
        if identity is not None and identity.function_arn:
            return _Session(identity)
        return super().get_assumed_role_from_access_key(access_key_id)

    def get_caller_identity(self, access_key_id: str, region: str) -> tuple[str, str, str]:
        user_id, arn, account = super().get_caller_identity(access_key_id, region)
        return (user_id, ADMINISTRATOR, account) if arn.endswith(":user/moto") else (user_id, arn, account)


class _Session:
    """A function's session in the form that moto's STS and CloudTrail read."""

    def __init__(self, identity: Identity) -> None:
        self.arn = identity.principal_arn
        self.role_arn = identity.arn
        self.session_name = identity.session
        self.account_id = ACCOUNT
        self.user_id = identity.context()["aws:userid"]


def _identity(key: str) -> Identity | None:
    enforcement = current().enforcement
    try:
        return None if enforcement is None else enforcement.identities.of(key)
    except UnknownKeyError:
        return None


def install() -> None:
    """Replace moto's IAM and STS."""
    extend.install("iam", LocalIamBackend)
    extend.install("sts", LocalStsBackend)


__all__ = ["LocalIamBackend", "LocalStsBackend", "install"]
