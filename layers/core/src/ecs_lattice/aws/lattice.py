"""The adapter to VPC Lattice's services, listeners, rules, target groups and associations."""

from collections.abc import Collection, Mapping, Sequence
from itertools import batched
from typing import TYPE_CHECKING, Any

from ecs_lattice.aws.clients import translating
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
from ecs_lattice.aws.networks import auth_policy
from ecs_lattice.errors import InvalidError, NotFoundError, failure_from
from ecs_lattice.graph import Action, AnyMatch, Association, Group, Listener, Network, Rule, Service, Target, id_of
from ecs_lattice.lattice_side.ports import GroupSpec, RuleChange, ServiceSpec
from ecs_lattice.model import HealthCheck, ListenerKey

if TYPE_CHECKING:
    from types_boto3_vpc_lattice import VPCLatticeClient

_TARGETS_A_CALL = 100  # VPC Lattice API, DeregisterTargets
_PARTS_OF_A_LISTENER = 4  # service, id, listener, id
_PAGE = 100  # VPC Lattice API, MaxResults


class BotoLattice:
    """:class:`ecs_lattice.lattice_side.ports.Lattice` over a boto3 client."""

    def __init__(self, client: "VPCLatticeClient") -> None:
        self._client: Any = translating(client)  # requests are dicts; botocore validates them

    def service(self, identifier: str) -> Service | None:
        try:
            return service_from(self._client.get_service(serviceIdentifier=identifier))
        except NotFoundError:
            return None

    def find_service(self, name: str, account: str = "") -> str | None:
        listed = self._all("list_services")
        return _arn_of(name, [each for each in listed if account in {"", each["arn"].split(":")[4]}])

    def find_groups(self, names: Collection[str]) -> dict[str, str]:
        listed = self._all("list_target_groups")
        return {group["name"]: group["arn"] for group in listed if group["name"] in names}

    def find_listener(self, service_arn: str, name: str) -> str | None:
        return _arn_of(name, self._all("list_listeners", serviceIdentifier=service_arn))

    def tags(self, arn: str) -> dict[str, str]:
        return dict(self._client.list_tags_for_resource(resourceArn=arn).get("tags", {}))

    def auth_policy(self, arn: str) -> str | None:
        return auth_policy(self._client, arn)

    def listeners(self, service_arn: str) -> tuple[Listener, ...]:
        listed = self._all("list_listeners", serviceIdentifier=service_arn)
        return tuple(self._listener(service_arn, summary) for summary in listed)

    def _listener(self, service_arn: str, summary: Mapping[str, Any]) -> Listener:
        identifiers = {"serviceIdentifier": service_arn, "listenerIdentifier": summary["arn"]}
        default = self._client.get_listener(**identifiers)["defaultAction"]
        rules = [
            self._rule(identifiers, summary)
            for summary in self._all("list_rules", **identifiers)
            if not summary.get("isDefault")
        ]
        return Listener(
            summary["arn"],
            summary["name"],
            listener_key(summary),
            action_from(default),
            tuple(sorted(rules, key=lambda rule: rule.priority)),
        )

    def _rule(self, identifiers: Mapping[str, str], summary: Mapping[str, Any]) -> Rule:
        rule = self._client.get_rule(**identifiers, ruleIdentifier=summary["arn"])
        return Rule(rule["arn"], rule["name"], rule["priority"], match_from(rule["match"]), action_from(rule["action"]))

    def group(self, identifier: str) -> Group | None:
        try:
            return group_from(self._client.get_target_group(targetGroupIdentifier=identifier))
        except NotFoundError:
            return None

    def targets(self, identifier: str) -> tuple[Target, ...]:
        listed = self._all("list_targets", targetGroupIdentifier=identifier)
        return tuple(map(target_from, listed))

    def associations(self, service_arn: str) -> tuple[Association, ...]:
        listed = self._all("list_service_network_service_associations", serviceIdentifier=service_arn)
        return tuple(
            Association(found["arn"], found["serviceNetworkArn"], found["status"], failure=self._failure(found))
            for found in listed
        )

    def services_with_domain(self, network_arn: str, domain: str) -> tuple[str, ...]:
        listed = self._all("list_service_network_service_associations", serviceNetworkIdentifier=network_arn)
        return tuple(found["serviceArn"] for found in listed if found.get("customDomainName") == domain)

    def _failure(self, association: Mapping[str, Any]) -> str:
        """Why it could not be created: what the list leaves out (VPC Lattice API, ServiceNetworkServiceAssociationSummary)."""
        if association["status"] != "CREATE_FAILED":
            return ""
        arn = association["arn"]
        try:
            found = self._client.get_service_network_service_association(serviceNetworkServiceAssociationIdentifier=arn)
        except NotFoundError:
            return ""
        return failure_from(found)

    def network(self, identifier: str) -> Network | None:
        try:
            found = self._client.get_service_network(serviceNetworkIdentifier=identifier)
        except NotFoundError:
            return None
        return Network(found["arn"], found["id"], found["name"])

    def networks(self) -> tuple[Network, ...]:
        listed = self._all("list_service_networks")
        return tuple(Network(network["arn"], network["id"], network["name"]) for network in listed)

    def create_group(self, spec: GroupSpec, token: str, tags: Mapping[str, str]) -> tuple[str, str]:
        config = _given(
            port=spec.port,
            protocol=spec.protocol,
            protocolVersion=spec.version or None,
            ipAddressType=spec.family,
            vpcIdentifier=spec.vpc_id,
            healthCheck=health_to(spec.health),
        )
        made = self._client.create_target_group(
            name=spec.name, type="IP", config=config, clientToken=token, tags=dict(tags)
        )
        return made["arn"], made["status"]

    def update_health(self, group: str, health: HealthCheck) -> None:
        self._client.update_target_group(targetGroupIdentifier=group, healthCheck=health_to(health))

    def delete_group(self, group: str) -> None:
        self._client.delete_target_group(targetGroupIdentifier=group)

    def deregister(self, group: str, targets: Sequence[Target]) -> tuple[str, ...]:
        failed: list[str] = []
        for part in batched(targets, _TARGETS_A_CALL, strict=False):
            members = [{"id": target.id, **({"port": target.port} if target.port else {})} for target in part]
            answer = self._client.deregister_targets(targetGroupIdentifier=group, targets=members)
            failed += [
                f"{target['id']}:{target.get('port')}: {failure_from(target)}"
                for target in answer.get("unsuccessful", [])
            ]
        return tuple(failed)

    def create_service(self, spec: ServiceSpec, token: str, tags: Mapping[str, str]) -> tuple[str, str]:
        members = _given(
            customDomainName=spec.domain,
            certificateArn=spec.certificate,
            authType=spec.auth,
            idleTimeoutSeconds=spec.idle_timeout,
        )
        made = self._client.create_service(name=spec.name, clientToken=token, tags=dict(tags), **members)
        return made["arn"], made["status"]

    def update_service(self, arn: str, spec: ServiceSpec) -> None:
        members = _given(certificateArn=spec.certificate, authType=spec.auth, idleTimeoutSeconds=spec.idle_timeout)
        self._client.update_service(serviceIdentifier=arn, **members)

    def put_policy(self, arn: str, policy: str) -> None:
        self._client.put_auth_policy(resourceIdentifier=arn, policy=policy)

    def delete_service(self, arn: str) -> None:
        self._client.delete_service(serviceIdentifier=arn)

    def tag(self, arn: str, tags: Mapping[str, str]) -> None:
        self._client.tag_resource(resourceArn=arn, tags=dict(tags))

    def create_listener(
        self, service_arn: str, name: str, key: ListenerKey, default: Action, token: str, tags: Mapping[str, str]
    ) -> str:
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
        self._client.update_listener(**_listener_ids(arn), defaultAction=action_to(default))

    def delete_listener(self, arn: str) -> None:
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
        self._client.update_rule(**_rule_ids(change.rule_arn), **_changed(change))

    def update_rules(self, listener_arn: str, changes: Sequence[RuleChange]) -> tuple[str, ...]:
        rules = [{"ruleIdentifier": change.rule_arn, **_changed(change)} for change in changes]
        answer = self._client.batch_update_rule(**_listener_ids(listener_arn), rules=rules)
        return tuple(f"{rule.get('ruleIdentifier')}: {failure_from(rule)}" for rule in answer.get("unsuccessful", []))

    def delete_rule(self, arn: str) -> None:
        self._client.delete_rule(**_rule_ids(arn))

    def associate(self, service_arn: str, network_arn: str, token: str, tags: Mapping[str, str]) -> None:
        self._client.create_service_network_service_association(
            serviceIdentifier=service_arn,
            serviceNetworkIdentifier=network_arn,
            clientToken=token,
            tags=dict(tags),
        )

    def disassociate(self, association_arn: str) -> None:
        self._client.delete_service_network_service_association(
            serviceNetworkServiceAssociationIdentifier=association_arn
        )

    def _all(self, method: str, **parameters: str) -> list[dict[str, Any]]:
        """All items of a listing, or an error: never a part."""
        pages = self._client.get_paginator(method).paginate(**parameters, PaginationConfig={"PageSize": _PAGE})
        return [item for page in pages for item in page["items"]]


def _arn_of(name: str, summaries: Sequence[Mapping[str, Any]]) -> str | None:
    return next((summary["arn"] for summary in summaries if summary["name"] == name), None)


def _given(**members: Any) -> dict[str, Any]:
    """Those of ``members`` that are not None."""
    return {name: value for name, value in members.items() if value is not None}


def _listener_ids(arn: str) -> dict[str, str]:
    """``...:service/svc-1/listener/listener-2``: the API wants both."""
    parts = arn.split("/")
    if len(parts) < _PARTS_OF_A_LISTENER:
        raise InvalidError("listener", "BadArn", f"{arn} is not the ARN of a listener.")
    return {"serviceIdentifier": parts[1], "listenerIdentifier": parts[3]}


def _rule_ids(arn: str) -> dict[str, str]:
    return {**_listener_ids(arn), "ruleIdentifier": id_of(arn)}


def _changed(change: RuleChange) -> dict[str, Any]:
    return _given(
        priority=change.priority,
        match=None if change.match is None else match_to(change.match),
        action=None if change.action is None else action_to(change.action),
    )
