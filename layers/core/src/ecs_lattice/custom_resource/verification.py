"""Whether a request is CloudFormation's: only while CloudFormation itself says that the resource is in progress (decision 46).

Whoever may invoke a function may send it any event, with any stack and resource in it. So nothing of an event counts
before CloudFormation was asked about that very resource of that very stack. Sources of names and values: CloudFormation API
Reference, DescribeStackResource and StackResourceDetail.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from ecs_lattice import api_calls
from ecs_lattice.custom_resource.protocol import Request
from ecs_lattice.errors import AwsError, OutOfTimeError
from ecs_lattice.ports import Sleep

# An update that is rolled back sends Update again, a creation that is rolled back Delete.
_IN_PROGRESS: Mapping[str, frozenset[str]] = {
    "Create": frozenset({"CREATE_IN_PROGRESS"}),
    "Update": frozenset({"UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"}),
    "Delete": frozenset({"DELETE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"}),
}
_REREAD_SECONDS = (0.5, 1.0, 2.0, 4.0)
"""Waits before a status is read again that does not fit the request: a read may lag behind what CloudFormation has begun
(assumption: no document promises a consistent read)."""
_LONGEST_REQUEST_ID = 128  # CloudFormation's are UUIDs; they are recorded
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.5, 4.0

NOT_IN_PROGRESS = (
    "CloudFormation does not list this resource of this stack as waiting for this request, so nothing was changed. "
    "Requests are accepted from CloudFormation only, while it creates, updates or deletes the resource."
)


@dataclass(frozen=True, slots=True)
class StackResource:
    """What CloudFormation says of a resource. ``status`` is its ResourceStatus; ``physical_id`` is empty before there is one."""

    stack_id: str
    logical_id: str
    type: str
    status: str
    physical_id: str = ""


class Stacks(Protocol):
    """CloudFormation; its adapter is :mod:`ecs_lattice.aws.stacks`."""

    def resource(self, stack_id: str, logical_id: str) -> StackResource | None:
        """The resource; None if there is no such stack or resource. Raises AwsError when it could not be read."""


class RequestStatus(Enum):
    """What a request is to CloudFormation."""

    CURRENT = "CloudFormation waits for the response to it"
    REPLACED = "a Delete of an id that is not, or no longer, that of the resource"
    NOT_IN_PROGRESS = "CloudFormation knows nothing of it"


def status_of(request: Request, resource: StackResource | None) -> RequestStatus:
    """What ``request`` is, by what CloudFormation says of the resource that it names."""
    if not 0 < len(request.request_id) <= _LONGEST_REQUEST_ID:
        return RequestStatus.NOT_IN_PROGRESS
    named = (request.stack_id, request.logical_id, request.resource_type)
    if resource is None or named != (resource.stack_id, resource.logical_id, resource.type):
        return RequestStatus.NOT_IN_PROGRESS
    # Before a response CloudFormation has no id of its own to compare.
    has_this_id = request.type == "Create" or resource.physical_id in {"", request.physical_id}
    if request.type == "Delete" and not has_this_id:
        return RequestStatus.REPLACED
    if not has_this_id or resource.status not in _IN_PROGRESS.get(request.type, ()):
        return RequestStatus.NOT_IN_PROGRESS
    return RequestStatus.CURRENT


@dataclass(frozen=True, slots=True)
class Verification:
    """Asks CloudFormation about requests; ``sleep`` waits between two reads."""

    stacks: Stacks
    sleep: Sleep

    def status(self, request: Request) -> RequestStatus:
        """What ``request`` is. Raises the AwsError of the last read if none succeeded until the deadline."""
        for wait in _REREAD_SECONDS:
            found = status_of(request, self._read(request))
            if found is not RequestStatus.NOT_IN_PROGRESS:
                return found
            self.sleep(wait)
        return status_of(request, self._read(request))

    def _read(self, request: Request) -> StackResource | None:
        failure: AwsError | None = None
        wait = _FIRST_WAIT_SECONDS
        while True:
            try:
                api_calls.check_time()
                return self.stacks.resource(request.stack_id, request.logical_id)
            except AwsError as error:
                failure = error
            except OutOfTimeError as over:
                raise failure or over from None
            self.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT_SECONDS)
