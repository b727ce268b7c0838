"""Change sets of the local AWS: what they tell, when they are refused, and what executing them does."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from local_aws import server
from local_aws.stack import progress

SERVERLESS = "AWS::Serverless-2016-10-31"
QUEUE = {"Type": "AWS::SQS::Queue"}
ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
    },
}


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    with server.running(speed=60, state_dir=tmp_path_factory.mktemp("state")) as running:
        yield running


@pytest.fixture
def stacks(aws):
    return aws.client("cloudformation")


def propose(stacks, stack, template, name="one", kind="CREATE", **more):
    body = template if isinstance(template, str) else json.dumps(template)
    stacks.create_change_set(StackName=stack, ChangeSetName=name, ChangeSetType=kind, TemplateBody=body, **more)
    return stacks.describe_change_set(StackName=stack, ChangeSetName=name)


def execute(stacks, stack, name="one"):
    stacks.execute_change_set(StackName=stack, ChangeSetName=name)
    return status(stacks, stack)


def status(stacks, stack):
    return stacks.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]


def told(described):
    return [
        (one["Action"], one["LogicalResourceId"], one.get("Replacement"))
        for one in (change["ResourceChange"] for change in described["Changes"])
    ]


def resources(**given):
    return {"Resources": given}


def test_a_proposal_says_what_it_adds_and_makes_nothing_before_it_is_executed(aws, stacks):
    described = propose(stacks, "new", resources(Q=QUEUE, T={"Type": "AWS::SNS::Topic"}))
    assert (described["Status"], described["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert told(described) == [("Add", "Q", None), ("Add", "T", None)]
    assert status(stacks, "new") == "REVIEW_IN_PROGRESS"
    assert "new-T" not in str(aws.client("sns").list_topics()["Topics"])
    assert execute(stacks, "new") == "CREATE_COMPLETE"
    assert "new-T" in str(aws.client("sns").list_topics()["Topics"])
    events = [e["ResourceStatus"] for e in stacks.describe_stack_events(StackName="new")["StackEvents"]]
    assert (events[-1], events[0]) == ("REVIEW_IN_PROGRESS", "CREATE_COMPLETE")
    times = [e["Timestamp"] for e in stacks.describe_stack_events(StackName="new")["StackEvents"]]
    assert len(set(times)) == len(times)


def test_what_replaces_what_only_changes_and_what_follows_is_told_apart(stacks):
    def template(name, delay):
        queue = {**QUEUE, "Properties": {"QueueName": name, "DelaySeconds": delay}}
        topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Fn::GetAtt": ["Q", "Arn"]}}}
        reader = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Q"}}}
        return resources(Q=queue, T=topic, P=reader, Alone=QUEUE)

    propose(stacks, "kinds", template("kinds-a", 1))
    execute(stacks, "kinds")
    described = propose(stacks, "kinds", template("kinds-a", 2), "delay", "UPDATE")
    assert told(described) == [("Modify", "Q", "False"), ("Modify", "T", "False")]  # by Fn::GetAtt, not by Ref
    detail = described["Changes"][1]["ResourceChange"]["Details"][0]
    assert (detail["Evaluation"], detail["Target"]["RequiresRecreation"]) == ("Dynamic", "Never")
    described = propose(stacks, "kinds", template("kinds-b", 1), "name", "UPDATE")
    assert told(described) == [("Modify", "Q", "True"), ("Modify", "T", "False"), ("Modify", "P", "False")]
    assert described["Changes"][0]["ResourceChange"]["PhysicalResourceId"].endswith("kinds-a")


CONDITIONAL = {
    "Parameters": {"More": {"Type": "String", "Default": "no"}, "Delay": {"Type": "Number", "Default": 1}},
    "Conditions": {"HasMore": {"Fn::Equals": [{"Ref": "More"}, "yes"]}},
    "Resources": {
        "Q": {**QUEUE, "Properties": {"DelaySeconds": {"Ref": "Delay"}}},
        "Extra": {"Type": "AWS::SNS::Topic", "Condition": "HasMore"},
        "Same": {
            "Type": "AWS::SNS::Topic",
            "Properties": {"DisplayName": {"Fn::If": ["HasMore", "name", "name"]}},
        },
    },
}


def test_a_parameter_changes_what_depends_on_it_and_a_condition_adds_and_removes(aws, stacks):
    def given(**values):
        return {"Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]}

    propose(stacks, "conditional", CONDITIONAL)
    execute(stacks, "conditional")
    topics = len(aws.client("sns").list_topics()["Topics"])
    described = propose(stacks, "conditional", CONDITIONAL, "more", "UPDATE", **given(More="yes"))
    assert told(described) == [("Add", "Extra", None)]
    assert execute(stacks, "conditional", "more") == "UPDATE_COMPLETE"
    assert len(aws.client("sns").list_topics()["Topics"]) == topics + 1
    described = propose(stacks, "conditional", CONDITIONAL, "less", "UPDATE", **given(More="no", Delay="2"))
    assert told(described) == [("Modify", "Q", "False"), ("Remove", "Extra", None)]
    assert execute(stacks, "conditional", "less") == "UPDATE_COMPLETE"
    assert len(aws.client("sns").list_topics()["Topics"]) == topics


def test_a_proposal_without_a_change_fails_with_what_clients_look_for(stacks):
    propose(stacks, "same", {**CONDITIONAL, "Transform": SERVERLESS}, Tags=[{"Key": "a", "Value": "b"}])
    execute(stacks, "same")
    again = {**CONDITIONAL, "Transform": SERVERLESS, "Description": "another text"}
    described = propose(stacks, "same", again, "again", "UPDATE", Tags=[{"Key": "a", "Value": "b"}])
    assert (described["Status"], described["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert "The submitted information didn't contain changes." in described["StatusReason"]
    with pytest.raises(stacks.exceptions.InvalidChangeSetStatusException, match="FAILED"):
        execute(stacks, "same", "again")
    with pytest.raises(ClientError, match="No updates are to be performed"):
        stacks.update_stack(StackName="same", TemplateBody=json.dumps(again), Tags=[{"Key": "a", "Value": "b"}])
    assert propose(stacks, "same", again, "tags", "UPDATE")["Status"] == "CREATE_COMPLETE"


def test_an_unknown_type_refuses_the_call_or_after_a_transform_fails_the_proposal(stacks):
    template = resources(Q=QUEUE, Beans={"Type": "AWS::Coffee::Beans"})
    with pytest.raises(ClientError, match=r"Beans \(AWS::Coffee::Beans\)"):
        propose(stacks, "beans", template)
    described = propose(stacks, "beans", {**template, "Transform": SERVERLESS})
    assert described["Status"] == "FAILED"
    assert "Beans (AWS::Coffee::Beans)" in described["StatusReason"]
    assert status(stacks, "beans") == "REVIEW_IN_PROGRESS"


@pytest.mark.parametrize(
    ("properties", "given", "lacking"),
    [
        ({}, [], "CAPABILITY_IAM"),
        ({}, ["CAPABILITY_IAM"], None),
        ({}, ["CAPABILITY_NAMED_IAM"], None),
        ({"RoleName": "mine"}, ["CAPABILITY_IAM"], "CAPABILITY_NAMED_IAM"),
        ({"RoleName": "mine"}, ["CAPABILITY_NAMED_IAM"], None),
    ],
)
def test_roles_ask_for_a_capability(stacks, properties, given, lacking):
    template = resources(R={**ROLE, "Properties": {**ROLE["Properties"], **properties}})
    late = propose(stacks, "roles", {**template, "Transform": SERVERLESS}, Capabilities=given)
    stacks.delete_stack(StackName="roles")
    if lacking is None:
        assert late["Status"] == "CREATE_COMPLETE"
        return
    assert (late["Status"], late["StatusReason"]) == ("FAILED", f"Requires capabilities : [{lacking}]")
    with pytest.raises(stacks.exceptions.InsufficientCapabilitiesException, match=lacking):
        propose(stacks, "roles", template, Capabilities=given)
    with pytest.raises(stacks.exceptions.InsufficientCapabilitiesException, match=lacking):
        stacks.create_stack(StackName="roles", TemplateBody=json.dumps(template), Capabilities=given)


def test_what_fails_is_rolled_back_and_says_why(aws, stacks):
    bad = {"Type": "AWS::VpcLattice::ServiceNetwork", "Properties": {"Name": "in_valid", "AuthType": "NONE"}}
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "rolled-back"}}
    kept = {**QUEUE, "DeletionPolicy": "RetainExceptOnCreate", "Properties": {"QueueName": "not-kept"}}
    propose(stacks, "bad", resources(T=topic, K=kept, N={**bad, "DependsOn": ["T", "K"]}))
    assert execute(stacks, "bad") == "ROLLBACK_COMPLETE"
    assert all("rolled-back" not in one["TopicArn"] for one in aws.client("sns").list_topics()["Topics"])
    assert all("not-kept" not in url for url in aws.client("sqs").list_queues().get("QueueUrls", ()))
    reasons = [e.get("ResourceStatusReason", "") for e in stacks.describe_stack_events(StackName="bad")["StackEvents"]]
    assert any("in_valid" in reason or "N (AWS::VpcLattice::ServiceNetwork)" in reason for reason in reasons)
    with pytest.raises(ClientError, match="ROLLBACK_COMPLETE state and can not be updated"):
        propose(stacks, "bad", resources(T=topic), "two", "UPDATE")

    propose(stacks, "turns", resources(Q={**QUEUE, "Properties": {"DelaySeconds": 1}}))
    execute(stacks, "turns")
    url = stacks.describe_stack_resources(StackName="turns")["StackResources"][0]["PhysicalResourceId"]
    worse = resources(Q={**QUEUE, "Properties": {"DelaySeconds": 9}}, T=topic, N={**bad, "DependsOn": ["T", "Q"]})
    propose(stacks, "turns", worse, "worse", "UPDATE")
    assert execute(stacks, "turns", "worse") == "UPDATE_ROLLBACK_COMPLETE"
    delay = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds"])["Attributes"]
    assert delay == {"DelaySeconds": "1"}
    assert all("rolled-back" not in one["TopicArn"] for one in aws.client("sns").list_topics()["Topics"])
    assert propose(stacks, "turns", worse, "again", "UPDATE")["Status"] == "CREATE_COMPLETE"


def test_a_failed_creation_is_left_as_it_is_on_request(aws, stacks):
    bad = {"Type": "AWS::VpcLattice::ServiceNetwork", "Properties": {"Name": "in_valid", "AuthType": "NONE"}}
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "left"}}
    propose(stacks, "left", resources(T=topic, N={**bad, "DependsOn": "T"}))
    stacks.execute_change_set(StackName="left", ChangeSetName="one", DisableRollback=True)
    assert status(stacks, "left") == "CREATE_FAILED"
    assert any(one["TopicArn"].endswith(":left") for one in aws.client("sns").list_topics()["Topics"])


def test_change_sets_are_of_one_stack_and_go_when_another_is_executed(stacks):
    propose(stacks, "first", resources(Q=QUEUE), "shared")
    propose(stacks, "second", resources(T={"Type": "AWS::SNS::Topic"}), "shared")
    propose(stacks, "second", resources(Q=QUEUE), "other")
    assert told(stacks.describe_change_set(StackName="first", ChangeSetName="shared")) == [("Add", "Q", None)]
    assert told(stacks.describe_change_set(StackName="second", ChangeSetName="shared")) == [("Add", "T", None)]
    with pytest.raises(stacks.exceptions.AlreadyExistsException):
        propose(stacks, "second", resources(Q=QUEUE), "other")
    execute(stacks, "second", "shared")
    listed = stacks.list_change_sets(StackName="second")["Summaries"]
    assert [(one["ChangeSetName"], one["ExecutionStatus"]) for one in listed] == [("shared", "EXECUTE_COMPLETE")]
    with pytest.raises(stacks.exceptions.ChangeSetNotFoundException, match="other"):
        execute(stacks, "second", "other")
    with pytest.raises(ClientError, match="already exists and cannot be created again"):
        propose(stacks, "second", resources(Q=QUEUE), "create")
    stacks.delete_change_set(StackName="first", ChangeSetName="shared")
    with pytest.raises(stacks.exceptions.ChangeSetNotFoundException):
        stacks.describe_change_set(StackName="first", ChangeSetName="shared")


def test_a_template_is_given_back_as_it_was_and_as_it_was_made(stacks):
    yaml = f"# a comment\nTransform: {SERVERLESS}\nResources:\n  Q: {{Type: AWS::SQS::Queue}}\n"
    propose(stacks, "text", yaml)
    assert stacks.get_template(StackName="text", ChangeSetName="one")["TemplateBody"] == yaml
    execute(stacks, "text")
    assert stacks.get_template(StackName="text")["TemplateBody"] == yaml
    made = stacks.get_template(StackName="text", TemplateStage="Processed")["TemplateBody"]
    assert "Transform" not in made
    assert made["Resources"]["Q"]["Type"] == "AWS::SQS::Queue"


def test_a_template_of_a_bucket_is_read_in_the_version_that_the_url_names(aws, stacks):
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="templates")
    s3.put_bucket_versioning(Bucket="templates", VersioningConfiguration={"Status": "Enabled"})
    put = [s3.put_object(Bucket="templates", Key="a/t", Body=json.dumps(resources(**{n: QUEUE}))) for n in ("A", "B")]
    base = f"{aws.endpoint_url}/templates/a/t"
    for url, name in ((base, "B"), (f"{base}?versionId={put[0]['VersionId']}", "A"), ("https://s3.amazonaws.com/templates/a/t", "B")):  # fmt: skip
        stacks.create_change_set(
            StackName="by-url", ChangeSetName=f"cs{len(url)}", ChangeSetType="CREATE", TemplateURL=url
        )
        described = stacks.describe_change_set(StackName="by-url", ChangeSetName=f"cs{len(url)}")
        assert told(described) == [("Add", name, None)]


def test_a_protected_stack_is_not_deleted_and_retained_resources_are_for_failed_deletions(stacks):
    stacks.create_stack(
        StackName="protected", TemplateBody=json.dumps(resources(Q=QUEUE)), EnableTerminationProtection=True
    )
    with pytest.raises(ClientError, match="TerminationProtection is enabled"):
        stacks.delete_stack(StackName="protected")
    propose(stacks, "whole", resources(Q=QUEUE))
    execute(stacks, "whole")
    with pytest.raises(ClientError, match="DELETE_FAILED"):
        stacks.delete_stack(StackName="whole", RetainResources=["Q"])


def test_a_bucket_that_is_not_empty_keeps_its_stack_until_it_is_retained(aws, stacks):
    policy = {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {
            "Bucket": {"Ref": "B"},
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:*",
                        "Resource": "*",
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    },
                    {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:PutObject",
                        "Resource": "arn:aws:s3:::full/no/*",
                    },
                ],
            },
        },
    }
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "full"}}
    propose(stacks, "full", resources(B=bucket, P=policy))
    assert execute(stacks, "full") == "CREATE_COMPLETE"
    s3 = aws.client("s3")
    s3.put_object(Bucket="full", Key="yes/a", Body=b"1")  # a loopback request counts as one over TLS
    with pytest.raises(ClientError, match="Forbidden"):
        s3.put_object(Bucket="full", Key="no/a", Body=b"1")
    stacks.delete_stack(StackName="full")
    assert status(stacks, "full") == "DELETE_FAILED"
    stacks.delete_stack(StackName="full", RetainResources=["B"])
    assert "full" not in {one["StackName"] for one in stacks.describe_stacks()["Stacks"]}
    assert s3.get_object(Bucket="full", Key="yes/a")["Body"].read() == b"1"


def test_the_default_vpc_has_the_id_that_samconfig_names(aws):
    from pathlib import Path

    from local_aws.stack import settings

    samconfig = Path(__file__).parents[2] / "samconfig.toml"
    default = [{"Name": "is-default", "Values": ["true"]}]
    (vpc,) = aws.client("ec2").describe_vpcs(Filters=default)["Vpcs"]
    assert settings.parameter_overrides(samconfig)["NetworkVpc1"] == vpc["VpcId"]
    assert settings.parameter_overrides(samconfig)["NotifyEmail"] == "on-call@example.com"
    assert settings.capabilities(samconfig) == ("CAPABILITY_IAM",)
    assert settings.tags(samconfig, "prod") == {"application": "ecs-lattice", "environment": "prod"}


def test_no_event_has_the_time_of_the_one_before_so_that_a_client_that_goes_by_it_misses_none():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    stack = SimpleNamespace(events=[])
    for _ in range(3):
        progress.add(stack, SimpleNamespace(timestamp=now))
    assert [event.timestamp - now for event in stack.events] == [timedelta(milliseconds=n) for n in range(3)]
