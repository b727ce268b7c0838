"""Always responds: whatever happens to a request, CloudFormation receives a response before the function ends.

A request without a response blocks its stack for an hour (CloudFormation Template Reference, ServiceTimeout). So every failure
is a response, and a timer responds in place of the work when the function runs out of time. A response that cannot be
delivered raises: Lambda repeats the invocation, and requests are repeatable.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ecs_lattice import api_calls
from ecs_lattice.custom_resource import protocol
from ecs_lattice.custom_resource.protocol import Request, Response
from ecs_lattice.custom_resource.response_hosts import ResponseHosts
from ecs_lattice.errors import AwsError, DeniedError, EcsLatticeError, OutOfTimeError
from ecs_lattice.telemetry import logger

SHUTDOWN_MARGIN_SECONDS = 10.0
"""The remaining time of the function at which the timer responds in place of the work."""
_WORK_ENDS_EARLIER_SECONDS = 5.0
_DELIVERY_SECONDS = 8.0
_LOGGED_CHARACTERS = 300


class Delivery(Protocol):
    """Delivers to a ResponseURL; its adapter is :mod:`ecs_lattice.aws.cfn_response`."""

    def put(self, url: str, body: bytes, seconds: float) -> None:
        """Deliver within ``seconds``. Raises AwsError when it finally failed."""


@dataclass(frozen=True, slots=True)
class CustomResources:
    """Serves the requests of custom resources. ``apply`` does the work; ``log`` names the log for people; ``hosts`` are those
    to which responses may be sent."""

    apply: Callable[[Request], Response]
    delivery: Delivery
    hosts: ResponseHosts
    log: str

    def handle(self, event: Mapping[str, Any], remaining_seconds: float) -> dict[str, str]:
        """Respond to one request within ``remaining_seconds``.

        Raises UnknownEventError for an event that cannot be answered, and AwsError when the response could not be delivered.
        """
        url, request = protocol.response_url(event), protocol.read(event)
        self.hosts.check(url)
        single = SingleResponse(request, lambda body: self.delivery.put(url, body, _DELIVERY_SECONDS))
        seconds = remaining_seconds - SHUTDOWN_MARGIN_SECONDS
        timer = threading.Timer(max(seconds, 0), self._out_of_time, [request, single])
        timer.daemon = True
        timer.start()
        try:
            response = self._respond(request, seconds - _WORK_ENDS_EARLIER_SECONDS)
        finally:
            timer.cancel()
        sent = single.send(response)
        return {"status": "SUCCESS" if sent.is_success else "FAILED", "physicalResourceId": sent.physical_id}

    def _respond(self, request: Request, seconds: float) -> Response:
        try:
            with api_calls.within(seconds):
                return self.apply(request)
        except Exception as error:  # noqa: BLE001  the boundary of the function: everything becomes a response
            stack, resource = _logged(request.stack_id), _logged(request.logical_id)
            logger.exception("The request failed", stack=stack, resource=resource)
            return self._failed(request, _reason(error))

    def _out_of_time(self, request: Request, single: "SingleResponse") -> None:
        try:
            single.send(self._failed(request, _OUT_OF_TIME))
        except Exception:  # noqa: BLE001  in a thread of its own; the work may still end and respond
            logger.exception(
                "The response at the end of the time could not be delivered", stack=_logged(request.stack_id)
            )

    def _failed(self, request: Request, reason: str) -> Response:
        # A Delete keeps the ID of the request: CloudFormation compares it.
        physical_id = request.physical_id if request.type == "Delete" else ""
        return Response(False, physical_id or request.own_id, reason=f"{reason} Log: {self.log}.")


@dataclass(slots=True)
class SingleResponse:
    """The only response to a request: from the work or from the timer, whichever is first. The other gets what was sent."""

    request: Request
    deliver: Callable[[bytes], None]
    sent: Response | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, response: Response) -> Response:
        """Deliver ``response`` unless there was one before; the response that was sent."""
        with self.lock:
            if self.sent is None:
                self.deliver(protocol.body(self.request, response))
                self.sent = response
                logger.info(
                    "Responded",
                    stack=_logged(self.request.stack_id),
                    resource=_logged(self.request.logical_id),
                    request=_logged(self.request.type),
                    success=response.is_success,
                    reason=response.reason[: protocol.RESPONSE_BYTES],
                )
            return self.sent


def _logged(text: str) -> str:
    """A name for the log; an event may claim names of any length."""
    return text[:_LOGGED_CHARACTERS]


_OUT_OF_TIME = "The work did not end within the function's time. It may be tried again."


def _reason(error: Exception) -> str:
    match error:
        case DeniedError():
            return (
                f"The role of the ecs-lattice function lacks a permission: {error}. Its policy allows {error.operation}, so "
                "look for a service control policy, a permissions boundary, or a stack or security group of another account."
            )
        case OutOfTimeError():
            return _OUT_OF_TIME
        case AwsError():
            return f"A call to AWS failed: {error}."
        case EcsLatticeError():
            return str(error)
        case _:
            return f"Unexpected error: {type(error).__name__}: {error}."
