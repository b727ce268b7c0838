"""CloudFormation of the local AWS: SAM, what moto lacks, and refusals that name what is wrong."""

import json
import shutil

import pytest
from botocore.exceptions import ClientError

from local_aws.stack import StackError, settings, transform
from tests.local_aws.conftest import wait_until

TOPIC = {"Type": "AWS::SNS::Topic"}


class RolledBackError(Exception):
    """A stack could not be made; the text is every reason that its events give."""


def settled(aws, name):
    """The stack once its operation has ended: the call that began it waits only until all resources have been processed."""

    def ended():
        stack = aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        return None if stack["StackStatus"].endswith("IN_PROGRESS") else stack

    return wait_until(ended)


def make(aws, name, template, **parameters):
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    service = aws.client("cloudformation")
    service.create_stack(
        StackName=name, TemplateBody=json.dumps(template), Parameters=given, Capabilities=["CAPABILITY_IAM"]
    )
    described = settled(aws, name)
    if described["StackStatus"] == "ROLLBACK_COMPLETE":
        events = service.describe_stack_events(StackName=name)["StackEvents"]
        raise RolledBackError(*[event.get("ResourceStatusReason") for event in events])
    return {o["OutputKey"]: o["OutputValue"] for o in described.get("Outputs", ())}


def test_a_build_becomes_a_stack_with_its_outputs(aws):
    stack = aws.client("cloudformation").describe_stacks(StackName="fixture")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]} == aws.outputs
    made = aws.client("cloudformation").describe_stack_resources(StackName="fixture")["StackResources"]
    assert {
        "AWS::Lambda::Function",
        "AWS::Lambda::LayerVersion",
        "AWS::Scheduler::Schedule",
        "AWS::SQS::QueuePolicy",
    } <= {resource["ResourceType"] for resource in made}
    assert all(resource["PhysicalResourceId"] for resource in made)


def test_the_function_is_what_the_template_says(aws):
    function = aws.client("lambda").get_function(FunctionName=aws.outputs["Worker"])["Configuration"]
    assert function["Timeout"] == 2
    assert function["Handler"] == "app.handler"
    assert len(function["Layers"]) == 1
    assert function["LoggingConfig"]["LogFormat"] == "JSON"
    config = aws.client("lambda").get_function_event_invoke_config(FunctionName=aws.outputs["Worker"])
    assert config["MaximumRetryAttempts"] == 1
    mappings = aws.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    bells = next(m for m in mappings if not m["EventSourceArn"].endswith(".fifo"))
    assert bells["MaximumBatchingWindowInSeconds"] == 5
    assert bells["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_a_type_that_cannot_be_made_is_refused_by_name_and_nothing_is_made(aws):
    template = {
        "Resources": {"Topic": TOPIC, "Beans": {"Type": "AWS::Coffee::Beans"}, "Cup": {"Type": "AWS::Coffee::Cup"}}
    }
    with pytest.raises(ClientError) as refused:
        make(aws, "unknown-type", template)
    message = refused.value.response["Error"]["Message"]
    assert "Beans (AWS::Coffee::Beans), Cup (AWS::Coffee::Cup)" in message
    assert "Topic" not in message
    with pytest.raises(ClientError, match="does not exist"):
        aws.client("cloudformation").describe_stacks(StackName="unknown-type")


def test_a_resource_that_fails_is_named_with_its_reason(aws):
    template = {
        "Resources": {
            "Network": {
                "Type": "AWS::VpcLattice::ServiceNetwork",
                "Properties": {"Name": "in_valid", "AuthType": "NONE"},
            }
        }
    }
    with pytest.raises(RolledBackError, match=r"Network \(AWS::VpcLattice::ServiceNetwork\)"):
        make(aws, "failing", template)
    stack = aws.client("cloudformation").describe_stacks(StackName="failing")["Stacks"][0]
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ({"Resources": {"T": TOPIC}, "Outputs": {"X": {"Value": {"Fn::GetAtt": ["Nobody", "Arn"]}}}}, "Nobody"),
        ({"Resources": {"T": {**TOPIC, "Properties": {"TopicName": {"Ref": "Nobody"}}}}}, "Nobody in T"),
        ({"Resources": {"T": {**TOPIC, "Properties": {"TopicName": {"Fn::Sub": "a-${Nobody}-${!Literal}"}}}}}, "Nobody in T"),
        ({"Resources": {"T": {**TOPIC, "DependsOn": ["T", "Nobody"]}}}, "Nobody in T"),
        ({"Transform": "AWS::Serverless-2016-10-31", "Resources": {"F": {"Type": "AWS::Serverless::Function", "Properties": {}}}}, "F"),
        ({"Transform": ["AWS::Serverless-2016-10-31", "Our-Macro"], "Resources": {"T": TOPIC}}, "Our-Macro"),
        ({"Description": "empty"}, "Resources"),
    ],
)  # fmt: skip
def test_a_template_that_means_nothing_is_refused_with_what_is_wrong(aws, template, words):
    with pytest.raises(ClientError) as refused:
        make(aws, "meaningless", template)
    assert refused.value.response["Error"]["Code"] in ("ValidationError", "Template Error")
    assert words in refused.value.response["Error"]["Message"]
    assert "meaningless" not in {s["StackName"] for s in aws.client("cloudformation").describe_stacks()["Stacks"]}


