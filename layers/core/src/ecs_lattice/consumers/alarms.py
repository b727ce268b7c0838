"""The consumer of the ``alarm`` function: signals in whichever envelope they come, one after the other.

From its queue a message that fails is delivered again, sooner than the queue's visibility timeout would have it; one that
no retry can mend goes to the dead-letter queue with its reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecs_lattice import deadline
from ecs_lattice.consumers.ecs_events import DeadLetters
from ecs_lattice.consumers.reconciles import Visibility
from ecs_lattice.diagnosis.respond import Responder
from ecs_lattice.errors import BusyError, UnknownEventError
from ecs_lattice.messages import alarms
from ecs_lattice.ports import Now
from ecs_lattice.telemetry import logger

_SHUTDOWN_MARGIN_SECONDS = 5
_FIRST_RETRY_SECONDS, _LAST_RETRY_SECONDS = 15, 240


@dataclass(frozen=True, slots=True)
class AlarmConsumer:
    """Hears signals and lets them be answered."""

    responder: Responder
    dead_letters: DeadLetters
    visibility: Visibility
    now: Now

    def work(self, event: Mapping[str, Any], remaining_seconds: float) -> dict[str, Any]:
        """Handle a batch of SQS (the answer names the messages that failed), a batch of SNS, or one event by itself."""
        records = event.get("Records")
        with deadline.within(remaining_seconds - _SHUTDOWN_MARGIN_SECONDS):
            if not isinstance(records, list):
                self.responder.respond(alarms.parse_event(event))
            elif all("Sns" in record for record in records):
                # All are heard before the first is answered: one that says nothing fails the invocation as a whole.
                for signal in [alarms.parse_event(alarms.parse(record["Sns"]["Message"])) for record in records]:
                    self.responder.respond(signal)
            else:
                failed = [record["messageId"] for record in records if not self._handle(record)]
                return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}
        return {"batchItemFailures": []}

    def _handle(self, record: Mapping[str, Any]) -> bool:
        try:
            self._answer(str(record["body"]))
        except BusyError as error:
            logger.info("The message will be delivered again", reason=str(error))
        except Exception:  # noqa: BLE001  the border of the function: logged once here, and SQS gives the message again
            logger.exception("The signal was not answered; it will be delivered again", body=record.get("body"))
        else:
            return True
        self._retry(record)
        return False

    def _answer(self, body: str) -> None:
        try:
            signal = alarms.parse_event(alarms.parse(body))
            logger.info("Heard", signal=type(signal).__name__)
            self.responder.respond(signal)
        except UnknownEventError as error:
            logger.error("A signal was refused and put into the dead-letter queue", reason=str(error))
            self.dead_letters.put(body, str(error), self.now())

    def _retry(self, record: Mapping[str, Any]) -> None:
        received = int(record.get("attributes", {}).get("ApproximateReceiveCount", "1"))
        seconds = min(_FIRST_RETRY_SECONDS * 2 ** (received - 1), _LAST_RETRY_SECONDS)
        try:
            self.visibility.retry_in(record["receiptHandle"], seconds)
        except Exception:  # noqa: BLE001  only sooner or later; without it the queue's own visibility timeout applies
            logger.exception("The message's visibility could not be changed")
