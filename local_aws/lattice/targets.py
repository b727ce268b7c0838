"""Targets: registration, draining, and status."""

import ipaddress
import re

from local_aws.lattice import vpcs
from local_aws.lattice.actions import ActionChecks
from local_aws.lattice.core import Params
from local_aws.lattice.health import HealthChecks
from local_aws.lattice.state import Target, TargetGroup, View

_IDS = {
    "INSTANCE": re.compile(r"i-[0-9a-f]{8,17}"),
    "LAMBDA": re.compile(r"arn:[^:]+:lambda:.+:function:.+"),
    "ALB": re.compile(r"arn:[^:]+:elasticloadbalancing:.+:loadbalancer/app/.+"),
}


class TargetOperations(HealthChecks, ActionChecks):
    """Register, deregister and list targets; failures are reported per target with HTTP 200 (service model)."""

    def op_register_targets(self, params: Params) -> View:
        """A registered target stays unchanged; a draining target starts again (assumption)."""
        group = self.live(self.target_group(params))
        successful: list[View] = []
        unsuccessful: list[View] = []
        accepted: dict[tuple[str, int | None], None] = {}
        for wanted in params["targets"]:
            key = self._key(group, wanted)
            if problem := self._problem(group, wanted["id"]):
                unsuccessful.append(_failure(key, "InvalidTarget", problem))
            else:
                accepted[key] = None
                successful.append(_named(key))
        count = len({**group.targets, **accepted})
        self.within("targets_per_target_group", count, TargetGroup.kind, group.id)
        for key in accepted:
            self._register(group, key)
        self.routing_changed()
        return {"successful": successful, "unsuccessful": unsuccessful}

    def _register(self, group: TargetGroup, key: tuple[str, int | None]) -> None:
        old = group.targets.get(key)
        if old and not old.draining:
            return
        if old:
            old.stop()
        group.targets[key] = Target(*key)

    def _key(self, group: TargetGroup, wanted: View) -> tuple[str, int | None]:
        """Id and port; the port of the target group if none is given, and none for a function."""
        return wanted["id"], None if group.type == "LAMBDA" else wanted.get("port", group.config["port"])

    def _problem(self, group: TargetGroup, target_id: str) -> str | None:
        """Why this target is invalid for the group (User Guide, "Register targets"); None if it is valid."""
        if group.type != "IP":
            return None if _IDS[group.type].fullmatch(target_id) else f"{target_id} is not of type {group.type}"
        try:
            address = ipaddress.ip_address(target_id)
        except ValueError:
            return f"{target_id} is not an IP address"
        family = group.config["ipAddressType"]
        if f"IPV{address.version}" != family:
            return f"{target_id} is not of the target group's address type {family}"
        vpc_id = group.config["vpcIdentifier"]
        if not vpcs.holds(self.account_id, self.region_name, vpc_id, target_id):
            return f"{target_id} is not within the subnets of {vpc_id}"
        if address.version == 4 and (address.is_global or address.is_loopback or address.is_link_local):
            return f"{target_id} is not a private address"
        return None

    def op_deregister_targets(self, params: Params) -> View:
        """A target drains, listed as DRAINING, before it is removed (service model, TargetSummary)."""
        group = self.target_group(params)
        successful: list[View] = []
        unsuccessful: list[View] = []
        for wanted in params["targets"]:
            key = self._key(group, wanted)
            target = group.targets.get(key)
            if target is None:
                unsuccessful.append(_failure(key, "TargetNotFound", f"{key[0]} is not registered"))
                continue
            if not target.draining:
                self._drain(group, target)
            successful.append(_named(key))
        self.routing_changed()
        return {"successful": successful, "unsuccessful": unsuccessful}

    def _drain(self, group: TargetGroup, target: Target) -> None:
        target.stop()
        target.draining = True

        def gone() -> None:
            if group.targets.get((target.id, target.port)) is target:
                del group.targets[target.id, target.port]

        target.timer = self.later(self.timing.drain, gone)

    def op_list_targets(self, params: Params) -> View:
        group = self.target_group(params)
        found = list(group.targets.values())
        if wanted := params.get("targets"):
            found = [target for target in found if any(_is(target, identifier) for identifier in wanted)]
        return self.page([target.view() for target in found], params)

    # ---- consequences from a change of rules or targets

    def refresh_targets(self) -> None:
        """Set the status of every target by the use and the health check of its target group.

        UNUSED while no rule or default action uses the group, because checks begin only then (User Guide, "Target
        groups"); UNAVAILABLE without health checks; else INITIAL until the first checks decide.
        """
        used = self.users()
        for group in self.target_groups.values():
            for target in group.targets.values():
                self._refresh(group, target, in_use=group.id in used)

    def _refresh(self, group: TargetGroup, target: Target, *, in_use: bool) -> None:
        if not in_use:
            target.idle, target.reason = "UNUSED", "TargetGroupNotInUse"
        elif target.draining:
            target.idle, target.reason = "DRAINING", "DeregistrationInProgress"
        else:
            target.idle = None
            self._refresh_used(group, target)
            return
        if not target.draining:
            target.stop()

    def _refresh_used(self, group: TargetGroup, target: Target) -> None:
        if not group.health_check.get("enabled"):
            target.stop()
            reason = "HealthCheckNotEnabled" if group.health_check else "HealthCheckNotSupported"
            target.health, target.reason = "UNAVAILABLE", reason
        elif target.timer is None:
            self.start_checks(group, target)


def _is(target: Target, wanted: View) -> bool:
    return target.id == wanted["id"] and wanted.get("port") in {None, target.port}


def _named(key: tuple[str, int | None]) -> View:
    return {"id": key[0], "port": key[1]}


def _failure(key: tuple[str, int | None], code: str, message: str) -> View:
    """One failed target; the codes are assumptions without a public source."""
    return {**_named(key), "failureCode": code, "failureMessage": message}
