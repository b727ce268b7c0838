"""Rule actions and matches: what VPC Lattice accepts, and how it shows them."""

from collections.abc import Iterable, Iterator
from typing import Any

from local_aws.lattice import errors, ids
from local_aws.lattice.core import LatticeState
from local_aws.lattice.state import Listener, Service, TargetGroup, View

FIXED_STATUSES = (404, 500)
"""The allowed status codes of a fixed response (service model, FixedResponseAction)."""


def group_ids(action: View) -> list[str]:
    """The target groups of an action, whatever their weights."""
    return [group["targetGroupIdentifier"] for group in action.get("forward", {}).get("targetGroups", ())]


class ActionChecks(LatticeState):
    """Validates actions and matches, and knows which services use which target groups."""

    def actions(self) -> Iterator[tuple[Service, View]]:
        """Every action with its service: first those of default rules, then those of other rules."""
        for listener in self.listeners.values():
            yield listener.service, listener.default.action
        for rule in self.rules.values():
            yield self.listeners[rule.listener_id].service, rule.action

    def users(self) -> dict[str, list[Service]]:
        """The services that use a target group in a rule or default action, by the group's id: at most one."""
        found: dict[str, list[Service]] = {}
        for service, action in self.actions():
            for group in group_ids(action):
                services = found.setdefault(group, [])
                if service not in services:
                    services.append(service)
        return found

    def checked_action(self, action: View, service: Service, protocol: str) -> View:
        """The action with target group ids and default weights; raises if the listener does not allow it."""
        if "fixedResponse" in action:
            return self._checked_fixed(action["fixedResponse"], protocol)
        wanted = action["forward"]["targetGroups"]
        if len(wanted) > 1 and any("weight" not in forwarded for forwarded in wanted):
            message = "a weight is required for each of several target groups"
            raise errors.invalid(message, ("action.forward.targetGroups", message))
        named = [ids.tail(forwarded["targetGroupIdentifier"]) for forwarded in wanted]
        if len(set(named)) < len(named):
            message = "a target group is named twice"
            raise errors.invalid(message, ("action.forward.targetGroups", message))
        groups = [
            self.find(self.target_groups, forwarded["targetGroupIdentifier"], TargetGroup.kind) for forwarded in wanted
        ]
        for group in groups:
            self.live(group)
            self._fits(group, protocol)
            self._used_by_no_other(group, service)
        return {
            "forward": {
                "targetGroups": [
                    {"targetGroupIdentifier": group.id, "weight": forwarded.get("weight", 100)}
                    for group, forwarded in zip(groups, wanted, strict=True)
                ]
            }
        }

    def _checked_fixed(self, fixed: View, protocol: str) -> View:
        if protocol == "TLS_PASSTHROUGH":
            message = "the default action of a TLS_PASSTHROUGH listener must forward to a target group"
            raise errors.invalid(message, ("defaultAction", message))
        if fixed["statusCode"] not in FIXED_STATUSES:
            message = f"only the status codes 404 and 500 are supported, not {fixed['statusCode']}"
            raise errors.invalid(message, ("action.fixedResponse.statusCode", message))
        return {"fixedResponse": dict(fixed)}

    def _fits(self, group: TargetGroup, protocol: str) -> None:
        """The target groups that a listener protocol allows (User Guide: HTTP, HTTPS and TLS listeners)."""
        tcp = group.config.get("protocol") == "TCP"
        version = group.config.get("protocolVersion", "HTTP1")
        message = None
        if protocol == "TLS_PASSTHROUGH" and not tcp:
            message = (
                f"a TLS_PASSTHROUGH listener needs a TCP target group; {group.id} is {group.config.get('protocol')}"
            )
        elif protocol != "TLS_PASSTHROUGH" and tcp:
            message = f"an {protocol} listener cannot forward to the TCP target group {group.id}"
        elif protocol == "HTTP" and version in {"HTTP2", "GRPC"}:
            message = f"an HTTP listener cannot forward to {group.id} of protocol version {version}; use HTTPS"
        if message:
            raise errors.invalid(message, ("targetGroupIdentifier", message))

    def _used_by_no_other(self, group: TargetGroup, service: Service) -> None:
        """A target group belongs to one service (API reference, CreateTargetGroup)."""
        for other in self.users().get(group.id, ()):
            if other is not service:
                message = f"Target group {group.id} is used by service {other.id}"
                raise errors.conflict(message, group.id, group.kind)

    def group_quota_holds(self, service: Service, *more: View, instead_of: Iterable[View] = ()) -> None:
        """Raise if ``more`` actions, in place of the given others, exceed the service's quota of target groups."""
        replaced = [id(action) for action in instead_of]
        kept = [action for of, action in self.actions() if of is service and id(action) not in replaced]
        groups = {group for action in (*kept, *more) for group in group_ids(action)}
        self.within("target_groups_per_service", len(groups), TargetGroup.kind, service.id)

    def checked_match(self, match: View) -> View:
        """The match as GetRule returns it, with ``headerMatches`` even if none was given (as clients have observed).

        An empty httpMatch is rejected (assumption: not published).
        """
        http: dict[str, Any] = match["httpMatch"]
        if not http.get("method") and not http.get("pathMatch") and not http.get("headerMatches"):
            message = "httpMatch must name a method, a path or a header"
            raise errors.invalid(message, ("match.httpMatch", message))
        checked: View = {"headerMatches": []}
        if http.get("method"):
            checked["method"] = http["method"]
        if path := http.get("pathMatch"):
            checked["pathMatch"] = {"match": path["match"], "caseSensitive": path.get("caseSensitive", True)}
        checked["headerMatches"] = [
            {"name": header["name"], "match": header["match"], "caseSensitive": header.get("caseSensitive", False)}
            for header in http.get("headerMatches", ())
        ]
        return {"httpMatch": checked}

    def refuse_rules(self, listener: Listener) -> None:
        """A TLS_PASSTHROUGH listener has only its default rule (User Guide, TLS listeners)."""
        if listener.protocol == "TLS_PASSTHROUGH":
            message = "a TLS_PASSTHROUGH listener cannot have rules beside its default action"
            raise errors.invalid(message, ("listenerIdentifier", message))
