"""Lambda's event for SQS messages, and the function's response to it.

Shapes: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS" and "Handling errors for an SQS event source".
"""

import base64
import json
from collections.abc import Sequence
from typing import Any

from moto.events.models import EventPattern
from moto.sqs.models import Message


def event_of(messages: Sequence[Message], queue_arn: str, region: str) -> dict[str, Any]:
    """The function's event for a batch."""
    return {"Records": [_record(message, queue_arn, region) for message in messages]}


def failed_ids(answer: bytes, message_ids: Sequence[str]) -> set[str]:
    """The ids of the messages that the function reports as failed (ReportBatchItemFailures).

    All of them if the response is invalid: bad JSON, an id that is empty, null or not in the batch, another key.
    None if the response is empty or null.
    """
    try:
        parsed = json.loads(answer or b"null")
        failures = (parsed or {}).get("batchItemFailures") or []
        failed = {failure["itemIdentifier"] for failure in failures}
    except (ValueError, TypeError, KeyError, AttributeError):
        return set(message_ids)
    return failed if failed.issubset(message_ids) else set(message_ids)


def is_wanted(message: Message, criteria: dict[str, Any] | None) -> bool:
    """Whether a message matches the mapping's FilterCriteria; others are deleted without an invocation."""
    patterns = [filter_["Pattern"] for filter_ in (criteria or {}).get("Filters", ()) if "Pattern" in filter_]
    if not patterns:
        return True
    try:
        body = json.loads(message.body)
    except ValueError:
        body = message.body
    return any(EventPattern.load(pattern).matches_event({"body": body}) for pattern in patterns)  # type: ignore[typeddict-item]


def _record(message: Message, queue_arn: str, region: str) -> dict[str, Any]:
    attributes = {
        "ApproximateReceiveCount": str(message.approximate_receive_count),
        "SentTimestamp": str(message.sent_timestamp),
        "SenderId": message.sender_id,
        "ApproximateFirstReceiveTimestamp": str(message.approximate_first_receive_timestamp),
        "SequenceNumber": message.sequence_number,
        "MessageGroupId": message.group_id,
        "MessageDeduplicationId": message.deduplication_id,
    }
    return {
        "messageId": message.id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": {name: value for name, value in attributes.items() if value is not None},
        "messageAttributes": {name: _attribute(value) for name, value in message.message_attributes.items()},
        "md5OfBody": message.body_md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": region,
    }


def _attribute(value: dict[str, Any]) -> dict[str, Any]:
    attribute: dict[str, Any] = {"stringListValues": [], "binaryListValues": [], "dataType": value.get("DataType")}
    if value.get("StringValue") is not None:
        attribute["stringValue"] = value["StringValue"]
    binary = value.get("BinaryValue")
    if binary is not None:
        attribute["binaryValue"] = base64.b64encode(binary).decode() if isinstance(binary, bytes) else binary
    return attribute