def test_an_attribute_that_a_resource_does_not_have_is_named_and_what_was_made_is_taken_away(aws):
    topic = {**TOPIC, "Properties": {"TopicName": {"Fn::GetAtt": "Q.Sound"}}}
    before = aws.client("sqs").list_queues()["QueueUrls"]
    with pytest.raises(RolledBackError, match="resource Q does not support attribute type Sound"):
        make(aws, "soundless", {"Resources": {"T": topic, "Q": {"Type": "AWS::SQS::Queue"}}})
    assert aws.client("sqs").list_queues()["QueueUrls"] == before


PARAMETERS = {
    "Parameters": {
        "Name": {"Type": "String", "AllowedPattern": "[a-z]+", "ConstraintDescription": "lower case letters."},
        "Size": {"Type": "Number", "Default": 2, "MinValue": 1, "MaxValue": 3},
        "List": {"Type": "CommaDelimitedList", "Default": "a,b"},
        "Kind": {"Type": "String", "Default": "x", "AllowedValues": ["x", "y"]},
        "Short": {"Type": "String", "Default": "", "MaxLength": 3},
    },
    "Resources": {"Topic": TOPIC},
    "Outputs": {"All": {"Value": {"Fn::Join": ["-", {"Ref": "List"}]}}},
}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "Name has no value"),
        ({"Name": "UPPER"}, "Name = 'UPPER': lower case letters."),
        ({"Name": "a", "Size": "4"}, "Size = '4': a number from 1 to 3"),
        ({"Name": "a", "Size": "many"}, "Size = 'many'"),
        ({"Name": "a", "Kind": "z"}, "Kind = 'z': allowed are x, y"),
        ({"Name": "a", "Short": "long"}, "Short = 'long'"),
        ({"Name": "a", "Other": "z"}, "Other is not a parameter"),
    ],
)
def test_a_parameter_that_the_template_does_not_allow_is_refused(aws, given, words):
    with pytest.raises(ClientError) as refused:
        make(aws, "parametrised", PARAMETERS, **given)
    assert words in refused.value.response["Error"]["Message"]


def test_lists_are_split_whether_given_or_by_default(aws):
    assert make(aws, "by-default", PARAMETERS, Name="a") == {"All": "a-b"}
    assert make(aws, "given", PARAMETERS, Name="a", List="c,d,e") == {"All": "c-d-e"}


def test_no_value_leaves_lists_too(aws):
    policy = aws.client("sqs").get_queue_attributes(QueueUrl=aws.outputs["Bells"], AttributeNames=["Policy"])
    assert [s["Effect"] for s in json.loads(policy["Attributes"]["Policy"])["Statement"]] == ["Allow"]


