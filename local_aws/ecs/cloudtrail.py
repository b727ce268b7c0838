"""Management calls as CloudTrail sends them to EventBridge: ``AWS API Call via CloudTrail``.

Shape: ECS Developer Guide, "Log Amazon ECS API calls using AWS CloudTrail"; :mod:`local_aws.cloudtrail`.
"""

from collections.abc import Mapping
from typing import Any

from local_aws.cloudtrail import DETAIL_TYPE, detail_of, identity
from local_aws.ecs.write_guard import WriteGuard

RECORDED = frozenset({"CreateService", "UpdateService", "DeleteService", "TagResource", "UntagResource"})
_TAGGING = ("TagResource", "UntagResource")
_EVENT_SOURCE = "ecs.amazonaws.com"


def record(
    guard: WriteGuard,
    operation: str,
    parameters: Mapping[str, Any],
    answer: Mapping[str, Any],
    caller: Mapping[str, Any],
    region: str,
) -> None:
    """Publish the event of a call. ``answer`` is its JSON response, an error if it has a ``__type``."""
    error = answer.get("__type")
    failure = (str(error).rpartition("#")[2], answer.get("message") or answer.get("Message") or "") if error else None
    detail = detail_of(_EVENT_SOURCE, operation, parameters, None if error else answer, failure, caller, region)
    with guard.held():
        guard.enqueue_event("aws.ecs", DETAIL_TYPE, [], detail)
        if not error and operation in _TAGGING and ":service/" in str(parameters.get("resourceArn")):
            guard.enqueue_event(
                "aws.tag", "Tag Change on Resource", [parameters["resourceArn"]], _tag_change(parameters)
            )


def _tag_change(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A changed tag as EventBridge tells it (EventBridge User Guide, tag change events); that ECS services are among the
    resources is an assumption. The tags after the change are left out, because nobody reads them."""
    keys = [tag["key"] for tag in parameters.get("tags", ())] or list(parameters.get("tagKeys", ()))
    return {"changed-tag-keys": keys, "service": "ecs", "resource-type": "service", "tags": {}, "version": 1}


__all__ = ["RECORDED", "identity", "record"]
