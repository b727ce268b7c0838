"""The errors of the library. Adapters raise :class:`AwsError`s and nothing else; the core raises the others.

EcsLatticeError
├── SettingsError            the environment of the function is incomplete or wrong
├── UnknownEventError        an event or a message of an unknown shape
│   └── ForeignEventError    anybody may have sent it, and it is about nothing of this stack
├── TooNewRecordError        a registry item that a newer version of the stack wrote
├── AlarmsError              alarms of routes that AWS rejected or did not delete
├── BusyError                another invocation is processing the same thing; try again in a moment
├── OutOfTimeError           the function's time for calls is over; nothing is lost, the work continues later
└── AwsError                 a call that failed, by how to react:
    ├── ThrottledError       wait ``retry_after`` seconds
    ├── UnavailableError     5xx, connection lost: the result is unknown, try again
    │   └── StackResourceError  the stack's own table or queue rejects the call: try again, like any fault
    ├── ConflictError        in progress, in use, or the name is taken (by ``resource_id``)
    ├── NotFoundError        it does not exist
    ├── QuotaError           a quota is exhausted (``quota_code``)
    ├── DeniedError          the function's role lacks a permission
    ├── InvalidError         AWS rejects the parameters
    └── ConditionError       the condition of a conditional write does not hold
"""

from collections.abc import Mapping
from typing import Any


class EcsLatticeError(Exception):
    """The root of everything this library raises on purpose."""


class SettingsError(EcsLatticeError):
    """Variables of the environment are missing or have values that are not allowed; the message names all of them."""


class UnknownEventError(EcsLatticeError):
    """An event of an unknown shape. One of a queue goes to the dead-letter queue with this message as its reason."""


class ForeignEventError(UnknownEventError):
    """An event that anybody in the account may send or cause, of a wrong shape or about nothing that this stack knows. It is
    logged once and dropped: in the dead-letter queue it would raise an alarm for everybody."""


class TooNewRecordError(EcsLatticeError):
    """A registry item has a newer schema than this code knows (two versions run during a stack update)."""


class AlarmsError(EcsLatticeError):
    """Some routes' alarms could not be put or deleted; the next run tries again."""


class BusyError(EcsLatticeError):
    """Another invocation is processing the same thing, or was faster; SQS delivers the message again in a moment."""


class OutOfTimeError(EcsLatticeError):
    """The function's time for calls to AWS is over; raised between two calls, so that nothing is half written."""


class AwsError(EcsLatticeError):
    """A call that failed.

    ``operation`` is AWS's name of the call (``CreateRule``), ``code`` the error code, ``message`` AWS's text.
    """

    def __init__(self, operation: str, code: str, message: str) -> None:
        super().__init__(f"{operation}: {code}: {message}")
        self.operation = operation
        self.code = code
        self.message = message


class ThrottledError(AwsError):
    """Too many calls. ``retry_after``: the seconds that AWS asked for, or a default."""

    retry_after: float = 5.0


class UnavailableError(AwsError):
    """AWS failed or the connection was lost: whether the call took effect is unknown."""


class StackResourceError(UnavailableError):
    """The stack's own table or one of its queues denies the call or is not found. That says nothing about what is being
    reconciled, and passes by itself: IAM takes seconds until a role of a new deployment applies everywhere (IAM User Guide,
    "Changes that I make are not always immediately visible")."""


class ConflictError(AwsError):
    """In progress, in use or taken. ``resource_id`` and ``resource_type`` are AWS's, where given."""

    resource_id: str | None = None
    resource_type: str | None = None


class NotFoundError(AwsError):
    """What the call names does not exist."""


class QuotaError(AwsError):
    """A service quota is exhausted; ``quota_code`` is the quota to raise in Service Quotas."""

    quota_code: str | None = None


class DeniedError(AwsError):
    """The function's role lacks permission for the call."""


class InvalidError(AwsError):
    """AWS rejects the parameters of the call."""


class ConditionError(AwsError):
    """The condition of a conditional write does not hold: another writer was first."""


def failure_from(data: Mapping[str, Any]) -> str:
    """Code and message of what an answer of VPC Lattice says has failed; empty where it gives neither."""
    return ": ".join(filter(None, (data.get("failureCode"), data.get("failureMessage"))))
