"""VPC Lattice's state: one class per resource type, each with the view for its responses."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from local_aws.clock import Timer

View = dict[str, Any]


@dataclass(slots=True, eq=False, kw_only=True)
class Resource:
    """The common attributes of resources. Times are UTC."""

    kind: ClassVar[str] = ""
    """The resource type in errors (assumption: upper case; the API's messages are not published)."""

    id: str
    arn: str
    created_at: datetime
    updated_at: datetime
    tags: dict[str, str] = field(default_factory=dict)
    status: str = "ACTIVE"
    gone: bool = False

    @property
    def going(self) -> bool:
        return self.status.startswith("DELETE_")

    def view(self) -> View:
        return {
            "id": self.id,
            "arn": self.arn,
            "status": self.status,
            "createdAt": self.created_at,
            "lastUpdatedAt": self.updated_at,
        }


@dataclass(slots=True, eq=False, kw_only=True)
class ServiceNetwork(Resource):
    kind: ClassVar[str] = "SERVICE_NETWORK"
    name: str
    auth_type: str = "NONE"
    sharing: View | None = None

    def view(self) -> View:
        return {**Resource.view(self), "name": self.name, "authType": self.auth_type, "sharingConfig": self.sharing}


@dataclass(slots=True, eq=False, kw_only=True)
class Service(Resource):
    kind: ClassVar[str] = "SERVICE"
    name: str
    dns: dict[str, str]
    auth_type: str = "NONE"
    custom_domain: str | None = None
    certificate: str | None = None
    idle_timeout: int = 60

    def view(self) -> View:
        return {
            **Resource.view(self),
            "name": self.name,
            "authType": self.auth_type,
            "dnsEntry": self.dns,
            "customDomainName": self.custom_domain,
            "certificateArn": self.certificate,
            "idleTimeoutSeconds": self.idle_timeout,
        }


@dataclass(slots=True, eq=False, kw_only=True)
class Rule(Resource):
    """A rule of a listener. The default rule has neither match nor priority."""

    kind: ClassVar[str] = "RULE"
    listener_id: str
    name: str
    action: View
    match: View | None = None
    priority: int | None = None

    @property
    def is_default(self) -> bool:
        return self.match is None

    def view(self) -> View:
        return {
            **Resource.view(self),
            "name": self.name,
            "isDefault": self.is_default,
            "match": self.match,
            "priority": self.priority,
            "action": self.action,
        }


@dataclass(slots=True, eq=False, kw_only=True)
class Listener(Resource):
    kind: ClassVar[str] = "LISTENER"
    service: Service
    name: str
    protocol: str
    port: int
    default: Rule

    def view(self) -> View:
        return {
            **Resource.view(self),
            "name": self.name,
            "protocol": self.protocol,
            "port": self.port,
            "defaultAction": self.default.action,
            "serviceArn": self.service.arn,
            "serviceId": self.service.id,
        }


@dataclass(slots=True, eq=False)
class Target:
    """One target of a target group, with its health."""

    id: str
    port: int | None
    health: str = "INITIAL"
    """The last result of health checks; it survives the target's removal until that has propagated to the data plane."""
    idle: str | None = None
    """UNUSED or DRAINING, whatever the target's health."""
    reason: str | None = None
    successes: int = 0
    failures: int = 0
    timer: Timer | None = None
    draining: bool = False

    @property
    def status(self) -> str:
        return self.idle or self.health

    def view(self) -> View:
        return {"id": self.id, "port": self.port, "status": self.status, "reasonCode": self.reason}

    def stop(self) -> None:
        """Cancel the next health check, or the end of draining."""
        if self.timer:
            self.timer.cancel()
        self.timer = None


@dataclass(slots=True, eq=False, kw_only=True)
class TargetGroup(Resource):
    kind: ClassVar[str] = "TARGET_GROUP"
    name: str
    type: str
    config: View = field(default_factory=dict)
    targets: dict[tuple[str, int | None], Target] = field(default_factory=dict)

    @property
    def health_check(self) -> View:
        return self.config.get("healthCheck", {})

    def view(self) -> View:
        short = ("port", "protocol", "ipAddressType", "vpcIdentifier", "lambdaEventStructureVersion")
        return {
            **Resource.view(self),
            "name": self.name,
            "type": self.type,
            "config": self.config,
            **{name: self.config[name] for name in short if name in self.config},
        }


@dataclass(slots=True, eq=False, kw_only=True)
class ServiceAssociation(Resource):
    kind: ClassVar[str] = "SERVICE_NETWORK_SERVICE_ASSOCIATION"
    network: ServiceNetwork
    service: Service
    created_by: str
    failure_code: str | None = None
    failure_message: str | None = None

    def view(self) -> View:
        return {
            **Resource.view(self),
            "createdBy": self.created_by,
            "serviceId": self.service.id,
            "serviceName": self.service.name,
            "serviceArn": self.service.arn,
            "serviceNetworkId": self.network.id,
            "serviceNetworkName": self.network.name,
            "serviceNetworkArn": self.network.arn,
            "dnsEntry": self.service.dns,
            "customDomainName": self.service.custom_domain,
        }


@dataclass(slots=True, eq=False, kw_only=True)
class VpcAssociation(Resource):
    kind: ClassVar[str] = "SERVICE_NETWORK_VPC_ASSOCIATION"
    network: ServiceNetwork
    vpc_id: str
    created_by: str
    security_groups: list[str]
    private_dns: bool | None = None
    dns_options: View | None = None

    def view(self) -> View:
        return {
            **Resource.view(self),
            "createdBy": self.created_by,
            "vpcId": self.vpc_id,
            "securityGroupIds": self.security_groups,
            "privateDnsEnabled": self.private_dns,
            "dnsOptions": self.dns_options,
            "serviceNetworkId": self.network.id,
            "serviceNetworkName": self.network.name,
            "serviceNetworkArn": self.network.arn,
        }


@dataclass(slots=True, eq=False, kw_only=True)
class AccessLogSubscription(Resource):
    kind: ClassVar[str] = "ACCESS_LOG_SUBSCRIPTION"
    resource_id: str
    resource_arn: str
    destination: str
    log_type: str | None = None

    def view(self) -> View:
        return {
            **Resource.view(self),
            "resourceId": self.resource_id,
            "resourceArn": self.resource_arn,
            "destinationArn": self.destination,
            "serviceNetworkLogType": self.log_type,
        }


@dataclass(slots=True, eq=False)
class Policy:
    """An auth policy as stored."""

    text: str
    created_at: datetime
    updated_at: datetime
