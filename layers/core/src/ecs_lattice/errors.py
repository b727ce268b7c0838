"""The errors of the library. The adapters raise :class:`AwsError`s and nothing else; the core raises the others.

EcsLatticeError
├── SettingsError            the environment of the function lacks something
├── UnknownEventError        an event whose shape nobody here knows
├── TooNewRecordError        a registry item written by a newer version of the stack
├── AlarmsError              alarms of routes that AWS did not let be made or removed
├── BusyError                another invocation has the same thing in hand; try again in a moment
├── OutOfTimeError           the function's own deadline; nothing is lost, the bell rings again
└── AwsError                 a call that AWS did not carry out, by reaction:
    ├── ThrottledError       wait ``retry_after`` seconds
    ├── UnavailableError     5xx, connection lost: the answer is unknown, try again
    ├── ConflictError        in progress, in use, or the name is taken (``resource_id`` says by whom)
    ├── NotFoundError        it is not there (any more)
    ├── QuotaError           a quota is full (``quota_code``)
    ├── DeniedError          our role may not
    ├── InvalidError         AWS refuses the parameters
    └── ConditionError       a conditional write whose condition does not hold
"""


class EcsLatticeError(Exception):
    """The root of everything this library raises on purpose."""


class SettingsError(EcsLatticeError):
    """The environment lacks a variable, or one has a value that is not allowed; the message names all of them."""


class UnknownEventError(EcsLatticeError):
    """An event of a shape that is not known here; it goes to the dead-letter queue with this message as its reason."""


class TooNewRecordError(EcsLatticeError):
    """A registry item carries a newer schema than this code knows (two versions run during a stack update)."""


class AlarmsError(EcsLatticeError):
    """The alarms of some routes are not as they should be; the next run tries again."""


class BusyError(EcsLatticeError):
    """Another invocation has the same thing in hand, or was faster; the message comes again in a moment."""


class OutOfTimeError(EcsLatticeError):
    """The function's own deadline has passed; raised between two calls, so that nothing is half written."""


class AwsError(EcsLatticeError):
    """A call that AWS did not carry out.

    ``operation`` is AWS's name of the call (``CreateRule``), ``code`` its error code, ``message`` its own text.
    """

    def __init__(self, operation: str, code: str, message: str) -> None:
        super().__init__(f"{operation}: {code}: {message}")
        self.operation = operation
        self.code = code
        self.message = message


class ThrottledError(AwsError):
    """Too many calls; ``retry_after`` seconds is what AWS asked for, or a guess where it did not say."""

    retry_after: float = 5.0


class UnavailableError(AwsError):
    """AWS failed or the connection was lost: whether the call was carried out is unknown."""


class ConflictError(AwsError):
    """In progress, in use or taken. ``resource_id`` and ``resource_type`` are AWS's, where given."""

    resource_id: str | None = None
    resource_type: str | None = None


class NotFoundError(AwsError):
    """What the call names does not exist (any more)."""


class QuotaError(AwsError):
    """A service quota is full; ``quota_code`` is the one to raise in Service Quotas."""

    quota_code: str | None = None


class DeniedError(AwsError):
    """The role of this function may not make the call."""


class InvalidError(AwsError):
    """AWS refuses the parameters of the call."""


class ConditionError(AwsError):
    """The condition of a conditional write does not hold: somebody else was there first."""
