"""doctor: each thing in its good and its bad state on the local AWS, and what cannot be read as SKIPPED with the action."""

import json
import re
from types import SimpleNamespace

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.iam.models import AWSManagedPolicy, iam_backends

from ecs_lattice_cli.aws_errors import denied_action
from ecs_lattice_cli.dead_letter_queues import QUEUES
from ecs_lattice_cli.doctor import account, quotas, running
from ecs_lattice_cli.doctor.findings import run
from ecs_lattice_cli.verbs import doctor
from local_aws.iam.evaluation import Request, decide
from tests.cli.test_docs import PAGE, of_verb

ROLE = "ecs-lattice-InfrastructureRole-A1B2"
POLICY = f"arn:aws:iam::aws:policy/{account.ROLE_POLICY}"
BUCKET = "trail-of-this-account"
QUOTA_CODES = {quota.code for quota in (*quotas.REGIONAL, quotas.RULES)}


@pytest.fixture
def installed(stack):
    """What the template makes beside the functions, a trail and a confirmed subscription: all is well."""
    sqs, sns, iam = boto3.client("sqs"), boto3.client("sns"), boto3.client("iam")
    for number, output in enumerate(QUEUES.values()):
        stack.outputs[output] = sqs.create_queue(QueueName=f"ecs-lattice-Dead{number}")["QueueUrl"]
    stack.outputs["NotifyTopicArn"] = topic = sns.create_topic(Name="ecs-lattice-Notify")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:ecs-lattice-Dead0")
    trust = {"Version": "2012-10-17", "Statement": []}
    arn = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    stack.outputs["InfrastructureRoleArn"] = arn
    data = {"Arn": POLICY, "Path": "/", "CreateDate": "2024-11-18T00:00:00+00:00", "UpdateDate": "2024-11-18T00:00:00+00:00",
            "DefaultVersionId": "v1", "Document": trust}  # fmt: skip
    backend = iam_backends["123456789012"]["aws"]
    backend.managed_policies[POLICY] = AWSManagedPolicy.from_data(
        account.ROLE_POLICY, "123456789012", "us-east-1", data
    )
    iam.attach_role_policy(RoleName=ROLE, PolicyArn=POLICY)
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    cloudtrail = boto3.client("cloudtrail")
    cloudtrail.create_trail(Name="all", S3BucketName=BUCKET)
    cloudtrail.start_logging(Name="all")
    stack.live()
    return stack


def disassociate(stack):
    """Take the VPC from the network of the world; the network's ARN."""
    stack.world.run(60)
    lattice = boto3.client("vpc-lattice")
    (network,) = lattice.list_service_networks()["items"]
    for each in lattice.list_service_network_vpc_associations(serviceNetworkIdentifier=network["arn"])["items"]:
        lattice.delete_service_network_vpc_association(serviceNetworkVpcAssociationIdentifier=each["id"])
    stack.world.run(60)
    return network["arn"]


def findings(done):
    """Thing to its findings."""
    found = {}
    for each in json.loads(done.stdout)["result"]["findings"]:
        found.setdefault(each["thing"], []).append(each)
    return found


def states(done):
    return {thing: {each["state"] for each in found} for thing, found in findings(done).items()}


@pytest.fixture
def limits(installed, monkeypatch):
    """Service Quotas, which the local AWS does not simulate for VPC Lattice, answers with these values by code."""
    values, client = dict.fromkeys(QUOTA_CODES, 100.0), installed.client

    def of_service(service):
        made = client(service)
        if service == "service-quotas":
            made.get_service_quota = lambda ServiceCode, QuotaCode: {"Quota": {"Value": values[QuotaCode]}}  # noqa: N803
        return made

    monkeypatch.setattr(installed, "client", of_service)
    return values


def test_all_is_well_and_what_the_local_aws_does_not_simulate_is_skipped(installed, ask):
    done = ask("doctor", "--json")
    assert done.exit_code == 0
    assert done.stderr == ""
    found = states(done)
    assert found.pop("quotas") == {"SKIPPED"}
    assert len(found) == 9
    assert set().union(*found.values()) == {"OK"}


