"""AWS::VpcLattice::*: the types of a service network; the application creates services and target groups."""

import json
from collections.abc import Mapping
from typing import Any

from local_aws.stack.resources import Made, Properties, Provider, client


def _tags(properties: Properties) -> dict[str, Any]:
    tags = {tag["Key"]: tag["Value"] for tag in properties.get("Tags", ())}
    return {"tags": tags} if tags else {}


def _chosen(properties: Properties, names: Mapping[str, str]) -> dict[str, Any]:
    return {ours: properties[theirs] for theirs, ours in names.items() if theirs in properties}


def _create_network(properties: Properties, name: str) -> Made:
    settings = _chosen(properties, {"AuthType": "authType", "SharingConfig": "sharingConfig"})
    network = client("vpc-lattice").create_service_network(
        name=str(properties.get("Name", name)).lower()[:63].strip("-"), **settings, **_tags(properties)
    )
    return Made(network["arn"], {"Arn": network["arn"], "Id": network["id"]})


def _update_network(made: Made, properties: Properties, _name: str) -> Made:
    client("vpc-lattice").update_service_network(
        serviceNetworkIdentifier=made.attributes["Id"], authType=properties.get("AuthType", "NONE")
    )
    return made


def _delete_network(made: Made, _properties: Properties) -> None:
    client("vpc-lattice").delete_service_network(serviceNetworkIdentifier=made.attributes["Id"])


def _create_vpc_association(properties: Properties, _name: str) -> Made:
    service = client("vpc-lattice")
    association = service.create_service_network_vpc_association(
        serviceNetworkIdentifier=properties["ServiceNetworkIdentifier"],
        vpcIdentifier=properties["VpcIdentifier"],
        **_chosen(properties, {"SecurityGroupIds": "securityGroupIds"}),
        **_tags(properties),
    )
    identifier = association["id"]

    def is_active() -> bool:
        found = service.get_service_network_vpc_association(serviceNetworkVpcAssociationIdentifier=identifier)
        return bool(found["status"] == "ACTIVE")

    return Made(association["arn"], {"Arn": association["arn"], "Id": identifier}, is_active)


def _delete_vpc_association(made: Made, _properties: Properties) -> None:
    client("vpc-lattice").delete_service_network_vpc_association(
        serviceNetworkVpcAssociationIdentifier=made.attributes["Id"]
    )


def _create_service_association(properties: Properties, _name: str) -> Made:
    service = client("vpc-lattice")
    association = service.create_service_network_service_association(
        serviceNetworkIdentifier=properties["ServiceNetworkIdentifier"],
        serviceIdentifier=properties["ServiceIdentifier"],
        **_tags(properties),
    )
    identifier = association["id"]

    def is_active() -> bool:
        found = service.get_service_network_service_association(serviceNetworkServiceAssociationIdentifier=identifier)
        return bool(found["status"] == "ACTIVE")

    return Made(association["arn"], {"Arn": association["arn"], "Id": identifier}, is_active)


def _delete_service_association(made: Made, _properties: Properties) -> None:
    client("vpc-lattice").delete_service_network_service_association(
        serviceNetworkServiceAssociationIdentifier=made.attributes["Id"]
    )


def _create_access_logs(properties: Properties, _name: str) -> Made:
    subscription = client("vpc-lattice").create_access_log_subscription(
        resourceIdentifier=properties["ResourceIdentifier"],
        destinationArn=properties["DestinationArn"],
        **_chosen(properties, {"ServiceNetworkLogType": "serviceNetworkLogType"}),
        **_tags(properties),
    )
    arn = subscription["arn"]
    attributes = {
        "Arn": arn,
        "Id": subscription["id"],
        "ResourceArn": subscription.get("resourceArn", ""),
        "ResourceId": subscription.get("resourceId", ""),
    }
    return Made(arn, attributes)


def _delete_access_logs(made: Made, _properties: Properties) -> None:
    client("vpc-lattice").delete_access_log_subscription(accessLogSubscriptionIdentifier=made.attributes["Id"])


def _policy(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _create_auth_policy(properties: Properties, _name: str) -> Made:
    put = client("vpc-lattice").put_auth_policy(
        resourceIdentifier=properties["ResourceIdentifier"], policy=_policy(properties["Policy"])
    )
    return Made(properties["ResourceIdentifier"], {"State": put.get("state", "Active")})


def _delete_auth_policy(_made: Made, properties: Properties) -> None:
    client("vpc-lattice").delete_auth_policy(resourceIdentifier=properties["ResourceIdentifier"])


def _create_resource_policy(properties: Properties, _name: str) -> Made:
    client("vpc-lattice").put_resource_policy(
        resourceArn=properties["ResourceArn"], policy=_policy(properties["Policy"])
    )
    return Made(properties["ResourceArn"])


def _delete_resource_policy(_made: Made, properties: Properties) -> None:
    client("vpc-lattice").delete_resource_policy(resourceArn=properties["ResourceArn"])


_ARN_AND_ID = frozenset({"Arn", "Id"})

PROVIDERS = (
    Provider("AWS::VpcLattice::ServiceNetwork", _create_network, _delete_network, _ARN_AND_ID, "Name", _update_network),
    Provider(
        "AWS::VpcLattice::ServiceNetworkVpcAssociation", _create_vpc_association, _delete_vpc_association, _ARN_AND_ID
    ),
    Provider(
        "AWS::VpcLattice::ServiceNetworkServiceAssociation",
        _create_service_association,
        _delete_service_association,
        _ARN_AND_ID,
    ),
    Provider(
        "AWS::VpcLattice::AccessLogSubscription",
        _create_access_logs,
        _delete_access_logs,
        _ARN_AND_ID | {"ResourceArn", "ResourceId"},
    ),
    Provider("AWS::VpcLattice::AuthPolicy", _create_auth_policy, _delete_auth_policy, frozenset({"State"})),
    Provider("AWS::VpcLattice::ResourcePolicy", _create_resource_policy, _delete_resource_policy),
)