def test_a_service_network_with_its_association_and_policy_is_made_and_deleted(aws, eventually):
    vpc = aws.client("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    network = {"Fn::GetAtt": ["Network", "Arn"]}
    template = {
        "Resources": {
            "Network": {
                "Type": "AWS::VpcLattice::ServiceNetwork",
                "Properties": {"Name": "made", "AuthType": "AWS_IAM"},
            },
            "Association": {
                "Type": "AWS::VpcLattice::ServiceNetworkVpcAssociation",
                "Properties": {"ServiceNetworkIdentifier": network, "VpcIdentifier": vpc},
            },
            "Policy": {
                "Type": "AWS::VpcLattice::AuthPolicy",
                "Properties": {"ResourceIdentifier": network, "Policy": {"Version": "2012-10-17", "Statement": []}},
            },
            "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/made"}},
            "Access": {
                "Type": "AWS::VpcLattice::AccessLogSubscription",
                "Properties": {"ResourceIdentifier": network, "DestinationArn": {"Fn::GetAtt": ["Logs", "Arn"]}},
            },
        },
        "Outputs": {"Id": {"Value": {"Fn::GetAtt": ["Network", "Id"]}}},
    }
    identifier = make(aws, "network", template)["Id"]
    service, stacks = aws.client("vpc-lattice"), aws.client("cloudformation")
    assert service.get_service_network(serviceNetworkIdentifier=identifier)["authType"] == "AWS_IAM"
    assert service.list_access_log_subscriptions(resourceIdentifier=identifier)["items"]
    eventually(lambda: stacks.describe_stacks(StackName="network")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE")
    association = service.list_service_network_vpc_associations(serviceNetworkIdentifier=identifier)["items"][0]
    assert (association["vpcId"], association["status"]) == (vpc, "ACTIVE")


def test_what_is_retained_survives_its_stack(aws):
    template = {
        "Resources": {
            "Kept": {"Type": "AWS::SQS::Queue", "DeletionPolicy": "RetainExceptOnCreate"},
            "Gone": {"Type": "AWS::SQS::Queue"},
        },
        "Outputs": {"Kept": {"Value": {"Ref": "Kept"}}, "Gone": {"Value": {"Ref": "Gone"}}},
    }
    outputs = make(aws, "retaining", template)
    aws.client("cloudformation").delete_stack(StackName="retaining")
    urls = [url.rpartition("/")[2] for url in aws.client("sqs").list_queues()["QueueUrls"]]
    assert outputs["Kept"].rpartition("/")[2] in urls
    assert outputs["Gone"].rpartition("/")[2] not in urls


def test_a_change_set_leaves_a_stack_with_new_outputs(aws):
    service = aws.client("cloudformation")
    first = {"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}, "Outputs": {"A": {"Value": "1"}}}
    for kind, template in (
        ("CREATE", first),
        ("UPDATE", {**first, "Outputs": {"B": {"Value": {"Ref": "AWS::Region"}}}}),
    ):
        service.create_change_set(
            StackName="changing", ChangeSetName=kind.lower(), ChangeSetType=kind, TemplateBody=json.dumps(template)
        )
        service.execute_change_set(StackName="changing", ChangeSetName=kind.lower())
    stack = service.describe_stacks(StackName="changing")["Stacks"][0]
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert [(o["OutputKey"], o["OutputValue"]) for o in stack["Outputs"]] == [("B", "us-east-1")]


def test_an_update_changes_a_function_in_place(aws):
    code = {"ZipFile": "def handler(event, context): return 1"}
    trust = {
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]
    }
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}

    def template(timeout):
        properties = {"Code": code, "Handler": "index.handler", "Runtime": "python3.13", "Timeout": timeout}
        properties["Role"] = {"Fn::GetAtt": ["Role", "Arn"]}
        return {
            "Resources": {"Role": role, "F": {"Type": "AWS::Lambda::Function", "Properties": properties}},
            "Outputs": {"Name": {"Value": {"Ref": "F"}}},
        }

    name = make(aws, "updating", template(5))["Name"]
    answer = aws.client("lambda").invoke(FunctionName=name)
    assert answer["Payload"].read() == b"1"
    aws.client("cloudformation").update_stack(
        StackName="updating", TemplateBody=json.dumps(template(7)), Capabilities=["CAPABILITY_IAM"]
    )
    assert aws.client("lambda").get_function(FunctionName=name)["Configuration"]["Timeout"] == 7


