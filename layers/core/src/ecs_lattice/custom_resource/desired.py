"""What each custom resource desires, in the registry: the newest request wins (decision 26)."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from ecs_lattice import api_calls, codec
from ecs_lattice.custom_resource import limits, properties
from ecs_lattice.custom_resource.properties import IngressProperties
from ecs_lattice.custom_resource.protocol import Request
from ecs_lattice.outcome import Problem
from ecs_lattice.ports import Documents, Now

_KIND = "custom-resource"  # the kind of document that holds a DesiredIngress
_DAY_SECONDS = 86400
_REMEMBERED_REQUESTS, _REMEMBERED_IDS = 50, 5
_REMEMBERED_GROUPS = 2000  # the newest first; those beyond were closed by updates long ago
_REMEMBERED_LIVE = 2
"""The present properties, and those before, to which a rollback returns."""


@dataclass(frozen=True, slots=True)
class DesiredIngress:
    """The properties of the newest request (None after a Delete), the ids of all requests, the newest last, and every group
    that was ever requested, so that a change is undone completely even where it was interrupted.

    ``live``: the last properties that were open completely, the newest last (None in what an earlier version recorded).
    ``replaced``: other physical ids for which an Update was answered with :attr:`Request.own_id`: a Delete of each follows.
    """

    properties: IngressProperties | None = None
    requests: tuple[str, ...] = ()
    group_ids: tuple[str, ...] = ()
    live: tuple[IngressProperties, ...] | None = None
    replaced: tuple[str, ...] = ()

    @property
    def once_live(self) -> tuple[IngressProperties, ...]:
        """The properties to which no limit applies."""
        recorded = (self.properties,) if self.properties else ()
        return recorded if self.live is None else self.live

    def after(self, request: Request, desired: IngressProperties | None) -> "DesiredIngress":
        """What to record once ``request`` has come, which desires ``desired``."""
        is_replaced = desired is not None and request.physical_id not in {"", request.own_id}
        replaced = (*self.replaced, request.physical_id) if is_replaced else self.replaced
        named = properties.group_ids_in(request.properties, request.old_properties)
        return DesiredIngress(
            properties=desired,
            requests=(*self.requests, request.request_id)[-_REMEMBERED_REQUESTS:],
            group_ids=tuple(dict.fromkeys((*sorted(named), *self.group_ids)))[:_REMEMBERED_GROUPS],
            live=self.once_live if desired else (),
            replaced=replaced[-_REMEMBERED_IDS:],
        )

    def opened(self) -> "DesiredIngress":
        """What to record once the properties are open."""
        others = tuple(known for known in self.once_live if known != self.properties)
        own = (self.properties,) if self.properties else ()
        return dataclasses.replace(self, live=(*others, *own)[-_REMEMBERED_LIVE:])


@dataclass(frozen=True, slots=True)
class Record:
    """The desired ingress of all custom resources, by physical id."""

    documents: Documents
    now: Now

    def read(self, physical_id: str) -> DesiredIngress:
        """What is recorded of a resource."""
        return _parse(self.documents.document(_KIND, physical_id))

    def add(
        self,
        request: Request,
        desired: IngressProperties | None,
        required: Callable[[], IngressProperties] = IngressProperties,
    ) -> tuple[Problem, ...]:
        """Record what the request desires, unless it exceeds limits: these. A request that was recorded before, and may be
        superseded, is not recorded again. ``required``: what is open for a resource whose record was lost."""
        # A deleted resource is remembered for as long as an old request may still be repeated.
        expires_at = None if desired else self.now() + _DAY_SECONDS
        while True:
            text = self.documents.document(_KIND, request.own_id)
            before = _parse(text)
            if text is None and request.type == "Update":
                before = DesiredIngress(live=(required(),))
            if request.request_id in before.requests:
                return ()
            if desired and (exceeded := tuple(limits.exceeded(desired, before.once_live))):
                return exceeded
            after = codec.dumps(before.after(request, desired))
            if self.documents.replace_document(_KIND, request.own_id, text, after, expires_at=expires_at):
                return ()
            api_calls.check_time()  # another request was recorded in between

    def set_live(self, request: Request) -> None:
        """Record that what the request desires is open; nothing if a newer one was recorded, also in this moment."""
        text = self.documents.document(_KIND, request.own_id)
        recorded = _parse(text)
        after = codec.dumps(recorded.opened())
        if recorded.properties and recorded.requests[-1] == request.request_id and after != text:
            self.documents.replace_document(_KIND, request.own_id, text, after)


def _parse(text: str | None) -> DesiredIngress:
    return codec.loads(DesiredIngress, text) if text else DesiredIngress()
