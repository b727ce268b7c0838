"""Listeners and their rules."""

from collections.abc import Sequence

from local_aws.lattice import errors, ids
from local_aws.lattice.actions import ActionChecks
from local_aws.lattice.core import Params
from local_aws.lattice.state import Listener, Rule, Service, View

DEFAULT_PORTS = {"HTTP": 80, "HTTPS": 443, "TLS_PASSTHROUGH": 443}
"""Service model, CreateListener; 443 for TLS_PASSTHROUGH is an assumption."""


class ListenerOperations(ActionChecks):
    """Create, read, update, delete and list listeners with their default rules."""

    def op_create_listener(self, params: Params) -> View:
        return self.once("CreateListener", params, lambda: self._new_listener(params)).view()

    def _new_listener(self, params: Params) -> Listener:
        service, protocol = self.live(self.service(params)), params["protocol"]
        siblings = [listener for listener in self.listeners.values() if listener.service is service]
        self.name_is_free(siblings, params["name"])
        port = params.get("port", DEFAULT_PORTS[protocol])
        self._port_is_free(siblings, port)
        self.within("listeners_per_service", len(siblings) + 1, Listener.kind, service.id)
        self._domain_suffices(service, protocol)
        action = self.checked_action(params["defaultAction"], service, protocol)
        self.group_quota_holds(service, action)
        base = self.base("listener", f"service/{service.id}/listener", params)
        listener = Listener(
            **base,
            service=service,
            name=params["name"],
            protocol=protocol,
            port=port,
            default=self._default_rule(base["id"], base["arn"], action),
        )
        self.listeners[listener.id] = listener
        self.routing_changed()
        return listener

    def _default_rule(self, listener_id: str, listener_arn: str, action: View) -> Rule:
        base = self.base("rule", "rule", {})
        base["arn"] = f"{listener_arn}/rule/{base['id']}"
        return Rule(**base, listener_id=listener_id, name="default", action=action)

    def _port_is_free(self, siblings: Sequence[Listener], port: int) -> None:
        """Two listeners of a service cannot share a port (assumption: not published)."""
        for other in siblings:
            if other.port == port:
                message = f"Listener {other.id} of the service uses port {port}"
                raise errors.conflict(message, other.id, other.kind)

    def _domain_suffices(self, service: Service, protocol: str) -> None:
        """A TLS_PASSTHROUGH listener identifies its service by the custom domain name (User Guide, TLS listeners)."""
        if protocol == "TLS_PASSTHROUGH" and not service.custom_domain:
            message = "a TLS_PASSTHROUGH listener needs a service with a custom domain name"
            raise errors.invalid(message, ("protocol", message))

    def op_get_listener(self, params: Params) -> View:
        return self.listener(params).view()

    def op_update_listener(self, params: Params) -> View:
        """Only the default action can change (service model)."""
        listener = self.listener(params)
        self.live(listener.service)
        action = self.checked_action(params["defaultAction"], listener.service, listener.protocol)
        self.group_quota_holds(listener.service, action, instead_of=[listener.default.action])
        listener.default.action = action
        self.touch(listener)
        self.routing_changed()
        return listener.view()

    def op_delete_listener(self, params: Params) -> View:
        listener = self.listener(params)
        for rule in [known for known in self.rules.values() if known.listener_id == listener.id]:
            del self.rules[rule.id]
            self.forget(rule)
        del self.listeners[listener.id]
        self.forget(listener)
        self.routing_changed()
        return {}

    def op_list_listeners(self, params: Params) -> View:
        service = self.service(params)
        found = [listener for listener in self.listed(self.listeners, Listener) if listener.service is service]
        return self.page([listener.view() for listener in found], params)


