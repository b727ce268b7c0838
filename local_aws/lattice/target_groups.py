"""Target groups: their configuration, and when they can be deleted."""

from local_aws.lattice import errors, health_config, vpcs
from local_aws.lattice.actions import ActionChecks
from local_aws.lattice.core import Params
from local_aws.lattice.state import TargetGroup, View

DEFAULT_PORTS = {"HTTP": 80, "HTTPS": 443}
_NOT_FOR_LAMBDA = ("port", "protocol", "protocolVersion", "vpcIdentifier", "ipAddressType", "healthCheck")


class TargetGroupOperations(ActionChecks):
    """Create, read, update (its health check), delete and list target groups."""

    def op_create_target_group(self, params: Params) -> View:
        group = self.once("CreateTargetGroup", params, lambda: self._new_group(params))
        return self._group_view(group)

    def _new_group(self, params: Params) -> TargetGroup:
        self.name_is_free(self.target_groups.values(), params["name"])
        self.within("target_groups", len(self.target_groups) + 1, TargetGroup.kind)
        group = TargetGroup(
            **self.base("tg", "targetgroup", params),
            name=params["name"],
            type=params["type"],
            config=self._completed(params["type"], dict(params.get("config", {}))),
        )
        self.target_groups[group.id] = group
        self.begin(group)
        return group

    def _completed(self, kind: str, config: View) -> View:
        """The configuration with its defaults (service model, TargetGroupConfig); raises for invalid combinations.

        That protocol and VPC are required for targets other than functions follows from every example of the User
        Guide; that a TCP group has no protocol version is an assumption.
        """
        if kind == "LAMBDA":
            self._refuse([name for name in _NOT_FOR_LAMBDA if name in config], "is not supported for type LAMBDA")
            return {"lambdaEventStructureVersion": config.get("lambdaEventStructureVersion", "V1")}
        self._refuse([name for name in ("protocol", "vpcIdentifier") if name not in config], f"is required for {kind}")
        if kind != "IP" and "ipAddressType" in config:
            self._refuse(["ipAddressType"], "is supported for type IP only")
        if "lambdaEventStructureVersion" in config:
            self._refuse(["lambdaEventStructureVersion"], "is supported for type LAMBDA only")
        self._vpc_exists_for_group(config["vpcIdentifier"])
        protocol, version = config["protocol"], config.get("protocolVersion")
        if protocol == "TCP" and version:
            self._refuse(["protocolVersion"], "is not supported for protocol TCP")
        if kind == "ALB" and version in {"HTTP2", "GRPC"}:
            self._refuse(["protocolVersion"], f"{version} needs targets of type IP or INSTANCE")
        if protocol == "TCP" and "port" not in config:
            self._refuse(["port"], "is required for protocol TCP")
        complete: View = {**config, "port": config.get("port", DEFAULT_PORTS.get(protocol))}
        if protocol != "TCP":
            complete["protocolVersion"] = version or "HTTP1"
        if kind == "IP":
            complete["ipAddressType"] = config.get("ipAddressType", "IPV4")
        if kind == "ALB":
            self._refuse([name for name in ("healthCheck",) if name in config], "is not supported for type ALB")
        else:
            asked = config.get("healthCheck", {})
            complete["healthCheck"] = health_config.completed(asked, protocol, complete.get("protocolVersion"))
        return complete

    def _refuse(self, names: list[str], why: str) -> None:
        if names:
            problems = [(f"config.{name}", why) for name in names]
            raise errors.invalid(errors.summary(problems), *problems)

    def _vpc_exists_for_group(self, vpc_id: str) -> None:
        known = vpcs.known(self.account_id, self.region_name)
        if known and vpc_id not in known:
            self._refuse(["vpcIdentifier"], f"VPC {vpc_id} does not exist")

    def _group_view(self, group: TargetGroup) -> View:
        return {**group.view(), "serviceArns": [service.arn for service in self.users().get(group.id, ())]}

    def op_get_target_group(self, params: Params) -> View:
        return self._group_view(self.target_group(params))

    def op_update_target_group(self, params: Params) -> View:
        """Replaces the health check; omitted members get their default (assumption: merging is not documented)."""
        group = self.live(self.target_group(params))
        if "healthCheck" not in group.config:
            message = f"Target groups of type {group.type} have no health check"
            raise errors.invalid(message, ("healthCheck", message))
        protocol, version = group.config["protocol"], group.config.get("protocolVersion")
        group.config["healthCheck"] = health_config.completed(params["healthCheck"], protocol, version)
        self.touch(group)
        self.routing_changed()
        return self._group_view(group)

    def op_delete_target_group(self, params: Params) -> View:
        """Rejected while a rule uses it, while it is being created, and while it lists targets, even draining ones.

        Service model, DeleteTargetGroup; targets: behavior reported for the Terraform AWS provider (issue 41601).
        """
        group = self.target_group(params)
        why = None
        if group.status == "CREATE_IN_PROGRESS":
            why = "is in status CREATE_IN_PROGRESS"
        elif users := self.users().get(group.id):
            why = f"is used by service {users[0].id}"
        elif group.targets:
            why = "has targets that are registered or draining"
        if why:
            message = f"Target group {group.id} {why}"
            raise errors.conflict(message, group.id, group.kind)
        self.end(group, lambda: self._remove_group(group))
        return self._group_view(group)

    def _remove_group(self, group: TargetGroup) -> None:
        for target in group.targets.values():
            target.stop()
        self.target_groups.pop(group.id, None)

    def op_list_target_groups(self, params: Params) -> View:
        found = self.listed(self.target_groups, TargetGroup)
        if "vpcIdentifier" in params:
            found = [group for group in found if group.config.get("vpcIdentifier") == params["vpcIdentifier"]]
        if "targetGroupType" in params:
            found = [group for group in found if group.type == params["targetGroupType"]]
        users = self.users()
        views = [
            {**group.view(), "serviceArns": [service.arn for service in users.get(group.id, ())]} for group in found
        ]
        return self.page(views, params)
