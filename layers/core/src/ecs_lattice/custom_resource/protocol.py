"""CloudFormation's side of a custom resource: what it asks, and the bytes that answer it.

Source of the members and limits: AWS CloudFormation User Guide and Template Reference, "Custom resource request objects"
and "Custom resource response objects".
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from ecs_lattice.errors import UnknownEventError

REQUEST_TYPES = ("Create", "Update", "Delete")
ANSWER_BYTES = 4096
"""The whole body; with a longer one CloudFormation fails the resource without saying why."""
_CUT = "…"


@dataclass(frozen=True, slots=True)
class Request:
    """What CloudFormation asks. ``type`` is as given, so that an unknown one can be refused by name.

    ``stack_id`` and ``request_id`` together identify the request: an invocation that Lambda repeats has the same ones.
    ``physical_id`` is empty on Create. ``old_properties`` are there on Update alone.
    """

    type: str
    request_id: str
    stack_id: str
    logical_id: str
    resource_type: str
    physical_id: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)
    old_properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def own_id(self) -> str:
        """The physical id of this resource: the same for each request of its life, so that no update ever replaces it,
        and also where a Create failed, so that the Delete that follows finds what was half made."""
        digest = hashlib.sha256(f"{self.stack_id}/{self.logical_id}".encode("utf-8", "replace")).hexdigest()
        return f"ecs-lattice-ingress-{digest[:16]}"

    @property
    def stack_name(self) -> str:
        """The stack's name, from its ARN; for people."""
        return self.stack_id.partition(":stack/")[2].partition("/")[0] or self.stack_id


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered. ``reason`` is shown to people when ``is_success`` is false; ``data`` is what Fn::GetAtt gives."""

    is_success: bool
    physical_id: str
    reason: str = ""
    data: Mapping[str, str] = field(default_factory=dict)


def response_url(event: Mapping[str, Any]) -> str:
    """Where the answer goes. Raises UnknownEventError for what is no request: it cannot be answered."""
    url = event.get("ResponseURL")
    if not isinstance(url, str) or not url:
        raise UnknownEventError(
            "lattice_ingress takes custom-resource requests of CloudFormation, which have a ResponseURL; "
            f"it got an object with {sorted(event)}."
        )
    return url


def read(event: Mapping[str, Any]) -> Request:
    """The request in ``event``; what is missing is empty, so that even a mangled one gets an answer."""

    def text(name: str) -> str:
        return str(event.get(name) or "")

    def members(name: str) -> Mapping[str, Any]:
        value = event.get(name)
        return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}

    return Request(
        type=text("RequestType"),
        request_id=text("RequestId"),
        stack_id=text("StackId"),
        logical_id=text("LogicalResourceId"),
        resource_type=text("ResourceType"),
        physical_id=text("PhysicalResourceId"),
        properties=members("ResourceProperties"),
        old_properties=members("OldResourceProperties"),
    )


def body(request: Request, answer: Answer) -> bytes:
    """The answer's bytes, never more than :data:`ANSWER_BYTES`.

    What is too long is cut the same way each time: first the lists of ids in ``data``, from their ends and by whole ids,
    the longest first; then the reason, at a character's border, with a mark that something is missing.
    """
    data, reason = dict(answer.data), answer.reason
    while _size(request, answer, "", data) > ANSWER_BYTES and any("," in value for value in data.values()):
        longest = max(sorted(data), key=lambda name: len(data[name]) if "," in data[name] else -1)
        data[longest] = data[longest].rpartition(",")[0]
    if _size(request, answer, "", data) > ANSWER_BYTES:
        data = {}
    if _size(request, answer, reason, data) > ANSWER_BYTES:
        reason = _cut(reason, lambda shorter: _size(request, answer, shorter, data) <= ANSWER_BYTES)
    return _encoded(request, answer, reason, data)


def _cut(text: str, fits: Callable[[str], bool]) -> str:
    """The longest beginning of ``text`` that fits together with the mark."""
    fitting, too_long = 0, len(text)
    while too_long - fitting > 1:
        middle = (fitting + too_long) // 2
        fitting, too_long = (middle, too_long) if fits(text[:middle] + _CUT) else (fitting, middle)
    return text[:fitting] + _CUT


def _size(request: Request, answer: Answer, reason: str, data: Mapping[str, str]) -> int:
    return len(_encoded(request, answer, reason, data))


def _encoded(request: Request, answer: Answer, reason: str, data: Mapping[str, str]) -> bytes:
    members: dict[str, Any] = {
        "Status": "SUCCESS" if answer.is_success else "FAILED",
        "RequestId": request.request_id,
        "StackId": request.stack_id,
        "LogicalResourceId": request.logical_id,
        "PhysicalResourceId": answer.physical_id,
    }
    if reason or not answer.is_success:
        members["Reason"] = reason
    if data:
        members["Data"] = dict(data)
    # Characters beyond ASCII cost two to four bytes as they are, but six or twelve as escapes.
    return json.dumps(members, ensure_ascii=False).encode("utf-8", "replace")
