"""What outlives the stack, and that a second installation does not collide with it."""

import copy
from typing import Any

from local_aws.stack.changes import between

RETAINED = {
    "RegistryTable",
    "InfrastructureRole",
    "ServiceNetwork",
    "ServiceNetworkAuthPolicy",
    "Vpc1Association",
    "Vpc2Association",
    "Vpc3Association",
    "AccessLogGroup",
    "AccessLogSubscription",
}
FIXED_NAMES = {"RoleName", "TableName", "FunctionName", "PolicyName"}


def test_what_serves_traffic_or_remembers_is_kept_when_the_stack_is_deleted(resources):
    kept = {key for key, r in resources.items() if r.get("DeletionPolicy") == "RetainExceptOnCreate"}
    assert kept == RETAINED
    assert {key for key, r in resources.items() if r.get("UpdateReplacePolicy") == "Retain"} == RETAINED


def test_what_is_kept_has_no_name_that_the_next_installation_would_use_again(resources):
    for key in RETAINED:
        properties = resources[key]["Properties"]
        assert not FIXED_NAMES & set(properties), key
        for name in ("Name", "LogGroupName"):
            assert "AWS::StackId" in repr(properties.get(name, "AWS::StackId")), key


def part_of_the_stack_id(value: dict[str, Any]) -> str:
    """Which part of the UUID in the stack's id it is, by its name in UUIDs of version 1."""
    index, split = value["Fn::Select"]
    assert split == {"Fn::Split": ["-", {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}]}
    return ("time-low", "time-mid", "time-high", "clock", "node")[index]


def test_what_the_stack_keeps_has_the_name_that_it_had(of):
    """A network or log group under another name would be a new one: AWS replaces them when their name changes."""
    network = of.type("AWS::VpcLattice::ServiceNetwork")["ServiceNetwork"]["Name"]["Fn::If"][2]
    logs = of.type("AWS::Logs::LogGroup")["AccessLogGroup"]["LogGroupName"]
    for name, template in ((network, "ecs-lattice-${Id}"), (logs, "/aws/vendedlogs/vpc-lattice/ecs-lattice-${Id}")):
        text, values = name["Fn::Sub"]
        assert text == template
        assert part_of_the_stack_id(values["Id"]) == "node"


def named_after_the_host(resources: dict[str, Any]) -> dict[str, Any]:
    """The resources as an earlier version had them: its queues, too, were named after the last part."""
    before = copy.deepcopy(resources)
    for resource in before.values():
        if resource.get("Properties", {}).get("FifoQueue"):
            resource["Properties"]["QueueName"]["Fn::Sub"][1]["Id"]["Fn::Select"][0] = 4
    return before


def test_an_update_from_queues_named_after_the_host_replaces_nothing_that_is_kept(resources):
    changes = {change.name: change for change in between(named_after_the_host(resources), resources)}
    replaced = {name for name, change in changes.items() if change.replacement == "True"}
    assert replaced == {key for key, r in resources.items() if r.get("Properties", {}).get("FifoQueue")}
    kept = {name: change.replacement for name, change in changes.items() if name in RETAINED}
    assert set(kept.values()) <= {"False"}, kept


def test_fifo_queues_are_named_by_the_installation(of):
    for key, queue in of.type("AWS::SQS::Queue").items():
        if queue.get("FifoQueue"):
            template, values = queue["QueueName"]["Fn::Sub"]
            assert template.endswith("-${Id}.fifo"), key
            assert "AWS::StackId" in repr(values), key
            assert len(template.replace("${Id}", "0123456789ab")) <= 80
            assert part_of_the_stack_id(values["Id"]) == "time-low"  # stacks of one host share the last part
        else:
            assert "QueueName" not in queue, key


def test_the_registry_is_encrypted_recoverable_and_forgets_by_its_own_clock(of):
    (table,) = of.type("AWS::DynamoDB::Table").values()
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expiresAt", "Enabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert {k["AttributeName"]: k["KeyType"] for k in table["KeySchema"]} == {"pk": "HASH", "sk": "RANGE"}


def test_a_signed_network_never_stands_without_its_policy(resources):
    # VPC Lattice denies all requests when the auth type is AWS_IAM and there is no policy.
    assert resources["ServiceNetworkAuthPolicy"]["Condition"] == resources["ServiceNetwork"]["Condition"]
    (statement,) = resources["ServiceNetworkAuthPolicy"]["Properties"]["Policy"]["Statement"]
    condition = statement["Condition"]
    assert condition["StringNotEqualsIgnoreCase"] == {"aws:PrincipalType": "anonymous"}
    assert condition["StringEquals"]["Fn::If"] == [
        "NetworkTrustsOrganization",
        {"aws:PrincipalOrgID": {"Ref": "OrganizationId"}},
        {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}},
    ]


def test_outputs_name_what_an_operator_needs(translated, of):
    shown = repr(translated["Outputs"])
    operated = [
        "AWS::SQS::Queue",
        "AWS::Lambda::Function",
        "AWS::DynamoDB::Table",
        "AWS::SNS::Topic",
        "AWS::CloudWatch::Dashboard",
    ]
    for key in [key for kind in operated for key in of.type(kind)] + ["InfrastructureRole", "ServiceNetwork"]:
        assert f"'{key}" in shown, key


def test_the_service_token_is_exported_under_the_stacks_name(translated):
    output = translated["Outputs"]["IngressServiceToken"]
    assert output["Value"] == {"Fn::GetAtt": ["LatticeIngressFunction", "Arn"]}
    assert output["Export"] == {"Name": {"Fn::Sub": "${AWS::StackName}-IngressServiceToken"}}


def test_no_arn_names_a_partition_region_or_account(source):
    for part in ("arn:aws:", "us-east-1", "123456789012"):
        assert part not in repr(source["Resources"]), part