def test_a_build_that_is_not_there_is_said_with_the_way_to_it(aws, tmp_path):
    with pytest.raises(StackError, match="sam build"):
        aws.load(tmp_path)


def test_an_artifact_that_is_not_there_is_named(aws, built, tmp_path):
    shutil.copytree(built, tmp_path / "build")
    shutil.rmtree(tmp_path / "build" / "Worker")
    with pytest.raises(StackError, match=r"^Worker: the built artifact .* does not exist"):
        aws.load(tmp_path / "build", "broken")


def test_every_type_of_the_applications_template_can_be_made():
    from local_aws import stack

    stack.install()
    wanted = {
        "AWS::CloudWatch::Alarm", "AWS::DynamoDB::Table", "AWS::Events::Rule", "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Role", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::EventSourceMapping", "AWS::Lambda::Permission",
        "AWS::Logs::LogGroup", "AWS::SNS::Topic", "AWS::SQS::QueuePolicy", "AWS::Scheduler::Schedule",
    }  # fmt: skip
    assert wanted <= set(transform.known_types())


def test_samconfig_gives_name_and_parameters(tmp_path):
    file = tmp_path / "samconfig.toml"
    assert (settings.stack_name(file), settings.parameter_overrides(file)) == ("ecs-lattice", {})
    file.write_text(
        'version = 0.1\n[default.global.parameters]\nstack_name = "mine"\n'
        "[default.deploy.parameters]\nparameter_overrides = 'A=1 B=\"two words\" C=x=y'\n"
        '[dev.deploy.parameters]\nparameter_overrides = ["D=4"]\n'
        '[bad.deploy.parameters]\nparameter_overrides = "nothing"\n'
    )
    assert settings.stack_name(file) == "mine"
    assert settings.parameter_overrides(file) == {"A": "1", "B": "two words", "C": "x=y"}
    assert settings.parameter_overrides(file, "dev") == {"D": "4"}
    with pytest.raises(ValueError, match="'nothing', which is not Name=value"):
        settings.parameter_overrides(file, "bad")


# Security groups and their rules.


def lattice_list(aws, family=""):
    wanted = [{"Name": "prefix-list-name", "Values": [f"com.amazonaws.us-east-1.{family}vpc-lattice"]}]
    return aws.client("ec2").describe_managed_prefix_lists(Filters=wanted)["PrefixLists"][0]["PrefixListId"]


def change(aws, name, template):
    aws.client("cloudformation").update_stack(StackName=name, TemplateBody=json.dumps(template))
    return {o["OutputKey"]: o["OutputValue"] for o in settled(aws, name).get("Outputs", ())}


def rules_of(aws, group, *, egress=False):
    """Rule id by (port, other end, description)."""
    wanted = [{"Name": "group-id", "Values": [group]}]
    ends = ("PrefixListId", "CidrIpv4", "CidrIpv6")
    return {
        (
            rule["FromPort"],
            next((rule[end] for end in ends if end in rule), rule.get("ReferencedGroupInfo", {}).get("GroupId")),
            rule.get("Description"),
        ): rule["SecurityGroupRuleId"]
        for rule in aws.client("ec2").describe_security_group_rules(Filters=wanted)["SecurityGroupRules"]
        if rule["IsEgress"] is egress
    }


def group_with(inbound, outbound=None, **more):
    properties = {"GroupDescription": "tried", "SecurityGroupIngress": inbound, **more}
    if outbound is not None:
        properties["SecurityGroupEgress"] = outbound
    return {"Type": "AWS::EC2::SecurityGroup", "Properties": properties}