class RuleOperations(ActionChecks):
    """Create, read, update (one or ten), delete and list rules."""

    def rules_of(self, listener: Listener) -> list[Rule]:
        """The rules of a listener without the default rule, highest priority first."""
        found = [rule for rule in self.rules.values() if rule.listener_id == listener.id]
        return sorted(found, key=lambda rule: rule.priority or 0)

    def op_create_rule(self, params: Params) -> View:
        return self.once("CreateRule", params, lambda: self._new_rule(params)).view()

    def _new_rule(self, params: Params) -> Rule:
        listener = self.listener(params)
        self.live(listener.service)
        self.refuse_rules(listener)
        siblings = self.rules_of(listener)
        self.name_is_free(siblings, params["name"])
        self._priority_is_free(siblings, params["priority"])
        self.within("rules_per_listener", len(siblings) + 1, Rule.kind, listener.id)
        match = self.checked_match(params["match"])
        action = self.checked_action(params["action"], listener.service, listener.protocol)
        self.group_quota_holds(listener.service, action)
        base = self.base("rule", "rule", params)
        base["arn"] = f"{listener.arn}/rule/{base['id']}"
        rule = Rule(
            **base,
            listener_id=listener.id,
            name=params["name"],
            match=match,
            priority=params["priority"],
            action=action,
        )
        self.rules[rule.id] = rule
        self.routing_changed()
        return rule

    def _priority_is_free(self, others: Sequence[Rule], priority: int) -> None:
        for other in others:
            if other.priority == priority:
                message = f"Priority {priority} is used by rule {other.id}"
                raise errors.conflict(message, other.id, other.kind)

    def _rule(self, listener: Listener, identifier: str) -> Rule:
        if ids.tail(identifier) == listener.default.id:
            return listener.default
        rule = self.find(self.rules, identifier, Rule.kind)
        if rule.listener_id != listener.id:
            raise errors.not_found(identifier, Rule.kind)
        return rule

    def _own_rule(self, listener: Listener, identifier: str) -> Rule:
        """A rule that is not the default one, which only UpdateListener changes and nothing deletes (API reference)."""
        rule = self._rule(listener, identifier)
        if rule.is_default:
            message = f"{rule.id} is the default rule of {listener.id}: change its action with UpdateListener"
            raise errors.invalid(message, ("ruleIdentifier", message))
        return rule

    def op_get_rule(self, params: Params) -> View:
        return self._rule(self.listener(params), params["ruleIdentifier"]).view()

    def op_update_rule(self, params: Params) -> View:
        listener = self.listener(params)
        rule = self._own_rule(listener, params["ruleIdentifier"])
        others = [other for other in self.rules_of(listener) if other is not rule]
        if "priority" in params:
            self._priority_is_free(others, params["priority"])
        change = self._checked_change(listener, rule, params)
        if "action" in change:
            self.group_quota_holds(listener.service, change["action"], instead_of=[rule.action])
        self._apply(rule, change)
        return rule.view()

    def _checked_change(self, listener: Listener, rule: Rule, wanted: Params) -> View:
        """The changed attributes of a rule as they are stored; raises if the change is not allowed."""
        self.live(listener.service)
        change: View = {}
        if "match" in wanted:
            change["match"] = self.checked_match(wanted["match"])
        if "action" in wanted:
            change["action"] = self.checked_action(wanted["action"], listener.service, listener.protocol)
        change["priority"] = wanted.get("priority", rule.priority)
        return change

    def _apply(self, rule: Rule, change: View) -> None:
        rule.match = change.get("match", rule.match)
        rule.action = change.get("action", rule.action)
        rule.priority = change["priority"]
        self.touch(rule)
        self.routing_changed()

    def op_batch_update_rule(self, params: Params) -> View:
        """Up to ten rules; meant for swapping priorities, so the resulting priorities are validated together (API reference).

        A rule that cannot be updated is reported in ``unsuccessful``; the others are updated. Which of two rules with
        the same resulting priority fails (the moving one, or the later one) is an assumption, as are the codes.
        """
        listener = self.listener(params)
        changes: list[tuple[Rule, View]] = []
        failed: list[View] = []
        for wanted in params["rules"]:
            try:
                rule = self._own_rule(listener, wanted["ruleIdentifier"])
                self._named_once(rule, [changed for changed, _ in changes])
                changes.append((rule, self._checked_change(listener, rule, wanted)))
            except errors.LatticeError as error:
                failed.append(_failure(wanted["ruleIdentifier"], error.code, error.message))
        while clash := self._clash(listener, changes):
            changes.remove(clash)
            text = f"Priority {clash[1]['priority']} is used by another rule"
            failed.append(_failure(clash[0].id, "ConflictException", text))
        replaced = [rule.action for rule, change in changes if "action" in change]
        new = [change["action"] for _, change in changes if "action" in change]
        self.group_quota_holds(listener.service, *new, instead_of=replaced)
        for rule, change in changes:
            self._apply(rule, change)
        return {"successful": [rule.view() for rule, _ in changes], "unsuccessful": failed}

    def _named_once(self, rule: Rule, named: Sequence[Rule]) -> None:
        if rule in named:
            message = f"{rule.id} is named twice in one batch"
            raise errors.invalid(message, ("rules", message))

    def _clash(self, listener: Listener, changes: Sequence[tuple[Rule, View]]) -> tuple[Rule, View] | None:
        """The last change whose resulting priority another rule has after all changes; None if there is none."""
        after = {rule.id: rule.priority for rule in self.rules_of(listener)}
        after |= {rule.id: change["priority"] for rule, change in changes}
        taken = list(after.values())
        clashing = [change for change in changes if taken.count(change[1]["priority"]) > 1]
        moving = [change for change in clashing if change[1]["priority"] != change[0].priority]
        return moving[-1] if moving else None

    def op_delete_rule(self, params: Params) -> View:
        rule = self._own_rule(self.listener(params), params["ruleIdentifier"])
        del self.rules[rule.id]
        self.forget(rule)
        self.routing_changed()
        return {}

    def op_list_rules(self, params: Params) -> View:
        """By priority, the default rule last. Summaries have neither match nor action (service model)."""
        listener = self.listener(params)
        shown = [rule for rule in self.listed(self.rules, Rule) if rule.listener_id == listener.id]
        shown.sort(key=lambda rule: rule.priority or 0)
        return self.page([rule.view() for rule in (*shown, listener.default)], params)


def _failure(identifier: str, code: str, message: str) -> View:
    return {"ruleIdentifier": identifier, "failureCode": code, "failureMessage": message}
