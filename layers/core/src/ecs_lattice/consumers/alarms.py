"""The consumer of the ``alarm`` function: its messages in any envelope, each responded to by itself.

A message of its queue that fails is delivered again; one that no retry can fix goes to the dead-letter queue with its
reason. One that anybody may have sent, and that is about nothing of this stack, is logged and dropped.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecs_lattice import api_calls
from ecs_lattice.consumers.retry import Retry
from ecs_lattice.diagnosis.respond import Responder
from ecs_lattice.errors import BusyError, ForeignEventError, UnknownEventError
from ecs_lattice.messages.alarms import AlarmEvent, parse_event
from ecs_lattice.messages.recognise import parse_body
from ecs_lattice.ports import DeadLetters, Now, Visibility
from ecs_lattice.telemetry import logger

_SHUTDOWN_MARGIN_SECONDS = 5
_FIRST_RETRY_SECONDS, _LAST_RETRY_SECONDS = 15, 240


@dataclass(frozen=True, slots=True)
class AlarmConsumer:
    """Parses messages and has them responded to."""

    responder: Responder
    dead_letters: DeadLetters
    visibility: Visibility
    now: Now

    def work(self, event: Mapping[str, Any], remaining_seconds: float) -> dict[str, Any]:
        """Handle a batch of SQS (the answer names the messages that failed), a batch of SNS, or a single message (the answer
        says why one was ignored)."""
        records = event.get("Records")
        with api_calls.within(remaining_seconds - _SHUTDOWN_MARGIN_SECONDS):
            if isinstance(records, list) and not all("Sns" in record for record in records):
                return self._batch(records)
            messages = (
                [parse_body(record["Sns"]["Message"]) for record in records] if isinstance(records, list) else [event]
            )
            # All are parsed before the first is responded to: an unknown one fails the invocation as a whole.
            ignored = list(
                filter(None, [self._ignored(alarm_event) for alarm_event in list(map(parse_event, messages))])
            )
        return {"batchItemFailures": [], **({"ignored": ignored} if ignored else {})}

    def _batch(self, records: list[Mapping[str, Any]]) -> dict[str, Any]:
        failed = [record["messageId"] for record in records if not self._handle(record)]
        return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}

    def _ignored(self, alarm_event: AlarmEvent) -> str:
        """Respond to the event; the reason if it is ignored."""
        try:
            self.responder.respond(alarm_event)
        except ForeignEventError as error:
            logger.warning("An event was ignored", reason=str(error))
            return str(error)
        return ""

    def _handle(self, record: Mapping[str, Any]) -> bool:
        try:
            self._respond(str(record["body"]))
        except BusyError as error:
            logger.info("The message will be delivered again", reason=str(error))
        except Exception:  # noqa: BLE001  the border of the function: logged once here, and SQS delivers it again
            logger.exception("Unexpected error; the message will be delivered again", body=record.get("body"))
        else:
            return True
        Retry(self.visibility, _FIRST_RETRY_SECONDS, _LAST_RETRY_SECONDS).later(record)
        return False

    def _respond(self, body: str) -> None:
        try:
            alarm_event = parse_event(parse_body(body))
            logger.info("Received", event=type(alarm_event).__name__)
            self.responder.respond(alarm_event)
        except ForeignEventError as error:
            logger.warning("An event was ignored", reason=str(error))
        except UnknownEventError as error:
            logger.error("An event was rejected and moved to the dead-letter queue", reason=str(error))
            self.dead_letters.put(body, str(error), self.now())


def _parsed(event: Mapping[str, Any]) -> list[AlarmEvent]:
    """The messages of a batch of SNS, or a single one."""
    if "Records" not in event:
        return [parse_event(event)]
    return [parse_event(parse_body(record["Sns"]["Message"])) for record in event["Records"]]
