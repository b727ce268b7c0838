"""Always answers: whatever happens to a request, CloudFormation hears of it before the function ends.

An unanswered request holds its stack for an hour (CloudFormation Template Reference, ServiceTimeout). So every failure is
an answer, and a timer answers in the work's stead when the function's own time runs out. What cannot be delivered is
raised: Lambda repeats the invocation, and the request is repeatable.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ecs_lattice import api_calls
from ecs_lattice.custom_resource import protocol
from ecs_lattice.custom_resource.protocol import Answer, Request
from ecs_lattice.errors import AwsError, DeniedError, EcsLatticeError, OutOfTimeError
from ecs_lattice.telemetry import logger

LAST_WORD_SECONDS = 10.0
"""What is left of the function's time when the timer answers in its stead."""
_WORK_ENDS_EARLIER_SECONDS = 5.0
_DELIVERY_SECONDS = 8.0


class Delivery(Protocol):
    """How bytes get to a ResponseURL; its adapter is :mod:`ecs_lattice.aws.cfn_response`."""

    def put(self, url: str, body: bytes, seconds: float) -> None:
        """Deliver within ``seconds``. Raises AwsError when that failed for good."""


@dataclass(frozen=True, slots=True)
class CustomResources:
    """What ``lattice_ingress`` runs. ``apply`` does the work; ``log`` tells people where its log is."""

    apply: Callable[[Request], Answer]
    delivery: Delivery
    log: str

    def handle(self, event: Mapping[str, Any], remaining_seconds: float) -> dict[str, str]:
        """Answer one request within ``remaining_seconds``.

        Raises UnknownEventError for what cannot be answered, and AwsError when the answer could not be delivered.
        """
        url, request = protocol.response_url(event), protocol.read(event)
        once = SingleResponse(request, lambda body: self.delivery.put(url, body, _DELIVERY_SECONDS))
        timer = threading.Timer(max(remaining_seconds - LAST_WORD_SECONDS, 0), self._out_of_time, [request, once])
        timer.daemon = True
        timer.start()
        try:
            answer = self._answer(request, remaining_seconds - LAST_WORD_SECONDS - _WORK_ENDS_EARLIER_SECONDS)
        finally:
            timer.cancel()
        given = once.answer(answer)
        return {"status": "SUCCESS" if given.is_success else "FAILED", "physicalResourceId": given.physical_id}

    def _answer(self, request: Request, seconds: float) -> Answer:
        try:
            with api_calls.within(seconds):
                answer = self.apply(request)
        except Exception as error:  # noqa: BLE001  the border of the function: everything becomes an answer
            logger.exception("The request failed", stack=request.stack_id, resource=request.logical_id)
            answer = _failed(request, f"{_why(error)} {self._log_pointer()}")
        return answer

    def _out_of_time(self, request: Request, once: "SingleResponse") -> None:
        reason = f"The work did not end within the function's time. It may be tried again. {self._log_pointer()}"
        try:
            once.answer(_failed(request, reason))
        except Exception:  # noqa: BLE001  in a thread of its own; the work may still end and answer
            logger.exception("The answer of the last moment could not be delivered", stack=request.stack_id)

    def _log_pointer(self) -> str:
        return f"Log: {self.log}."


@dataclass(slots=True)
class SingleResponse:
    """The one answer of a request: whoever comes first, the work or the timer; the other is told what was said."""

    request: Request
    deliver: Callable[[bytes], None]
    given: Answer | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, answer: Answer) -> Answer:
        with self.lock:
            if self.given is None:
                self.deliver(protocol.body(self.request, answer))
                self.given = answer
                logger.info(
                    "Answered",
                    stack=self.request.stack_id,
                    resource=self.request.logical_id,
                    request=self.request.type,
                    success=answer.is_success,
                    reason=answer.reason,
                )
            return self.given


def _failed(request: Request, reason: str) -> Answer:
    """A Delete keeps the id it came with: CloudFormation compares it."""
    return Answer(False, (request.physical_id if request.type == "Delete" else "") or request.own_id, reason=reason)


def _why(error: Exception) -> str:
    match error:
        case DeniedError():
            return (
                f"The role of the ecs-lattice function may not do this: {error}. Its policy allows {error.operation}, so "
                "look for a service control policy, a permissions boundary, or a security group of another account."
            )
        case OutOfTimeError():
            return "The work did not end within the function's time. It may be tried again."
        case AwsError():
            return f"AWS did not carry out a call: {error}."
        case EcsLatticeError():
            return str(error)
        case _:
            return f"An error that nobody foresaw: {type(error).__name__}: {error}."
