"""A real role at the server's endpoint: what its policies allow goes on, the rest is answered as AWS answers it."""

import io
import itertools
import json
import urllib.request
import zipfile

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws import server
from local_aws.iam.evaluation import Policy, decide

ACCOUNT = "123456789012"
HANDLER = """
import boto3

def handler(event, context):
    client = boto3.client(event["service"])
    return getattr(client, event["call"])(**event.get("parameters", {})).get(event.get("show"))
"""
numbers = itertools.count(1)
LOGS = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def trusting(**principal):
    return document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    with server.running(speed=60, state_dir=tmp_path_factory.mktemp("state")) as running:
        running.client("vpc-lattice").create_service(name="first-of-all")  # the service-linked role is there
        yield running


@pytest.fixture
def role(aws):
    """Makes roles, whose policy is of the statements given."""

    def make(*statements, trust=None):
        iam, name = aws.client("iam"), f"role-{next(numbers)}"
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust or trusting(AWS=ACCOUNT))["Role"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="given", PolicyDocument=document(*statements))
        return made["Arn"]

    return make


@pytest.fixture
def session(aws):
    """Takes a role on, as ``aws sts assume-role`` does; makes clients that are the role."""

    def take(arn, **more):
        given = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="me", **more)["Credentials"]
        keys = {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }
        return lambda service: boto3.client(service, endpoint_url=aws.endpoint_url, region_name="us-east-1", **keys)

    return take


def refused(call, **parameters):
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    response = raised.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]


def test_the_endpoints_own_keys_are_the_administrator(aws):
    assert aws.client("sts").get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/local"
    before = [entry for entry in aws.authorizations if entry.action == "ecs:ListClusters"]
    aws.client("ecs").list_clusters()
    assert [entry for entry in aws.authorizations if entry.action == "ecs:ListClusters"] == before


def last_of(aws, arn):
    """The last authorization of a role: other roles' pollers may add theirs at any time."""
    return [entry for entry in aws.authorizations if entry.role == arn.rpartition("/")[2]][-1]


