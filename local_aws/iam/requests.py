"""What an API request has to be allowed: its operation and parameters in, actions on resources out."""

from collections.abc import Iterable

from local_aws.iam import reference, side_permissions
from local_aws.iam.actions import rule_for
from local_aws.iam.needs import Need, Params


class UnwrittenError(Exception):
    """Nobody has written where in a request its resources stand: it can be neither allowed nor denied rightly."""

    def __init__(self, action: str, message: str) -> None:
        super().__init__(message)
        self.action = action


def needs_of(service: str, operation: str, params: Params, *, first: bool = False) -> tuple[Need, ...]:
    """The authorisations of one request, its own first, then those beside it; none for what everybody may do.

    ``service`` is the SDK's name. ``first``: the account has no service-linked role of VPC Lattice yet. UnwrittenError
    if it is not known on which resources the action is authorised.
    """
    prefix = reference.prefix_of(service)
    rule = rule_for(prefix, operation)
    if rule is None:
        own: tuple[Need, ...] = (_without_resource(f"{prefix}:{operation}"),)
    else:
        try:
            own = tuple(rule(params))
        except (KeyError, StopIteration) as error:
            raise _unwritten(f"{prefix}:{operation}", f"{error!r} is not among its parameters") from error
    checked = tuple(_checked(own))
    return (*checked, *_checked(side_permissions.beside(prefix, operation, params, checked, first=first)))


def _without_resource(action: str) -> Need:
    """An action that the reference knows on no type of resource is authorised on ``*``."""
    if not reference.is_action(action):
        raise _unwritten(action, "the Service Authorization Reference has no action of this name")
    if reference.resource_types(action):
        raise _unwritten(action, f"it is authorised on {', '.join(reference.resource_types(action))}")
    return Need(action)


def _checked(needs: Iterable[Need]) -> Iterable[Need]:
    """The same, held against the reference: a wrong ARN would deny, or allow, what AWS would not."""
    for need in needs:
        if not reference.is_action(need.action):
            raise _unwritten(need.action, "the Service Authorization Reference has no action of this name")
        if need.resource != "*" and not reference.is_resource_of(need.action, need.resource):
            raise _unwritten(need.action, f"{need.resource} is none of the resources that it is authorised on")
        yield need


def _unwritten(action: str, why: str) -> UnwrittenError:
    return UnwrittenError(
        action, f"The local AWS cannot say whether {action} is allowed: {why} (local_aws.iam.actions)"
    )


__all__ = ["UnwrittenError", "needs_of"]
