"""The permissions that an API request needs: operation and parameters in, actions on resources out."""

from collections.abc import Iterable

from local_aws.iam import reference, side_permissions
from local_aws.iam.actions import rule_for
from local_aws.iam.needs import Need, Params


class UnknownNeedsError(Exception):
    """It is not known where a request names its resources, so it can be neither allowed nor denied correctly."""

    def __init__(self, action: str, message: str) -> None:
        super().__init__(message)
        self.action = action


def needs_of(service: str, operation: str, params: Params, *, first: bool = False) -> tuple[Need, ...]:
    """The permissions that one request needs, its own first, then side permissions; none for what everyone may do.

    ``service`` is the SDK's name. ``first``: the account has no service-linked role of VPC Lattice yet. UnknownNeedsError
    if it is not known on which resources the action is authorized.
    """
    prefix = reference.prefix_of(service)
    rule = rule_for(prefix, operation)
    if rule is None:
        own: tuple[Need, ...] = (_without_resource(f"{prefix}:{operation}"),)
    else:
        try:
            own = tuple(rule(params))
        except (KeyError, StopIteration) as error:
            raise _unknown(f"{prefix}:{operation}", f"{error!r} is not among its parameters") from error
    checked = tuple(_checked(own))
    return (*checked, *_checked(side_permissions.beside(prefix, operation, params, checked, first=first)))


def _without_resource(action: str) -> Need:
    """An action without resource types in the reference is authorized on ``*``."""
    if not reference.is_action(action):
        raise _unknown(action, "the Service Authorization Reference has no action of this name")
    if reference.resource_types(action):
        raise _unknown(action, f"it is authorized on {', '.join(reference.resource_types(action))}")
    return Need(action)


def _checked(needs: Iterable[Need]) -> Iterable[Need]:
    """The same, validated against the reference: a wrong ARN would deny, or allow, what AWS would not."""
    for need in needs:
        if not reference.is_action(need.action):
            raise _unknown(need.action, "the Service Authorization Reference has no action of this name")
        if need.resource != "*" and not reference.is_resource_of(need.action, need.resource):
            raise _unknown(need.action, f"{need.resource} is not a resource that it is authorized on")
        yield need


def _unknown(action: str, why: str) -> UnknownNeedsError:
    return UnknownNeedsError(
        action, f"The local AWS cannot decide whether {action} is allowed: {why} (local_aws.iam.actions)"
    )


__all__ = ["UnknownNeedsError", "needs_of"]