def test_an_assumed_role_is_held_to_its_policies_and_its_calls_are_in_the_authorization_log(aws, role, session):
    arn = role(allow("ecs:ListClusters"))
    client = session(arn)
    name = arn.rpartition("/")[2]
    assert client("sts").get_caller_identity()["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/me"
    assert client("ecs").list_clusters()["clusterArns"]
    found = last_of(aws, arn)
    assert (found.role, found.caller, found.action, found.resource) == (name, "me", "ecs:ListClusters", "*")
    assert found.allowed
    assert found.statements == (("given", "[0]"),)
    assert found.context["aws:principalarn"] == arn


CALLS = [
    ("ecs", "describe_services", {"services": ["web"]}, "AccessDeniedException", 400, "ecs:DescribeServices",
     f"arn:aws:ecs:us-east-1:{ACCOUNT}:service/default/web"),
    ("dynamodb", "get_item", {"TableName": "t", "Key": {"pk": {"S": "a"}}}, "AccessDeniedException", 400,
     "dynamodb:GetItem", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/t"),
    ("events", "put_events", {"Entries": [{"Source": "s", "DetailType": "d", "Detail": "{}"}]},
     "AccessDeniedException", 400, "events:PutEvents", f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"),
    ("vpc-lattice", "list_services", {}, "AccessDeniedException", 403, "vpc-lattice:ListServices", "*"),
    ("lambda", "invoke", {"FunctionName": "f"}, "AccessDeniedException", 403, "lambda:InvokeFunction",
     f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"),
    ("ec2", "describe_vpcs", {}, "UnauthorizedOperation", 403, "ec2:DescribeVpcs", "*"),
    ("sqs", "send_message", {"QueueUrl": f"http://localhost/{ACCOUNT}/q", "MessageBody": "x"}, "AccessDenied", 403,
     "sqs:SendMessage", f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"),
    ("cloudwatch", "describe_alarms", {}, "AccessDenied", 403, "cloudwatch:DescribeAlarms",
     f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:*"),
    ("sns", "publish", {"TopicArn": f"arn:aws:sns:us-east-1:{ACCOUNT}:t", "Message": "x"}, "AuthorizationError", 403,
     "sns:Publish", f"arn:aws:sns:us-east-1:{ACCOUNT}:t"),
    ("iam", "list_roles", {}, "AccessDenied", 403, "iam:ListRoles", "*"),
    ("resourcegroupstaggingapi", "get_resources", {}, "AccessDeniedException", 400, "tag:GetResources", "*"),
    ("ecs", "run_task", {"taskDefinition": "web"}, "AccessDeniedException", 400, "ecs:RunTask", "*"),
]  # fmt: skip


@pytest.mark.parametrize(("service", "call", "parameters", "code", "status", "action", "resource"), CALLS)
def test_a_denial_has_the_code_and_the_sentence_of_its_service(  # noqa: PLR0913  one row of a table
    role, session, service, call, parameters, code, status, action, resource
):
    arn = role()
    found = refused(getattr(session(arn)(service), call), **parameters)
    user = f"arn:aws:sts::{ACCOUNT}:assumed-role/{arn.rpartition('/')[2]}/me"
    said = (
        f"User: {user} is not authorized to perform: {action} on resource: {resource} "
        f"because no identity-based policy allows the {action} action"
    )
    assert found[:2] == (code, status)
    assert found[2].endswith(said)


def test_an_explicit_deny_is_said_as_one(role, session):
    client = session(role(allow("ecs:*"), {"Effect": "Deny", "Action": "ecs:List*", "Resource": "*"}))
    assert refused(client("ecs").list_clusters)[2].endswith("with an explicit deny in an identity-based policy")


def test_a_policy_that_is_changed_counts_at_once(aws, role, session):
    arn = role()
    client = session(arn)
    refused(client("ecs").list_clusters)
    aws.client("iam").put_role_policy(
        RoleName=arn.rpartition("/")[2], PolicyName="new", PolicyDocument=document(allow("ecs:ListClusters"))
    )
    assert client("ecs").list_clusters()
    aws.client("iam").delete_role_policy(RoleName=arn.rpartition("/")[2], PolicyName="new")
    refused(client("ecs").list_clusters)


def test_a_managed_policy_of_aws_counts_when_it_is_attached(aws, role, session):
    arn = role()
    client = session(arn)
    policy = "arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"
    aws.client("sqs").create_queue(QueueName="managed")
    url = aws.client("sqs").get_queue_url(QueueName="managed")["QueueUrl"]
    refused(client("sqs").receive_message, QueueUrl=url)
    aws.client("iam").attach_role_policy(RoleName=arn.rpartition("/")[2], PolicyArn=policy)
    client("sqs").receive_message(QueueUrl=url)
    assert last_of(aws, arn).statements == (("AWSLambdaSQSQueueExecutionRole", "[0]"),)


def test_the_policy_of_ecs_infrastructure_roles_is_known(aws):
    arn = "arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForVpcLattice"
    found = aws.client("iam").get_policy(PolicyArn=arn)["Policy"]
    version = aws.client("iam").get_policy_version(PolicyArn=arn, VersionId=found["DefaultVersionId"])["PolicyVersion"]
    assert "vpc-lattice:RegisterTargets" in json.dumps(version["Document"])


def test_tags_narrow_what_is_made_and_what_is_changed(aws, role, session, eventually):
    ours = {"StringEquals": {"aws:RequestTag/owner": "me"}}
    theirs = {"StringEquals": {"aws:ResourceTag/owner": "me"}}
    client = session(
        role(
            allow(["vpc-lattice:CreateService", "vpc-lattice:TagResource"], Condition=ours),
            allow("vpc-lattice:DeleteService", Condition=theirs),
        )
    )("vpc-lattice")
    own = client.create_service(name="own", tags={"owner": "me"})["id"]
    refused(client.create_service, name="other", tags={"owner": "you"})
    refused(client.create_service, name="untagged")
    foreign = aws.client("vpc-lattice").create_service(name="foreign", tags={"owner": "you"})["id"]
    code, _, message = refused(client.delete_service, serviceIdentifier=foreign)
    assert (code, f"service/{foreign}" in message) == ("AccessDeniedException", True)
    reader = aws.client("vpc-lattice")
    eventually(lambda: reader.get_service(serviceIdentifier=own)["status"] == "ACTIVE")
    client.delete_service(serviceIdentifier=own)
    assert "foreign" in [each["name"] for each in aws.client("vpc-lattice").list_services()["items"]]


def test_tags_on_creation_need_a_permission_of_their_own(role, session):
    client = session(role(allow("vpc-lattice:CreateService")))("vpc-lattice")
    message = refused(client.create_service, name="tagged", tags={"a": "b"})[2]
    assert "vpc-lattice:TagResource on resource: arn:aws:vpc-lattice:us-east-1:123456789012:service/*" in message


def test_the_first_resource_of_vpc_lattice_needs_the_linked_role_and_makes_it(aws, role, session):
    iam, linked = aws.client("iam"), "AWSServiceRoleForVpcLattice"
    roles = lambda: [each["RoleName"] for each in iam.list_roles()["Roles"]]  # noqa: E731  asked twice
    if linked in roles():
        for policy in iam.list_attached_role_policies(RoleName=linked)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=linked, PolicyArn=policy["PolicyArn"])
        iam.delete_role(RoleName=linked)
    client = session(role(allow("vpc-lattice:CreateService")))("vpc-lattice")
    assert "iam:CreateServiceLinkedRole" in refused(client.create_service, name="first")[2]
    aws.client("vpc-lattice").create_service(name="by-the-administrator")
    assert linked in roles()
    client.create_service(name="first")


def test_a_role_is_taken_on_by_whom_it_trusts_alone(aws, role, session):
    elsewhere = role(trust=trusting(Service="lambda.amazonaws.com"))
    code, status, message = refused(aws.client("sts").assume_role, RoleArn=elsewhere, RoleSessionName="me")
    assert (code, status) == ("AccessDenied", 403)
    assert f"sts:AssumeRole on resource: {elsewhere}" in message
    refused(aws.client("sts").assume_role, RoleArn=f"{elsewhere}-not-there", RoleSessionName="me")
    target = role()
    helpless = session(role())("sts")
    refused(helpless.assume_role, RoleArn=target, RoleSessionName="me")  # the account is trusted, the role not allowed
    able = session(role(allow("sts:AssumeRole", target)))("sts")
    assert able.assume_role(RoleArn=target, RoleSessionName="me")["Credentials"]


def test_a_sessions_policy_and_a_boundary_limit_what_the_role_has(aws, role, session):
    arn = role(allow("ecs:*"))
    client = session(arn, Policy=document(allow("ecs:DescribeClusters")))
    assert refused(client("ecs").list_clusters)[2].endswith(
        "because no session policy allows the ecs:ListClusters action"
    )
    assert client("ecs").describe_clusters()
    boundary = aws.client("iam").create_policy(PolicyName="boundary", PolicyDocument=document(allow("sqs:*")))[
        "Policy"
    ]["Arn"]
    aws.client("iam").put_role_permissions_boundary(RoleName=arn.rpartition("/")[2], PermissionsBoundary=boundary)
    assert refused(session(arn)("ecs").list_clusters)[2].endswith(
        "because no permissions boundary allows the ecs:ListClusters action"
    )


def test_a_user_of_iam_has_own_and_group_policies(aws):
    iam = aws.client("iam")
    iam.create_user(UserName="jo")
    iam.create_group(GroupName="readers")
    iam.put_group_policy(GroupName="readers", PolicyName="p", PolicyDocument=document(allow("ecs:ListClusters")))
    keys = iam.create_access_key(UserName="jo")["AccessKey"]
    jo = boto3.client("ecs", endpoint_url=aws.endpoint_url, region_name="us-east-1",
                      aws_access_key_id=keys["AccessKeyId"], aws_secret_access_key=keys["SecretAccessKey"])  # fmt: skip
    assert f"User: arn:aws:iam::{ACCOUNT}:user/jo is not authorized" in refused(jo.list_clusters)[2]
    iam.add_user_to_group(UserName="jo", GroupName="readers")
    assert jo.list_clusters()


def test_a_policy_that_cannot_be_evaluated_is_said_and_is_no_yes(role, session):
    client = session(role(allow("ecs:*", Condition={"StringEquals": {"ecs:unheard": "x"}})))
    code, status, message = refused(client("ecs").list_clusters)
    assert (code, status) == ("InternalFailure", 500)
    assert "condition key ecs:unheard" in message


def test_what_nobody_has_written_is_said_where_a_policy_would_allow_it(role, session):
    code, status, message = refused(session(role(allow("ecs:*")))("ecs").run_task, taskDefinition="web")
    assert (code, status) == ("InternalFailure", 500)
    assert "cannot say whether ecs:RunTask is allowed" in message


def test_a_temporary_key_that_nobody_gave_out_is_refused(aws):
    client = boto3.client("sts", endpoint_url=aws.endpoint_url, region_name="us-east-1",
                          aws_access_key_id="ASIA0000000000000000", aws_secret_access_key="x")  # fmt: skip
    assert refused(client.get_caller_identity)[:2] == ("InvalidClientTokenId", 403)


def test_no_role_reaches_what_is_not_authorized_at_all(aws, role, session):
    aws.client("s3").create_bucket(Bucket="bucket")
    code, status, _ = refused(session(role(allow("s3:*")))("s3").list_buckets)
    assert (code, status) == ("AccessDenied", 403)


def test_the_page_shows_the_authorization_log_and_narrows_it_to_denials(aws, role, session):
    arn = role(allow("ecs:ListClusters"))
    client = session(arn)("ecs")
    cursor = page(aws, "since=1000000")["cursor"]
    client.list_clusters()
    refused(client.describe_clusters)
    assert actions(aws, f"since={cursor}", arn) == ["ecs:ListClusters", "ecs:DescribeClusters"]
    assert actions(aws, f"since={cursor}&denied=1", arn) == ["ecs:DescribeClusters"]
    everything = page(aws, f"since={cursor}&denied=1")["authorizations"]
    assert [each for each in everything if each["allowed"]] == []


def actions(aws, query, role_arn):
    """The actions on the page that a role asked for. Pollers of other tests are on it, too."""
    name = role_arn.rpartition("/")[2]
    return [each["action"] for each in page(aws, query)["authorizations"] if each["role"] == name]


def page(aws, query):
    with urllib.request.urlopen(f"{aws.endpoint_url}/_local_aws/authorizations?{query}", timeout=30) as answer:
        return json.load(answer)


# ---------------------------------------------------------------------------------------- functions and their roles


def function(aws, name, role_arn, **more):
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", HANDLER)
    return aws.client("lambda").create_function(
        FunctionName=name, Runtime="python3.13", Role=role_arn, Handler="app.handler", Timeout=30,
        Code={"ZipFile": code.getvalue()}, **more,
    )["FunctionArn"]  # fmt: skip


def invoke(aws, name, **event):
    answer = aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return json.loads(answer["Payload"].read())


def test_a_function_calls_as_its_execution_role(aws, role):
    arn = role(LOGS, allow("ecs:ListClusters"), trust=trusting(Service="lambda.amazonaws.com"))
    function(aws, "calling", arn)
    name = arn.rpartition("/")[2]
    who = invoke(aws, "calling", service="sts", call="get_caller_identity", show="Arn")
    assert who == f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/calling"
    assert invoke(aws, "calling", service="ecs", call="list_clusters", show="clusterArns")
    answer = invoke(aws, "calling", service="sqs", call="list_queues")
    assert f"User: {who} is not authorized to perform: sqs:ListQueues" in answer["errorMessage"]
    found = [each for each in aws.authorizations if each.caller == "calling" and each.action == "ecs:ListClusters"]
    assert found[0].role == name
    assert found[0].context["lambda:sourcefunctionarn"].endswith(":function:calling")
    logged = {each.action for each in aws.authorizations if each.role == name and each.side}
    assert {"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"} <= logged
    assert "calling" in {call.caller for call in aws.journal.calls}


def test_lambda_takes_no_role_that_does_not_trust_it(aws, role):
    code, _, message = refused(function, aws=aws, name="distrusted", role_arn=role())
    assert code == "InvalidParameterValueException"
    assert message == "The role defined for the function cannot be assumed by Lambda."


def test_a_function_without_log_permissions_runs_and_logs_nothing(aws, role, capfd):
    function(aws, "silent", role(allow("ecs:ListClusters"), trust=trusting(Service="lambda.amazonaws.com")))
    assert invoke(aws, "silent", service="ecs", call="list_clusters", show="clusterArns")
    groups = aws.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/silent")["logGroups"]
    assert groups == []
    assert "silent writes nothing into its log group" in capfd.readouterr().err
    assert (aws.log_directory / "silent.log").exists()


POLLS = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]


@pytest.mark.parametrize("missing", POLLS)
def test_a_queue_is_not_mapped_without_each_permission_to_poll_it(aws, role, missing):
    name = missing.partition(":")[2]
    queue = aws.client("sqs").create_queue(QueueName=f"unmapped-{name}")["QueueUrl"]
    given = [allow(action) for action in POLLS if action != missing]
    function(aws, f"polling-{name}", role(*given, trust=trusting(Service="lambda.amazonaws.com")))
    code, _, message = refused(
        aws.client("lambda").create_event_source_mapping,
        FunctionName=f"polling-{name}",
        EventSourceArn=f"arn:aws:sqs:us-east-1:{ACCOUNT}:{queue.rpartition('/')[2]}",
    )
    assert code == "InvalidParameterValueException"
    assert message == f"The provided execution role does not have permissions to call {name} on SQS"


def test_polling_stops_while_the_role_lacks_a_permission_and_says_why(aws, role, eventually):
    arn = role(LOGS, allow(POLLS), trust=trusting(Service="lambda.amazonaws.com"))
    url = aws.client("sqs").create_queue(QueueName="bells")["QueueUrl"]
    function(aws, "polled", arn)
    service = aws.client("lambda")
    mapping = service.create_event_source_mapping(
        FunctionName="polled", EventSourceArn=f"arn:aws:sqs:us-east-1:{ACCOUNT}:bells"
    )["UUID"]
    aws.client("iam").put_role_policy(
        RoleName=arn.rpartition("/")[2], PolicyName="given", PolicyDocument=document(LOGS, allow(POLLS[1:]))
    )
    result = eventually(
        lambda: "PROBLEM" in (said := service.get_event_source_mapping(UUID=mapping)["LastProcessingResult"]) and said
    )
    assert "is not authorized to perform: sqs:ReceiveMessage on resource" in result
    aws.client("sqs").send_message(QueueUrl=url, MessageBody="x")
    waiting = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    assert waiting["Attributes"]["ApproximateNumberOfMessages"] == "1"
    aws.client("iam").put_role_policy(
        RoleName=arn.rpartition("/")[2], PolicyName="given", PolicyDocument=document(LOGS, allow(POLLS))
    )
    eventually(lambda: [each for each in aws.journal.invocations if each.function == "polled"])
    used = {each.action for each in aws.authorizations if each.caller == "lambda.amazonaws.com" and each.allowed}
    assert {"sqs:ReceiveMessage", "sqs:GetQueueAttributes"} <= used


def test_active_tracing_is_asked_of_the_role(aws, role):
    arn = role(LOGS, allow("xray:Put*"), trust=trusting(Service="lambda.amazonaws.com"))
    function(aws, "traced", arn, TracingConfig={"Mode": "Active"})
    invoke(aws, "traced", service="sts", call="get_caller_identity", show="Arn")
    name = arn.rpartition("/")[2]
    traced = {each.action for each in aws.authorizations if each.role == name and "xray" in each.action}
    assert traced == {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}


def test_a_failure_destination_is_reached_in_the_functions_role(aws, role, eventually, capfd):
    arn = role(LOGS, trust=trusting(Service="lambda.amazonaws.com"))
    aws.client("sqs").create_queue(QueueName="failures")
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:failures"
    function(aws, "failing", arn)
    aws.client("lambda").put_function_event_invoke_config(
        FunctionName="failing", MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": queue}}
    )
    aws.client("lambda").invoke(FunctionName="failing", InvocationType="Event", Payload="{}")
    denied = eventually(
        lambda: [e for e in aws.authorizations if e.action == "sqs:SendMessage" and e.resource == queue]
    )
    assert (denied[0].allowed, denied[0].caller) == (False, "lambda.amazonaws.com")
    said = []
    eventually(lambda: said.append(capfd.readouterr().err) or "sqs:SendMessage" in "".join(said))


# ------------------------------------------------------------------------------------------------ roles of stacks


def test_a_stacks_role_has_its_policies_and_an_update_changes_them(aws):
    def template(actions, managed):
        return json.dumps({"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": {
            "RoleName": "of-a-stack",
            "AssumeRolePolicyDocument": json.loads(trusting(AWS=ACCOUNT)),
            "Policies": [{"PolicyName": name, "PolicyDocument": json.loads(document(allow(action)))}
                         for name, action in actions.items()],
            "ManagedPolicyArns": [f"arn:aws:iam::aws:policy/{name}" for name in managed],
        }}}})  # fmt: skip

    formation, iam = aws.client("cloudformation"), aws.client("iam")
    formation.create_stack(
        StackName="roles",
        TemplateBody=template({"a": "ecs:ListClusters", "b": "sqs:*"}, ["AWSXrayWriteOnlyAccess"]),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    assert iam.list_role_policies(RoleName="of-a-stack")["PolicyNames"] == ["a", "b"]
    attached = iam.list_attached_role_policies(RoleName="of-a-stack")["AttachedPolicies"]
    assert [each["PolicyName"] for each in attached] == ["AWSXrayWriteOnlyAccess"]
    changed = template({"a": "ecs:DescribeClusters"}, [])
    formation.update_stack(StackName="roles", TemplateBody=changed, Capabilities=["CAPABILITY_NAMED_IAM"])
    assert iam.list_role_policies(RoleName="of-a-stack")["PolicyNames"] == ["a"]
    assert "ecs:DescribeClusters" in json.dumps(
        iam.get_role_policy(RoleName="of-a-stack", PolicyName="a")["PolicyDocument"]
    )
    assert iam.list_attached_role_policies(RoleName="of-a-stack")["AttachedPolicies"] == []
    formation.delete_stack(StackName="roles")
    assert "of-a-stack" not in [each["RoleName"] for each in iam.list_roles()["Roles"]]


def test_an_entry_of_the_authorization_log_can_be_replayed_against_a_smaller_policy(aws, role, session):
    arn = role(allow(["ecs:ListClusters", "ecs:DescribeClusters"], Sid="Read"))
    session(arn)("ecs").list_clusters()
    entry = last_of(aws, arn)
    assert decide([Policy("given", document(allow(["ecs:ListClusters", "ecs:DescribeClusters"])))], entry).allowed
    assert not decide([Policy("given", document(allow("ecs:DescribeClusters")))], entry).allowed


def test_the_arn_of_a_stacks_log_group_means_its_streams(aws):
    template = {
        "Resources": {"G": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "grouped"}}},
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["G", "Arn"]}}},
    }
    formation = aws.client("cloudformation")
    formation.create_stack(StackName="grouped", TemplateBody=json.dumps(template))
    (output,) = formation.describe_stacks(StackName="grouped")["Stacks"][0]["Outputs"]
    assert output["OutputValue"] == f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:grouped:*"
