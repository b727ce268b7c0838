"""The protocol of custom resources (decision 25): CloudFormation's request, and the bytes of the response.

Source of the members and limits: AWS CloudFormation User Guide and Template Reference, "Custom resource request
objects" and "Custom resource response objects".
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from ecs_lattice.errors import UnknownEventError

REQUEST_TYPES = ("Create", "Update", "Delete")
RESPONSE_BYTES = 4096
"""The maximum size of the body; CloudFormation fails the resource without a reason when it is exceeded."""
_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Request:
    """A request of CloudFormation. ``type`` is as given, so that an unknown type can be named in the response.

    ``stack_id`` and ``request_id`` together identify the request: a repeated invocation of Lambda has the same ones.
    ``physical_id`` is empty on Create; only Update has ``old_properties``.
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
        """The physical ID of this resource: the same in every request, so that no update ever replaces it, and that the Delete
        after a failed Create finds what was created."""
        digest = hashlib.sha256(f"{self.stack_id}/{self.logical_id}".encode("utf-8", "replace")).hexdigest()
        return f"ecs-lattice-ingress-{digest[:16]}"

    @property
    def stack_name(self) -> str:
        """The stack's name, from its ARN; for messages."""
        return self.stack_id.partition(":stack/")[2].partition("/")[0] or self.stack_id


@dataclass(frozen=True, slots=True)
class Response:
    """The response. ``reason`` is shown to people when ``is_success`` is false; ``data`` are the values of Fn::GetAtt."""

    is_success: bool
    physical_id: str
    reason: str = ""
    data: Mapping[str, str] = field(default_factory=dict)


def response_url(event: Mapping[str, Any]) -> str:
    """The URL for the response. Raises UnknownEventError for an event that is not a request: it cannot be answered."""
    url = event.get("ResponseURL")
    if not isinstance(url, str) or not url:
        raise UnknownEventError(
            "lattice_ingress takes custom resource requests of CloudFormation, which have a ResponseURL; "
            f"it received an object with {sorted(event)}."
        )
    return url


def read(event: Mapping[str, Any]) -> Request:
    """The request in ``event``; missing members are empty, so that even an incomplete request gets a response."""

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


def body(request: Request, response: Response) -> bytes:
    """The bytes of the response, at most :data:`RESPONSE_BYTES`.

    A response that is too long is always shortened in the same way: first the lists of IDs in ``data``, from the end and by
    whole IDs, the longest first; then the reason, between two characters, with an ellipsis.
    """
    data, reason = dict(response.data), response.reason

    def fits(text: str) -> bool:
        return len(_encoded(request, response, text, data)) <= RESPONSE_BYTES

    while not fits("") and any("," in value for value in data.values()):
        longest = max(sorted(data), key=lambda name: len(data[name]) if "," in data[name] else -1)
        data[longest] = data[longest].rpartition(",")[0]
    if not fits(""):
        data.clear()
    return _encoded(request, response, reason if fits(reason) else _cut(reason, fits), data)


def _cut(text: str, fits: Callable[[str], bool]) -> str:
    """The longest beginning of ``text`` that fits together with the ellipsis."""
    fitting, too_long = 0, len(text)
    while too_long - fitting > 1:
        middle = (fitting + too_long) // 2
        fitting, too_long = (middle, too_long) if fits(text[:middle] + _ELLIPSIS) else (fitting, middle)
    return text[:fitting] + _ELLIPSIS


def _encoded(request: Request, response: Response, reason: str, data: Mapping[str, str]) -> bytes:
    members: dict[str, Any] = {
        "Status": "SUCCESS" if response.is_success else "FAILED",
        "RequestId": request.request_id,
        "StackId": request.stack_id,
        "LogicalResourceId": request.logical_id,
        "PhysicalResourceId": response.physical_id,
    }
    if reason or not response.is_success:
        members["Reason"] = reason
    if data:
        members["Data"] = dict(data)
    # Characters beyond ASCII take two to four bytes as they are, but six or twelve as escapes.
    return json.dumps(members, ensure_ascii=False).encode("utf-8", "replace")