def test_the_screen_of_the_page_is_what_it_prints(installed, ask):
    boto3.client("iam").detach_role_policy(RoleName=ROLE, PolicyArn=POLICY)
    installed.denied.add("servicequotas:GetServiceQuota")
    page = PAGE.partition("$ ecs-lattice doctor\n")[2].partition("```")[0]
    printed = ask("doctor").stdout
    assert re.sub(r"pl-[0-9a-f]+", "pl-ID", printed) == re.sub(r"pl-[0-9a-f]+", "pl-ID", page)


@pytest.mark.parametrize("columns", [80, 100])
def test_the_lines_fit_and_name_thing_fact_and_next_command(installed, ask, columns, monkeypatch):
    monkeypatch.setattr("ecs_lattice_cli.output.WIDTH", columns)
    boto3.client("cloudtrail").stop_logging(Name="all")
    done = ask("doctor")
    assert done.exit_code == 1
    assert "NOT OK   trail          none of 1 trails logs management events" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= columns
    assert done.stdout.endswith("8 OK, 1 NOT OK, 1 SKIPPED.\n")


@pytest.mark.parametrize(
    ("selectors", "state"),
    [
        ({"EventSelectors": [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}]}, "OK"),
        ({"EventSelectors": [{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True}]}, "NOT OK"),
        ({"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": False}]}, "NOT OK"),
        ({"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}]}, "OK"),
        ({"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}]}]}, "NOT OK"),
        ({"AdvancedEventSelectors": [{"FieldSelectors": [
            {"Field": "eventCategory", "Equals": ["Management"]}, {"Field": "readOnly", "Equals": ["true"]}]}]}, "NOT OK"),
    ],
)  # fmt: skip
def test_a_trail_counts_if_it_logs_management_events_that_write(installed, ask, selectors, state):
    boto3.client("cloudtrail").put_event_selectors(TrailName="all", **selectors)
    assert states(ask("doctor", "--json"))["trail"] == {state}


def test_a_trail_that_cannot_be_read_is_unknown_and_not_missing(installed, ask):
    installed.denied.add("cloudtrail:GetTrailStatus")
    (found,) = findings(ask("doctor", "--json"))["trail"]
    assert (found["state"], found["action"]) == ("SKIPPED", "cloudtrail:GetTrailStatus")


def test_without_a_trail_it_says_what_that_means(installed, ask):
    boto3.client("cloudtrail").delete_trail(Name="all")
    (found,) = findings(ask("doctor", "--json"))["trail"]
    assert found["state"] == "NOT OK"
    assert "15 minutes" in found["fact"]


def test_a_network_without_a_vpc_is_not_ok(stack, ask):
    stack.live()
    disassociate(stack)
    (found,) = findings(ask("doctor", "--json"))["network"]
    assert found["state"] == "NOT OK"
    assert "no VPC is associated with platform" in found["fact"]
    assert found["next"].startswith("aws vpc-lattice create-service-network-vpc-association")


def test_without_a_vpc_endpoints_count_and_what_is_denied_is_unknown(installed, ask, monkeypatch):
    arn = disassociate(installed)
    installed.denied.add("vpc-lattice:ListServiceNetworkVpcEndpointAssociations")
    (unknown,) = findings(ask("doctor", "--json"))["network"]
    assert (unknown["state"], unknown["action"]) == ("SKIPPED", "vpc-lattice:ListServiceNetworkVpcEndpointAssociations")
    installed.denied.clear()
    monkeypatch.setattr(
        account, "_associations", lambda _, kind, of: [{"id": "vpce-1"}] if kind == "vpc_endpoint" and of == arn else []
    )
    assert "endpoints and no VPC" in findings(ask("doctor", "--json"))["network"][0]["fact"]


def test_before_the_first_route_the_network_is_not_known(stack, ask):
    assert states(ask("doctor", "--json"))["network"] == {"SKIPPED"}
    boto3.client("vpc-lattice").delete_service_network(serviceNetworkIdentifier=disassociate(stack))
    assert states(ask("doctor", "--json"))["network"] == {"NOT OK"}


def test_a_network_that_is_not_there_is_named(installed, ask):
    installed.outputs["ServiceNetworkArn"] = "arn:aws:vpc-lattice:us-east-1:123456789012:servicenetwork/sn-0"
    found = findings(ask("doctor", "--json"))["network"]
    assert [each["state"] for each in found] == ["NOT OK", "OK"]
    assert "sn-0 is not in Region us-east-1" in found[0]["fact"]


def test_the_role_lacks_its_policy_or_is_gone(installed, ask):
    iam = boto3.client("iam")
    iam.detach_role_policy(RoleName=ROLE, PolicyArn=POLICY)
    (lacking,) = findings(ask("doctor", "--json"))["role"]
    assert (lacking["state"], lacking["next"]) == (
        "NOT OK", f"aws iam attach-role-policy --role-name {ROLE} --policy-arn {POLICY}")  # fmt: skip
    iam.delete_role(RoleName=ROLE)
    (gone,) = findings(ask("doctor", "--json"))["role"]
    assert "does not exist" in gone["fact"]


def test_quotas_are_counted_and_nine_tenths_are_not_ok(limits, ask):
    good = findings(ask("doctor", "--json"))["quotas"]
    assert [each["state"] for each in good] == ["OK", "OK", "OK"]
    assert good[0]["fact"] == "Lattice services: 1 of 100 used, 99 left"
    limits["L-620C821E"] = 1.0
    done = ask("doctor", "--json")
    full = findings(done)["quotas"][0]
    assert (done.exit_code, full["state"]) == (1, "NOT OK")
    assert full["next"].endswith("--quota-code L-620C821E --desired-value 2")


def test_the_rules_of_the_fullest_listener_are_counted_without_the_default(limits, ask):
    fact = findings(ask("doctor", "--json"))["quotas"][2]["fact"]
    lattice = boto3.client("vpc-lattice")
    (service,) = lattice.list_services()["items"]
    (listener,) = lattice.list_listeners(serviceIdentifier=service["id"])["items"]
    rules = lattice.list_rules(serviceIdentifier=service["id"], listenerIdentifier=listener["id"])["items"]
    assert fact == (
        f"rules of a listener: {sum(not rule['isDefault'] for rule in rules)} of 100 used, "
        f"{100 - sum(not rule['isDefault'] for rule in rules)} left ({listener['name']} of {service['id']})"
    )


def test_dead_letters_are_told_by_queue(installed, ask):
    boto3.client("sqs").send_message(QueueUrl=installed.outputs[QUEUES["alarms"]], MessageBody="{}")
    (found,) = findings(ask("doctor", "--json"))["dead letters"]
    assert (found["state"], found["fact"]) == ("NOT OK", "alarms: 1")
    assert found["next"] == "ecs-lattice dead-letters show alarms"


def test_errors_of_the_last_hour_are_told_by_function_and_older_ones_are_not(installed, ask):
    name, now = installed.outputs["AlarmFunctionName"], installed.world.clock.time()

    def failed(at):
        datum = {
            "MetricName": "Errors",
            "Value": 2.0,
            "Timestamp": at,
            "Dimensions": [{"Name": "FunctionName", "Value": name}],
        }
        boto3.client("cloudwatch").put_metric_data(Namespace="AWS/Lambda", MetricData=[datum])

    failed(now - 7200)
    assert states(ask("doctor", "--json"))["errors"] == {"OK"}
    failed(now - 600)
    (found,) = findings(ask("doctor", "--json"))["errors"]
    assert (found["state"], found["fact"]) == ("NOT OK", f"{name}: 2 in the last hour")


def test_a_subscription_counts_once_it_is_confirmed(installed, ask, monkeypatch):
    topic, sns = installed.outputs["NotifyTopicArn"], boto3.client("sns")
    for each in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
        sns.unsubscribe(SubscriptionArn=each["SubscriptionArn"])
    assert "nobody is subscribed" in findings(ask("doctor", "--json"))["notifications"][0]["fact"]
    sns.delete_topic(TopicArn=topic)
    assert "does not exist" in findings(ask("doctor", "--json"))["notifications"][0]["fact"]


def test_an_unconfirmed_subscription_is_not_ok(installed, ask, monkeypatch):
    """The local SNS confirms each at once; AWS answers PendingConfirmation instead of an ARN (Amazon SNS API)."""
    waiting = {"SubscriptionArn": "PendingConfirmation", "Protocol": "email", "Endpoint": "a@example.com"}
    client = installed.client

    def of_service(service):
        made = client(service)
        if service == "sns":
            listed = made.list_subscriptions_by_topic
            made.get_paginator = lambda _: SimpleNamespace(
                paginate=lambda **given: [{"Subscriptions": [*listed(**given)["Subscriptions"], waiting]}]
            )
        return made

    monkeypatch.setattr(installed, "client", of_service)
    found = findings(ask("doctor", "--json"))["notifications"]
    assert [(each["state"], each["fact"]) for each in found] == [
        ("NOT OK", "email a@example.com is not confirmed: it gets no notification"),
        ("OK", "1 sqs"),
    ]


def test_another_version_is_told_and_an_uninstall_and_a_rebuild_are_not_ok(installed, ask, monkeypatch):
    monkeypatch.setattr(running, "VERSION", "9.9.9")
    (found,) = findings(ask("doctor", "--json"))["version"]
    assert found["state"] == "OK"
    assert "the command is 9.9.9: they may differ" in found["fact"]
    assert ask("uninstall", "--yes").exit_code == 75
    assert "being uninstalled" in findings(ask("doctor", "--json"))["state"][0]["fact"]
    told = list(running.state({"stack": {"isUninstalling": False, "isRebuilding": True}}))
    assert [each.state for each in told] == ["NOT OK"]


@pytest.mark.parametrize(
    ("action", "things"),
    [
        ("lambda:InvokeFunction", {"version", "state", "network", "quotas"}),
        ("vpc-lattice:ListServiceNetworks", {"network", "quotas"}),
        ("vpc-lattice:ListServiceNetworkVpcAssociations", {"network", "quotas"}),
        ("ec2:DescribeManagedPrefixLists", {"prefix lists", "quotas"}),
        ("iam:ListAttachedRolePolicies", {"role", "quotas"}),
        ("cloudtrail:DescribeTrails", {"trail", "quotas"}),
        ("servicequotas:GetServiceQuota", {"quotas"}),
        ("cloudwatch:GetMetricData", {"errors", "quotas"}),
        ("sqs:GetQueueAttributes", {"dead letters", "quotas"}),
        ("sns:ListSubscriptionsByTopic", {"notifications", "quotas"}),
    ],
)
def test_what_is_denied_is_skipped_with_its_action_and_the_rest_is_told(installed, ask, action, things):
    installed.denied.add(action)
    done = ask("doctor", "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    assert {thing for thing, words in states(done).items() if words != {"OK"}} == things
    named = {each["action"] for found in findings(done).values() for each in found if each["action"]}
    assert named == {action}


def test_a_stack_that_is_not_there_is_an_error_and_not_ten_lines(stack, ask):
    done = ask("doctor", "--stack", "other")
    assert (done.exit_code, done.stdout) == (64, "")


def test_an_older_stack_without_an_output_is_skipped(stack, ask):
    done = ask("doctor", "--json")
    assert states(done)["role"] == {"SKIPPED"}
    assert "older than this command" in findings(done)["role"][0]["fact"]


def test_what_nobody_foresaw_is_skipped_and_the_next_check_runs():
    def broken():
        raise NotImplementedError("no such operation")

    seen = []
    found = list(run([("trail", broken), ("state", lambda: running.state({"stack": {"isUninstalling": False, "isRebuilding": False}}))],
                     lambda: seen.append(1)))  # fmt: skip
    assert [(each.thing, each.state) for each in found] == [("trail", "SKIPPED"), ("state", "OK")]
    assert "NotImplementedError: no such operation" in found[0].fact
    assert seen == [1]


def test_a_denial_without_the_action_names_the_operation():
    error = ClientError(
        {"Error": {"Code": "UnauthorizedOperation", "Message": "Encoded: x"}}, "DescribeManagedPrefixLists"
    )
    assert denied_action(error) == "DescribeManagedPrefixLists"
    assert denied_action(None) == ""


def test_the_example_policy_allows_what_it_asks_for_and_no_other_function(installed, ask):
    installed.asked.clear()
    ask("doctor")
    assert "servicequotas:GetServiceQuota" in {action for action, _ in installed.asked}
    policy = of_verb("doctor")
    assert {one for one in installed.asked if not decide([policy], Request(*one)).allowed} == set()
    resync = "arn:aws:lambda:us-east-1:123456789012:function:ecs-lattice-ResyncFunction-A1B2C3D4E5F6"
    assert not decide([policy], Request("lambda:InvokeFunction", resync)).allowed


def test_colors_double_the_words():
    line = doctor.render({"findings": [{"thing": "trail", "state": "OK", "fact": "f", "next": "", "action": ""}]}, 100)
    assert line[-1] == "1 OK."