def test_a_security_group_has_the_rules_of_its_template_and_they_change_in_place(aws):
    ours, theirs = lattice_list(aws), lattice_list(aws, "ipv6.")
    tcp = {"IpProtocol": "tcp", "FromPort": "80", "ToPort": 81}
    inbound = [
        {**tcp, "SourcePrefixListId": ours, "Description": "four"},
        {**tcp, "SourcePrefixListId": theirs},
        {**tcp, "CidrIpv6": "2001:db8::/32"},
    ]
    outputs = {"Group": {"Value": {"Fn::GetAtt": "Group.GroupId"}}, "Ref": {"Value": {"Ref": "Group"}}}
    made = make(aws, "group", {"Resources": {"Group": group_with(inbound)}, "Outputs": outputs})
    group = made["Group"]
    assert made["Ref"] == group
    before = rules_of(aws, group)
    assert set(before) == {(80, ours, "four"), (80, theirs, None), (80, "2001:db8::/32", None)}
    assert set(rules_of(aws, group, egress=True)) == {(-1, "0.0.0.0/0", None)}

    inbound[1:] = [{"IpProtocol": "tcp", "FromPort": 90, "ToPort": 90, "CidrIp": "10.0.0.0/8"}]
    outbound = [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "DestinationPrefixListId": ours}]
    tags = [{"Key": "team", "Value": "shop"}]
    template = {"Resources": {"Group": group_with(inbound, outbound, Tags=tags)}, "Outputs": outputs}
    assert change(aws, "group", template)["Group"] == group
    after = rules_of(aws, group)
    assert set(after) == {(80, ours, "four"), (90, "10.0.0.0/8", None)}
    assert after[80, ours, "four"] == before[80, ours, "four"]
    assert set(rules_of(aws, group, egress=True)) == {(443, ours, None)}
    assert aws.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["Tags"] == tags

    template = {"Resources": {"Group": group_with(inbound, GroupDescription="another")}, "Outputs": outputs}
    replaced = change(aws, "group", template)["Group"]
    assert set(rules_of(aws, replaced)) == set(after)
    aws.client("cloudformation").delete_stack(StackName="group")
    for gone in (group, replaced):
        with pytest.raises(ClientError, match="does not exist"):
            aws.client("ec2").describe_security_groups(GroupIds=[gone])


def test_a_separate_rule_is_made_described_replaced_and_deleted(aws):
    ours = lattice_list(aws)
    group = aws.client("ec2").create_security_group(GroupName="separate", Description="separate")["GroupId"]

    def template(**properties):
        rule = {"GroupId": group, "IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "SourcePrefixListId": ours}
        resource = {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": {**rule, **properties}}
        outputs = {"Id": {"Value": {"Ref": "Rule"}}, "Same": {"Value": {"Fn::GetAtt": "Rule.Id"}}}
        return {"Resources": {"Rule": resource}, "Outputs": outputs}

    made = make(aws, "rule", template(Description="first"))
    assert rules_of(aws, group) == {(80, ours, "first"): made["Id"]}
    assert made["Same"] == made["Id"]
    described = change(aws, "rule", template(Description="second"))
    assert rules_of(aws, group) == {(80, ours, "second"): made["Id"]}
    assert described == made
    replaced = change(aws, "rule", template(FromPort=79))
    assert rules_of(aws, group) == {(79, ours, None): replaced["Id"]}
    assert replaced["Id"] != made["Id"]
    aws.client("cloudformation").delete_stack(StackName="rule")
    assert rules_of(aws, group) == {}


def test_a_rule_without_exactly_one_other_end_is_refused_and_leaves_no_group(aws):
    rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80}
    for number, wrong in enumerate((rule, {**rule, "CidrIp": "10.0.0.0/8", "CidrIpv6": "2001:db8::/32"})):
        with pytest.raises(RolledBackError, match="exactly one of CidrIp"):
            make(aws, f"no-end-{number}", {"Resources": {"Group": group_with([wrong], GroupName="no-end")}})
    wrong = {**rule, "SourcePrefixListId": "pl-00000000"}
    with pytest.raises(RolledBackError, match="'pl-00000000' does not exist"):
        make(aws, "no-list", {"Resources": {"Group": group_with([wrong], GroupName="no-end")}})
    groups = aws.client("ec2").describe_security_groups()["SecurityGroups"]
    assert "no-end" not in {group["GroupName"] for group in groups}
