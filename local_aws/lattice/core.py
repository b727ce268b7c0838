"""The base of all groups of operations: state, lookup, tokens, time, pages."""

import base64
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, TypeVar

from moto.vpclattice.models import VPCLatticeBackend

from local_aws.clock import Timer
from local_aws.ec2 import reach
from local_aws.lattice import errors, ids
from local_aws.lattice.faults import Call, Faults
from local_aws.lattice.quotas import CODES, UNPUBLISHED, Quotas, Timing
from local_aws.lattice.state import (
    AccessLogSubscription,
    Listener,
    Policy,
    Resource,
    Rule,
    Service,
    ServiceAssociation,
    ServiceNetwork,
    TargetGroup,
    View,
    VpcAssociation,
)
from local_aws.services import clock

Params = Mapping[str, Any]
R = TypeVar("R", bound=Resource)

DEFAULT_PAGE = 100
"""Page size without maxResults (assumption: the service model gives the limits 1 and 100 only)."""


class LatticeState(VPCLatticeBackend):
    """moto's backend with its resources replaced; resource policies and resource associations remain moto's."""

    SERVICE_NAMESPACE: ClassVar[str] = "vpc-lattice"

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.lock = threading.RLock()
        self.quotas = Quotas()
        self.timing = Timing()
        self.faults = Faults()
        self.calls: list[Call] = []
        """All calls since the start, oldest first."""
        self.after_write: list[Callable[[Call], None]] = []
        """Called after each write operation, before its response."""
        self.reaches: Callable[[str, int], bool] = partial(reach.allows_lattice, account_id, region_name)
        """Whether the target's security groups allow VPC Lattice on (ip, port)."""
        self.health_check_allowed = self.reaches
        """The same for health checks only."""
        self.service_networks: dict[str, ServiceNetwork] = {}  # type: ignore[assignment]
        self.services: dict[str, Service] = {}  # type: ignore[assignment]
        self.listeners: dict[str, Listener] = {}  # type: ignore[assignment]
        self.rules: dict[str, Rule] = {}  # type: ignore[assignment]
        self.target_groups: dict[str, TargetGroup] = {}  # type: ignore[assignment]
        self.service_network_service_associations: dict[str, ServiceAssociation] = {}  # type: ignore[assignment]
        self.service_network_vpc_associations: dict[str, VpcAssociation] = {}  # type: ignore[assignment]
        self.vpc_endpoint_associations: dict[str, list[View]] = {}
        """By the id of a service network, its VPC endpoints: nothing here creates one, tests add them (assumption: what the list
        shows of one that is being created or deleted is not published)."""
        self.access_log_subscriptions: dict[str, AccessLogSubscription] = {}  # type: ignore[assignment]
        self.auth_policies: dict[str, Policy] = {}  # type: ignore[assignment]
        self._tokens: dict[tuple[str, str], tuple[str, Resource]] = {}
        self._removed: list[tuple[float, Resource]] = []

    # ---- lookup by id or ARN

    def find(self, among: Mapping[str, R], identifier: str, kind: str) -> R:
        """The resource with this id or ARN; ResourceNotFoundException if there is none (an ARN must match completely)."""
        found = among.get(ids.tail(identifier))
        if found is None or (identifier.startswith("arn:") and found.arn != identifier):
            raise errors.not_found(identifier, kind)
        return found

    def network(self, params: Params) -> ServiceNetwork:
        return self.find(self.service_networks, params["serviceNetworkIdentifier"], ServiceNetwork.kind)

    def service(self, params: Params) -> Service:
        return self.find(self.services, params["serviceIdentifier"], Service.kind)

    def listener(self, params: Params) -> Listener:
        service = self.service(params)
        found = self.find(self.listeners, params["listenerIdentifier"], Listener.kind)
        if found.service is not service:
            raise errors.not_found(params["listenerIdentifier"], Listener.kind)
        return found

    def target_group(self, params: Params) -> TargetGroup:
        return self.find(self.target_groups, params["targetGroupIdentifier"], TargetGroup.kind)

    def live(self, resource: R) -> R:
        """The resource, unless it is being deleted: then a ConflictException."""
        if resource.going:
            message = f"{resource.kind} {resource.id} is in status {resource.status}"
            raise errors.conflict(message, resource.id, resource.kind)
        return resource

    # ---- creation and deletion

    def base(self, prefix: str, path: str, params: Params) -> dict[str, Any]:
        """The initial attributes of a resource: id, ARN, times, tags."""
        new_id, now = ids.new(prefix), clock().now()
        return {
            "id": new_id,
            "arn": ids.arn(self.region_name, self.account_id, f"{path}/{new_id}"),
            "created_at": now,
            "updated_at": now,
            "tags": dict(params.get("tags", {})),
        }

    def once(self, operation: str, params: Params, make: Callable[[], R]) -> R:
        """The resource that ``make`` creates, or has created, for this client token.

        The same token with the same parameters returns the same resource, with others it is a ConflictException (API
        reference, clientToken). A token of a deleted resource is rejected (assumption), and tokens never expire
        (assumption: their lifetime is not published).
        """
        token = params.get("clientToken")
        if token is None:
            return make()
        print_ = json.dumps({name: value for name, value in params.items() if name != "clientToken"}, sort_keys=True)
        if (operation, token) not in self._tokens:
            made = make()
            self._tokens[operation, token] = (print_, made)
            return made
        before, made_before = self._tokens[operation, token]
        if before != print_:
            message = f"The client token {token} was used with other parameters"
            raise errors.conflict(message, made_before.id, made_before.kind)
        if made_before.gone or made_before.going:
            message = f"The client token {token} belongs to {made_before.id}, which was deleted"
            raise errors.invalid(message, ("clientToken", message))
        return made_before  # type: ignore[return-value]

    def name_is_free(self, among: Iterable[Any], name: str) -> None:
        """Raise ConflictException with the id of the resource that has the name (assumption: the id)."""
        for other in among:
            if other.name == name:
                message = f"{other.kind} with name {name} already exists"
                raise errors.conflict(message, other.id, other.kind)

    def within(self, quota: str, count: int, kind: str, resource_id: str | None = None) -> None:
        """Raise ServiceQuotaExceededException if there are more than the quota allows."""
        limit = getattr(self.quotas, quota)
        if count > limit:
            code = CODES.get(quota, UNPUBLISHED)
            raise errors.over_quota(quota.replace("_", " "), limit, code, kind, resource_id)

    def later(self, seconds: float, action: Callable[[], None]) -> Timer | None:
        """Run ``action`` with the lock held, ``seconds`` of the local AWS's time from now (immediately if 0)."""

        def locked() -> None:
            with self.lock:
                action()

        if seconds <= 0:
            action()
            return None
        return clock().call_later(seconds, locked)

    def begin(self, resource: Resource) -> None:
        """Start an asynchronous creation."""
        resource.status = "CREATE_IN_PROGRESS"
        seconds = self.timing.associate if "ASSOCIATION" in resource.kind else self.timing.create

        def settle() -> None:
            if resource.status == "CREATE_IN_PROGRESS":
                resource.status = "ACTIVE"

        self.later(seconds, settle)

    def end(self, resource: Resource, remove: Callable[[], None]) -> None:
        """Start an asynchronous deletion; another deletion meanwhile changes nothing."""
        if resource.status == "DELETE_IN_PROGRESS":
            return
        resource.status = "DELETE_IN_PROGRESS"
        seconds = self.timing.disassociate if "ASSOCIATION" in resource.kind else self.timing.delete

        def gone() -> None:
            remove()
            self.forget(resource)

        self.later(seconds, gone)

    def forget(self, resource: Resource) -> None:
        """Keep a removed resource for lagging lists only."""
        resource.gone = True
        self._removed.append((clock().time(), resource))

    # ---- lists

    def listed(self, among: Mapping[str, R], of: type[R]) -> list[R]:
        """The resources as lists show them, possibly with a lag (``faults.list_lag``)."""
        if not self.faults.list_lag:
            return list(among.values())
        since = clock().time() - self.faults.list_lag
        gone = [resource for when, resource in self._removed if when > since and isinstance(resource, of)]
        return [resource for resource in (*among.values(), *gone) if resource.created_at.timestamp() <= since]

    def page(self, views: Iterable[View], params: Params) -> View:
        """One page of a list. The token names the last item shown, so that pages stay correct while items change."""
        items = list(views)
        start = 0
        if token := params.get("nextToken"):
            start = _position(items, token)
        size = params.get("maxResults", DEFAULT_PAGE)
        shown = items[start : start + size]
        answer: View = {"items": shown}
        if start + size < len(items):
            last = json.dumps([start + size, _key(shown[-1])])
            answer["nextToken"] = base64.urlsafe_b64encode(last.encode()).decode()
        return answer

    def routing_changed(self) -> None:
        """Update the data plane and the health checks after a change of rules, default actions or targets."""
        raise NotImplementedError

    def touch(self, resource: Resource) -> None:
        resource.updated_at = _now()


def _now() -> datetime:
    return clock().now()


def _key(item: View) -> str:
    return f"{item.get('arn') or item['id']}|{item.get('port', '')}"


def _position(items: list[View], token: str) -> int:
    """Where the next page starts: after the last item shown, or at its former position if it was removed."""
    try:
        place, last = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, TypeError) as error:
        raise errors.invalid("The nextToken is not valid", ("nextToken", "is not valid")) from error
    after = [index + 1 for index, item in enumerate(items) if _key(item) == last]
    return after[0] if after else max(place - 1, 0)
