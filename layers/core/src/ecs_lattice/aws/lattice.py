"""VPC Lattice by boto3: :class:`ecs_lattice.lattice_side.ports.Lattice`."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import batched
from typing import TYPE_CHECKING, Any

from ecs_lattice import deadline
from ecs_lattice.aws.errors import translated
from ecs_lattice.aws.lattice_shapes import (
    action_from,
    action_to,
    group_from,
    health_to,
    listener_key,
    match_from,
    match_to,
    service_from,
    target_from,
)
from ecs_lattice.errors import InvalidError, NotFoundError
from ecs_lattice.graph import Action, AnyMatch, Association, Group, Listener, Network, Rule, Service, Target, id_of
from ecs_lattice.lattice_side.ports import GroupSpec, RuleChange, ServiceSpec
from ecs_lattice.model import HealthCheck, ListenerKey

if TYPE_CHECKING:
    from types_boto3_vpc_lattice import VPCLatticeClient

_TARGETS_A_CALL = 100  # VPC Lattice API, DeregisterTargets
_PARTS_OF_A_LISTENER = 4  # service, id, listener, id
_PAGE = 100  # VPC Lattice API, MaxResults


def _calling(operation: str) -> AbstractContextManager[None]:
    """Before a call: is there time for it? In the call: the errors become ours."""
    deadline.check()
    return translated(operation)


class BotoLattice:
    """:class:`ecs_lattice.lattice_side.ports.Lattice` over a boto3 client."""

    def __init__(self, client: "VPCLatticeClient") -> None:
        self._client: Any = client  # requests are built as dicts; botocore checks them against the service model

    def service(self, identifier: str) -> Service | None:
        try:
            with _calling("GetService"):
                return service_from(self._client.get_service(serviceIdentifier=identifier))
        except NotFoundError:
            return None

    def find_service(self, name: str) -> str | None:
        return next((one["arn"] for one in self._all("list_services", "ListServices") if one["name"] == name), None)

    def find_groups(self, names: Collection[str]) -> dict[str, str]:
        listed = self._all("list_target_groups", "ListTargetGroups")
        return {one["name"]: one["arn"] for one in listed if one["name"] in names}

    def find_listener(self, service_arn: str, name: str) -> str | None:
        listed = self._all("list_listeners", "ListListeners", serviceIdentifier=service_arn)
        return next((one["arn"] for one in listed if one["name"] == name), None)

    def tags(self, arn: str) -> dict[str, str]:
        with _calling("ListTagsForResource"):
            return dict(self._client.list_tags_for_resource(resourceArn=arn).get("tags", {}))

    def auth_policy(self, arn: str) -> str | None:
        try:
            with _calling("GetAuthPolicy"):
                return self._client.get_auth_policy(resourceIdentifier=arn).get("policy") or None
        except NotFoundError:
            return None

    def listeners(self, service_arn: str) -> tuple[Listener, ...]:
        listed = self._all("list_listeners", "ListListeners", serviceIdentifier=service_arn)
        return tuple(self._listener(service_arn, each) for each in listed)

    def _listener(self, service_arn: str, summary: Mapping[str, Any]) -> Listener:
        identifiers = {"serviceIdentifier": service_arn, "listenerIdentifier": summary["arn"]}
        with _calling("GetListener"):
            default = self._client.get_listener(**identifiers)["defaultAction"]
        rules = [
            self._rule(identifiers, each)
            for each in self._all("list_rules", "ListRules", **identifiers)
            if not each.get("isDefault")
        ]
        return Listener(
            summary["arn"],
            summary["name"],
            listener_key(summary),
            action_from(default),
            tuple(sorted(rules, key=lambda rule: rule.priority)),
        )

    def _rule(self, identifiers: Mapping[str, str], summary: Mapping[str, Any]) -> Rule:
        with _calling("GetRule"):
            rule = self._client.get_rule(**identifiers, ruleIdentifier=summary["arn"])
        return Rule(rule["arn"], rule["name"], rule["priority"], match_from(rule["match"]), action_from(rule["action"]))

    def group(self, identifier: str) -> Group | None:
        try:
            with _calling("GetTargetGroup"):
                return group_from(self._client.get_target_group(targetGroupIdentifier=identifier))
        except NotFoundError:
            return None

    def targets(self, identifier: str) -> tuple[Target, ...]:
        listed = self._all("list_targets", "ListTargets", targetGroupIdentifier=identifier)
        return tuple(target_from(target) for target in listed)

    def associations(self, service_arn: str) -> tuple[Association, ...]:
        listed = self._all(
            "list_service_network_service_associations",
            "ListServiceNetworkServiceAssociations",
            serviceIdentifier=service_arn,
        )
        return tuple(Association(one["arn"], one["serviceNetworkArn"], one["status"]) for one in listed)

    def network(self, identifier: str) -> Network | None:
        try:
            with _calling("GetServiceNetwork"):
                found = self._client.get_service_network(serviceNetworkIdentifier=identifier)
        except NotFoundError:
            return None
        return Network(found["arn"], found["id"], found["name"])

    def networks(self) -> tuple[Network, ...]:
        listed = self._all("list_service_networks", "ListServiceNetworks")
        return tuple(Network(one["arn"], one["id"], one["name"]) for one in listed)

    def create_group(self, spec: GroupSpec, token: str, tags: Mapping[str, str]) -> tuple[str, str]:
        config: dict[str, Any] = {
            "port": spec.port,
            "protocol": spec.protocol,
            "ipAddressType": spec.family,
            "vpcIdentifier": spec.vpc_id,
            "healthCheck": health_to(spec.health),
        }
        if spec.version:
            config["protocolVersion"] = spec.version
        with _calling("CreateTargetGroup"):
            made = self._client.create_target_group(
                name=spec.name, type="IP", config=config, clientToken=token, tags=dict(tags)
            )
        return made["arn"], made["status"]

    def update_health(self, group: str, health: HealthCheck) -> None:
        with _calling("UpdateTargetGroup"):
            self._client.update_target_group(targetGroupIdentifier=group, healthCheck=health_to(health))

    def delete_group(self, group: str) -> None:
        with _calling("DeleteTargetGroup"):
            self._client.delete_target_group(targetGroupIdentifier=group)

    def deregister(self, group: str, targets: Sequence[Target]) -> tuple[str, ...]:
        failed: list[str] = []
        for part in batched(targets, _TARGETS_A_CALL, strict=False):
            wanted = [{"id": each.id, **({"port": each.port} if each.port else {})} for each in part]
            with _calling("DeregisterTargets"):
                answer = self._client.deregister_targets(targetGroupIdentifier=group, targets=wanted)
            failed += [
                f"{each['id']}:{each.get('port')}: {each.get('failureCode')}: {each.get('failureMessage')}"
                for each in answer.get("unsuccessful", [])
            ]
        return tuple(failed)

    def create_service(self, spec: ServiceSpec, token: str, tags: Mapping[str, str]) -> tuple[str, str]:
        optional = {"customDomainName": spec.domain, **_service_changes(spec)}
        given = {name: value for name, value in optional.items() if value is not None}
        with _calling("CreateService"):
            made = self._client.create_service(name=spec.name, clientToken=token, tags=dict(tags), **given)
        return made["arn"], made["status"]

    def update_service(self, arn: str, spec: ServiceSpec) -> None:
        given = {name: value for name, value in _service_changes(spec).items() if value is not None}
        with _calling("UpdateService"):
            self._client.update_service(serviceIdentifier=arn, **given)

    def put_policy(self, arn: str, policy: str) -> None:
        with _calling("PutAuthPolicy"):
            self._client.put_auth_policy(resourceIdentifier=arn, policy=policy)

    def delete_service(self, arn: str) -> None:
        with _calling("DeleteService"):
            self._client.delete_service(serviceIdentifier=arn)

    def tag(self, arn: str, tags: Mapping[str, str]) -> None:
        with _calling("TagResource"):
            self._client.tag_resource(resourceArn=arn, tags=dict(tags))

    def create_listener(
        self, service_arn: str, name: str, key: ListenerKey, default: Action, token: str, tags: Mapping[str, str]
    ) -> str:
        with _calling("CreateListener"):
            made = self._client.create_listener(
                serviceIdentifier=service_arn,
                name=name,
                protocol=key.protocol,
                port=key.port,
                defaultAction=action_to(default),
                clientToken=token,
                tags=dict(tags),
            )
        return str(made["arn"])

    def update_listener(self, arn: str, default: Action) -> None:
        with _calling("UpdateListener"):
            self._client.update_listener(**_listener_ids(arn), defaultAction=action_to(default))

    def delete_listener(self, arn: str) -> None:
        with _calling("DeleteListener"):
            self._client.delete_listener(**_listener_ids(arn))

    def create_rule(
        self,
        listener_arn: str,
        name: str,
        priority: int,
        match: AnyMatch,
        action: Action,
        token: str,
        tags: Mapping[str, str],
    ) -> str:
        with _calling("CreateRule"):
            made = self._client.create_rule(
                **_listener_ids(listener_arn),
                name=name,
                priority=priority,
                match=match_to(match),
                action=action_to(action),
                clientToken=token,
                tags=dict(tags),
            )
        return str(made["arn"])

    def update_rule(self, change: RuleChange) -> None:
        with _calling("UpdateRule"):
            self._client.update_rule(**_rule_ids(change.rule_arn), **_members(change))

    def update_rules(self, listener_arn: str, changes: Sequence[RuleChange]) -> tuple[str, ...]:
        rules = [{"ruleIdentifier": change.rule_arn, **_members(change)} for change in changes]
        with _calling("BatchUpdateRule"):
            answer = self._client.batch_update_rule(**_listener_ids(listener_arn), rules=rules)
        return tuple(
            f"{each.get('ruleIdentifier')}: {each.get('failureCode')}: {each.get('failureMessage')}"
            for each in answer.get("unsuccessful", [])
        )

    def delete_rule(self, arn: str) -> None:
        with _calling("DeleteRule"):
            self._client.delete_rule(**_rule_ids(arn))

    def associate(self, service_arn: str, network_arn: str, token: str, tags: Mapping[str, str]) -> None:
        with _calling("CreateServiceNetworkServiceAssociation"):
            self._client.create_service_network_service_association(
                serviceIdentifier=service_arn,
                serviceNetworkIdentifier=network_arn,
                clientToken=token,
                tags=dict(tags),
            )

    def disassociate(self, association_arn: str) -> None:
        with _calling("DeleteServiceNetworkServiceAssociation"):
            self._client.delete_service_network_service_association(
                serviceNetworkServiceAssociationIdentifier=association_arn
            )

    def _all(self, method: str, operation: str, **parameters: str) -> list[dict[str, Any]]:
        """All items of a listing, or an error: never a part."""
        found: list[dict[str, Any]] = []
        pages = iter(self._client.get_paginator(method).paginate(**parameters, PaginationConfig={"PageSize": _PAGE}))
        while True:
            with _calling(operation):
                page = next(pages, None)
            if page is None:
                return found
            found += page["items"]


def _service_changes(spec: ServiceSpec) -> dict[str, Any]:
    return {"certificateArn": spec.certificate, "authType": spec.auth, "idleTimeoutSeconds": spec.idle_timeout}


def _listener_ids(arn: str) -> dict[str, str]:
    """``...:service/svc-1/listener/listener-2``: the API wants both."""
    parts = arn.split("/")
    if len(parts) < _PARTS_OF_A_LISTENER:
        raise InvalidError("listener", "BadArn", f"{arn} is not the ARN of a listener.")
    return {"serviceIdentifier": parts[1], "listenerIdentifier": parts[3]}


def _rule_ids(arn: str) -> dict[str, str]:
    return {**_listener_ids(arn), "ruleIdentifier": id_of(arn)}


def _members(change: RuleChange) -> dict[str, Any]:
    members: dict[str, Any] = {}
    if change.priority is not None:
        members["priority"] = change.priority
    if change.match is not None:
        members["match"] = match_to(change.match)
    if change.action is not None:
        members["action"] = action_to(change.action)
    return members
