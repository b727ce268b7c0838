"""The callers: from access keys to roles and users, and to their current policies.

The keys of a function belong to its execution role, a key that STS issued to the assumed role, the key of an IAM user to
the user. All other keys belong to the administrator, who may do everything: ``local``, those that CloudFormation's
providers use, those of tests.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.utils import get_backend as lambda_backend
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from local_aws.eventbus import ACCOUNT, REGION
from local_aws.iam.documents import PolicyError
from local_aws.iam.evaluation import Policy
from local_aws.journal import Journal

ADMINISTRATOR = f"arn:aws:iam::{ACCOUNT}:user/local"
"""The administrator's ARN."""


class UnknownKeyError(Exception):
    """An unknown temporary access key."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A role's session or a user. ``caller`` is the name of the function, if it is one."""

    kind: str
    """``role`` or ``user``."""
    name: str
    arn: str
    """The role's or the user's."""
    session: str = ""
    caller: str = ""
    function_arn: str = ""
    session_policy: str | None = None

    @property
    def principal_arn(self) -> str:
        """The ARN in messages: of the role's session, or of the user."""
        if self.kind == "user":
            return self.arn
        return f"arn:aws:sts::{ACCOUNT}:assumed-role/{self.name}/{self.session}"

    @property
    def principals(self) -> frozenset[tuple[str, str]]:
        """Every name by which a resource-based policy may refer to it."""
        account = f"arn:aws:iam::{ACCOUNT}:root"
        return frozenset(("AWS", name) for name in (self.arn, self.principal_arn, ACCOUNT, account))

    def context(self) -> dict[str, str]:
        """The condition keys about the principal."""
        found = {
            "aws:principalarn": self.arn,
            "aws:principalaccount": ACCOUNT,
            "aws:principaltype": "AssumedRole" if self.kind == "role" else "User",
            "aws:userid": f"{_id_of(self)}:{self.session}" if self.kind == "role" else _id_of(self),
        }
        if self.kind == "user":
            found["aws:username"] = self.name
        if self.function_arn:
            found["lambda:sourcefunctionarn"] = self.function_arn
        return found | {f"aws:principaltag/{key.lower()}": value for key, value in _tags(self).items()}


@dataclass
class Identities:
    """Finds the identity of an access key. The journal, which issued them, knows the keys of functions."""

    journal: Journal
    _known: dict[str, Identity] = field(default_factory=dict)

    def of(self, key: str) -> Identity | None:
        """The key's identity; None for the administrator. UnknownKeyError for an unknown temporary key."""
        if key in self._known:
            return self._known[key]
        found = self._of_function(key) or _of_session(key) or _of_user(key)
        if found is None:
            if key.startswith("ASIA"):
                raise UnknownKeyError
            return None
        if found.kind == "role":
            self._known[key] = found  # a role's keys never change; a user's may be deleted
        return found

    def _of_function(self, key: str) -> Identity | None:
        name = self.journal.function_of(key)
        if name is None:
            return None
        try:
            function = lambda_backend(ACCOUNT, REGION).get_function(name, None)
        except LambdaClientError as error:
            raise UnknownKeyError from error  # the function was deleted before its first call
        role = str(function.role)
        return Identity("role", role_name(role), role, name, name, str(function.function_arn))


def role_name(arn: str) -> str:
    """The name of the role with this ARN: the part after its path."""
    return arn.rpartition("/")[2]


def policies_of(identity: Identity) -> tuple[Policy, ...]:
    """The current identity-based policies: inline ones, attached ones, those of a user's groups."""
    holder = _holder(identity)
    if holder is None:
        return ()
    return tuple(_policies(holder)) + tuple(policy for group in _groups(identity) for policy in _policies(group))


def boundaries_of(identity: Identity) -> tuple[tuple[str, Policy], ...]:
    """What limits it in addition: permissions boundary and session policy, each with its kind."""
    found = []
    boundary = getattr(_holder(identity), "permissions_boundary_arn", None)
    if boundary:
        found.append(("permissions boundary", Policy(role_name(boundary), _managed(boundary))))
    if identity.session_policy:
        found.append(("session policy", Policy("session", identity.session_policy)))
    return tuple(found)


def trust_policy(arn: str) -> str | Mapping[str, Any] | None:
    """The role's trust policy; None if there is no such role."""
    role = _backend().role(arn)
    return None if role is None else role.assume_role_policy_document


def _of_session(key: str) -> Identity | None:
    role = next((role for role in sts_backends[ACCOUNT]["aws"].assumed_roles if role.access_key_id == key), None)
    if role is None:
        return None
    return Identity("role", role_name(role.role_arn), role.role_arn, role.session_name, role.session_name,
                    session_policy=role.policy or None)  # fmt: skip


def _of_user(key: str) -> Identity | None:
    for user in list(_backend().users.values()):
        if any(access_key.access_key_id == key for access_key in user.access_keys):
            return Identity("user", user.name, user.arn, caller=user.name)
    return None


def _backend() -> Any:
    return iam_backends[ACCOUNT]["aws"]


def _holder(identity: Identity) -> Any:
    if identity.kind == "user":
        return _backend().users.get(identity.name)
    return _backend().role(identity.arn)


def _groups(identity: Identity) -> list[Any]:
    return list(_backend().get_groups_for_user(identity.name)) if identity.kind == "user" else []


def _policies(holder: Any) -> Iterator[Policy]:
    for name, document in list(holder.policies.items()):
        yield Policy(name, document)
    for arn, managed in list(holder.managed_policies.items()):
        yield Policy(role_name(arn), _document(managed))


def _managed(arn: str) -> str:
    policy = _backend().managed_policy(arn)
    if policy is None:
        raise PolicyError(f"There is no policy {arn}, which is a permissions boundary")
    return _document(policy)


def _document(managed: Any) -> str:
    """Of the default version."""
    return str(next(version.document for version in managed.versions if version.is_default))


def _id_of(identity: Identity) -> str:
    return str(getattr(_holder(identity), "id", ""))


def _tags(identity: Identity) -> Mapping[str, str]:
    tags = getattr(_holder(identity), "tags", None) or []
    if isinstance(tags, Mapping):
        return {key: str(value.get("Value", "")) for key, value in tags.items()}
    return {tag["Key"]: tag.get("Value", "") for tag in tags}


__all__ = ["ADMINISTRATOR", "Identities", "Identity", "UnknownKeyError", "boundaries_of", "policies_of", "role_name",
           "trust_policy"]  # fmt: skip
