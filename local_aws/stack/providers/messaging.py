"""Topics, their subscriptions, policies of queues and topics, and EventBridge Scheduler."""

import json
from typing import Any

from local_aws.stack.resources import Made, Properties, Provider, ResourceError, client

_TOPIC_ATTRIBUTES = (
    "ContentBasedDeduplication", "DisplayName", "FifoTopic", "KmsMasterKeyId", "SignatureVersion", "TracingConfig",
)  # fmt: skip
_TOPIC_OTHERS = ("Subscription", "Tags", "TopicName")


def _topic_attributes(properties: Properties, name: str) -> dict[str, str]:
    strange = sorted(set(properties) - {*_TOPIC_ATTRIBUTES, *_TOPIC_OTHERS})
    if strange:
        raise ResourceError(
            f"{name} (AWS::SNS::Topic): the local AWS does not know the properties {', '.join(strange)}"
        )
    return {key: _text(properties[key]) for key in _TOPIC_ATTRIBUTES if key in properties}


def _create_topic(properties: Properties, name: str) -> Made:
    topic_name, attributes = properties.get("TopicName", name), _topic_attributes(properties, name)
    arn = client("sns").create_topic(Name=topic_name, Attributes=attributes, Tags=properties.get("Tags", []))[
        "TopicArn"
    ]
    for subscription in properties.get("Subscription", ()):
        client("sns").subscribe(TopicArn=arn, Protocol=subscription["Protocol"], Endpoint=subscription["Endpoint"])
    return Made(arn, {"TopicArn": arn, "TopicName": topic_name})


def _update_topic(made: Made, properties: Properties, name: str) -> Made:
    """In place, to keep its subscriptions; a new name needs a new topic."""
    if properties.get("TopicName", made.attributes["TopicName"]) != made.attributes["TopicName"]:
        _delete_topic(made, properties)
        return _create_topic(properties, name)
    wanted = _topic_attributes(properties, name)
    for key in ("DisplayName", "KmsMasterKeyId"):
        client("sns").set_topic_attributes(TopicArn=made.ref, AttributeName=key, AttributeValue=wanted.pop(key, ""))
    for key, value in wanted.items():
        if key != "FifoTopic":
            client("sns").set_topic_attributes(TopicArn=made.ref, AttributeName=key, AttributeValue=value)
    return made


def _delete_topic(made: Made, _properties: Properties) -> None:
    client("sns").delete_topic(TopicArn=made.ref)


def _create_queue_policy(properties: Properties, name: str) -> Made:
    policy = json.dumps(properties["PolicyDocument"])
    for url in properties["Queues"]:
        client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return Made(name, {"Id": name})


def _delete_queue_policy(_made: Made, properties: Properties) -> None:
    for url in properties["Queues"]:
        client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})


def _create_topic_policy(properties: Properties, name: str) -> Made:
    policy = json.dumps(properties["PolicyDocument"])
    for arn in properties["Topics"]:
        client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    return Made(name, {"Id": name})


def _delete_topic_policy(made: Made, properties: Properties) -> None:
    """Nothing to do: CloudFormation restores the topic's default policy, which the local AWS does not evaluate."""


def _create_subscription(properties: Properties, _name: str) -> Made:
    attributes = {
        key: _text(properties[key])
        for key in ("FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy")
        if key in properties
    }
    subscription = client("sns").subscribe(
        TopicArn=properties["TopicArn"],
        Protocol=properties["Protocol"],
        Endpoint=properties.get("Endpoint", ""),
        Attributes=attributes,
        ReturnSubscriptionArn=True,
    )
    return Made(subscription["SubscriptionArn"], {"Arn": subscription["SubscriptionArn"]})


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value)


def _delete_subscription(made: Made, _properties: Properties) -> None:
    client("sns").unsubscribe(SubscriptionArn=made.ref)


_SCHEDULE = (
    "Description", "EndDate", "FlexibleTimeWindow", "GroupName", "KmsKeyArn", "ScheduleExpression",
    "ScheduleExpressionTimezone", "StartDate", "State",
)  # fmt: skip


def _schedule(properties: Properties, name: str) -> dict[str, Any]:
    settings = {key: properties[key] for key in _SCHEDULE if key in properties}
    target = json.loads(json.dumps(properties["Target"]))
    for key in ("MaximumEventAgeInSeconds", "MaximumRetryAttempts"):
        if key in target.get("RetryPolicy", {}):
            target["RetryPolicy"][key] = int(target["RetryPolicy"][key])
    return {"Name": str(properties.get("Name", name))[:64], "Target": target, **settings}


def _create_schedule(properties: Properties, name: str) -> Made:
    settings = _schedule(properties, name)
    made = client("scheduler").create_schedule(**settings)
    return Made(settings["Name"], {"Arn": made["ScheduleArn"]})


def _update_schedule(made: Made, properties: Properties, _name: str) -> Made:
    client("scheduler").update_schedule(**{**_schedule(properties, made.ref), "Name": made.ref})
    return made


def _delete_schedule(made: Made, properties: Properties) -> None:
    group = {"GroupName": properties["GroupName"]} if "GroupName" in properties else {}
    client("scheduler").delete_schedule(Name=made.ref, **group)


def _create_group(properties: Properties, name: str) -> Made:
    name = str(properties.get("Name", name))[:64]
    made = client("scheduler").create_schedule_group(Name=name, Tags=properties.get("Tags", []))
    return Made(name, {"Arn": made["ScheduleGroupArn"]})


def _delete_group(made: Made, _properties: Properties) -> None:
    client("scheduler").delete_schedule_group(Name=made.ref)


PROVIDERS = (
    Provider(
        "AWS::SNS::Topic",
        _create_topic,
        _delete_topic,
        frozenset({"TopicArn", "TopicName"}),
        "TopicName",
        _update_topic,
    ),
    Provider("AWS::SQS::QueuePolicy", _create_queue_policy, _delete_queue_policy, frozenset({"Id"})),
    Provider("AWS::SNS::TopicPolicy", _create_topic_policy, _delete_topic_policy, frozenset({"Id"})),
    Provider("AWS::SNS::Subscription", _create_subscription, _delete_subscription, frozenset({"Arn"})),
    Provider(
        "AWS::Scheduler::Schedule", _create_schedule, _delete_schedule, frozenset({"Arn"}), "Name", _update_schedule
    ),
    Provider("AWS::Scheduler::ScheduleGroup", _create_group, _delete_group, frozenset({"Arn"}), "Name"),
)
