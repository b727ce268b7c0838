"""Everything that an account holds, of all services that the application or its deployment touch, by the services' lists."""

from collections.abc import Callable
from typing import Any

from local_aws import server

type Lister = Callable[[], list[str]]


def inventory(aws: server.LocalAws) -> set[str]:
    """Names of all there is, each with its kind in front: what is in one inventory and not in another was left behind."""
    return {f"{kind} {name}" for kind, lister in _listers(aws).items() for name in lister()}


def _listers(aws: server.LocalAws) -> dict[str, Lister]:
    def listed(service: str, operation: str, key: str, name: str = "", **given: Any) -> Lister:
        def found() -> list[str]:
            client = aws.client(service)
            if client.can_paginate(operation):
                pages = client.get_paginator(operation).paginate(**given)
                items = [item for page in pages for item in page.get(key, ())]
            else:
                items = getattr(client, operation)(**given).get(key, ())
            return [str(item[name] if name else item) for item in items]

        return found

    return {
        "stack": listed("cloudformation", "describe_stacks", "Stacks", "StackName"),
        "export": listed("cloudformation", "list_exports", "Exports", "Name"),
        "function": listed("lambda", "list_functions", "Functions", "FunctionName"),
        "layer": listed("lambda", "list_layers", "Layers", "LayerName"),
        "event source mapping": listed("lambda", "list_event_source_mappings", "EventSourceMappings", "UUID"),
        "queue": listed("sqs", "list_queues", "QueueUrls"),
        "topic": listed("sns", "list_topics", "Topics", "TopicArn"),
        "subscription": listed("sns", "list_subscriptions", "Subscriptions", "SubscriptionArn"),
        "table": listed("dynamodb", "list_tables", "TableNames"),
        "role": listed("iam", "list_roles", "Roles", "RoleName"),
        "policy": listed("iam", "list_policies", "Policies", "PolicyName", Scope="Local"),
        "log group": listed("logs", "describe_log_groups", "logGroups", "logGroupName"),
        "alarm": listed("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
        "dashboard": listed("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
        "rule": listed("events", "list_rules", "Rules", "Name"),
        "schedule": listed("scheduler", "list_schedules", "Schedules", "Name"),
        "Lattice service": listed("vpc-lattice", "list_services", "items", "name"),
        "target group": listed("vpc-lattice", "list_target_groups", "items", "name"),
        "service network": listed("vpc-lattice", "list_service_networks", "items", "name"),
        "network's VPC": lambda: _of_networks(aws, "list_service_network_vpc_associations"),
        "network's service": lambda: _of_networks(aws, "list_service_network_service_associations"),
        "security group": listed("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
        "security group rule": lambda: _rules(aws),
        "tagged": listed(
            "resourcegroupstaggingapi",
            "get_resources",
            "ResourceTagMappingList",
            "ResourceARN",
            TagFilters=[{"Key": "ecs-lattice:owner"}],
        ),
        "object": lambda: _objects(aws),
    }


def _of_networks(aws: server.LocalAws, operation: str) -> list[str]:
    lattice = aws.client("vpc-lattice")
    networks = [network["id"] for network in lattice.list_service_networks()["items"]]
    pages = [getattr(lattice, operation)(serviceNetworkIdentifier=network) for network in networks]
    return [item["arn"] for page in pages for item in page["items"]]


def _rules(aws: server.LocalAws) -> list[str]:
    pages = aws.client("ec2").get_paginator("describe_security_group_rules").paginate()
    rules = [rule for page in pages for rule in page["SecurityGroupRules"]]
    return [f"{one['SecurityGroupRuleId']} {'out of' if one['IsEgress'] else 'into'} {one['GroupId']}" for one in rules]


def _objects(aws: server.LocalAws) -> list[str]:
    s3 = aws.client("s3")
    buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    return [f"{name}/{one['Key']}" for name in buckets for one in s3.list_objects_v2(Bucket=name).get("Contents", ())]


__all__ = ["inventory"]
