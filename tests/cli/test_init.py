"""init: from an empty and from a furnished account to parameters that the template accepts, and nothing written but with consent."""

import json
import re
import tomllib

import boto3
import pytest

from ecs_lattice_cli import output
from ecs_lattice_cli.app import App
from ecs_lattice_cli.install import samconfig
from ecs_lattice_cli.verbs import init as verb
from local_aws.ec2.backend import DEFAULT_VPC
from local_aws.iam.evaluation import Request, decide
from tests.cli.conftest import invoked
from tests.cli.installing import Installer, Person, checkout, empty, refused, resources
from tests.cli.test_docs import PAGE, POLICY, of_verb
from tests.world import ROOT

YES = "--yes"


@pytest.fixture
def machine():
    with empty() as started:
        yield started


@pytest.fixture
def init(machine, tmp_path):
    """`init` in a checkout, against an account with its default VPC alone."""
    return Installer(checkout(tmp_path))


def ec2():
    return boto3.client("ec2")


def lattice():
    return boto3.client("vpc-lattice")


def make_vpc(name, cidr="10.0.0.0/16"):
    vpc = ec2().create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
    ec2().create_tags(Resources=[vpc], Tags=[{"Key": "Name", "Value": name}])
    return vpc


def make_network(machine, name, *vpcs):
    arn = lattice().create_service_network(name=name)["arn"]
    for vpc in vpcs:
        lattice().create_service_network_vpc_association(serviceNetworkIdentifier=arn, vpcIdentifier=vpc)
    machine.clock.advance(120)
    return arn


def make_service(cluster, vpc, name="orders"):
    """An ECS service with its tasks in a subnet of ``vpc``."""
    ecs = boto3.client("ecs")
    ecs.create_cluster(clusterName=cluster)
    found = ec2().describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    subnet = (found or [ec2().create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]])[0]["SubnetId"]
    container = {"name": "app", "image": "example.com/app:1", "portMappings": [{"name": "web", "containerPort": 8080}]}
    ecs.register_task_definition(
        family=name, networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
        containerDefinitions=[container],
    )  # fmt: skip
    ecs.create_service(
        cluster=cluster, serviceName=name, taskDefinition=name, desiredCount=2, launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet]}},
    )  # fmt: skip


def describe(text):
    """A screen without the ids, which differ from run to run."""
    return re.sub(r"\b(vpc|sn)-(?!lattice)[0-9a-f]{17}", r"\1-ID", text)


# --- an empty account


def test_in_an_empty_account_the_defaults_are_enough(init):
    done = init.run(answers=["", "", "ops@example.com", ""])
    assert done.exit_code == 0, done.stderr
    assert init.parameters() == {
        "LogLevel": "DEBUG",
        "LogRetentionDays": "7",
        "CreateNetwork": "true",
        "NetworkVpc1": DEFAULT_VPC,
        "NotifyEmail": "ops@example.com",
    }
    made = resources(init.parameters())
    assert made["Vpc1Association"]["Properties"]["VpcIdentifier"] == DEFAULT_VPC
    assert made["NotifyEmailSubscription"]["Properties"]["Endpoint"] == "ops@example.com"
    assert {"ServiceNetwork", "Vpc1Association", "Vpc2Association"} & set(made) == {"ServiceNetwork", "Vpc1Association"}
    assert "Next:\n  cd" in done.stdout
    assert done.stdout.index("sam deploy --config-env dev") < done.stdout.index("docs/labels.md")
    assert done.stdout.endswith("  ecs-lattice doctor\n")


def test_what_would_be_refused_is_found_by_these_tests():
    assert refused({"Clusters": "shop"}) == ""
    told = refused({"Clusters": "a/b", "NotifyEmail": "x", "CreateNetwork": "yes", "Other": ""})
    assert all(name in told for name in ("Clusters", "NotifyEmail", "CreateNetwork", "Other"))


def test_the_local_aws_is_the_default_section(init):
    url = "http://127.0.0.1:4566"
    done = init.run(YES, "--json", "--endpoint-url", url)
    found = json.loads(done.stdout)["result"]
    assert (found["configEnv"], found["changed"], found["isWritten"]) == ("default", [], True)
    assert found["next"][0].endswith(f"&& sam build && AWS_ENDPOINT_URL={url} sam deploy")
    assert found["next"][1] == f"ecs-lattice doctor --endpoint-url {url}"
    network = {"CreateNetwork": "true", "NetworkVpc1": DEFAULT_VPC}
    assert init.parameters("default") == {**network, "NotifyEmail": "on-call@example.com"}
    assert refused(init.parameters("default")) == ""


@pytest.mark.parametrize(
    ("url", "environment"),
    [("http://127.0.0.1:4566", "default"), ("http://localhost:1", "default"), ("http://[::1]:1", "default"),
     ("https://vpce-1.ec2.us-east-1.vpce.amazonaws.com", "dev"), ("", "dev")],
)  # fmt: skip
def test_the_variable_of_every_aws_client_counts_as_well(init, monkeypatch, url, environment):
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    assert verb._environment(App(), samconfig.read(init.folder)) == environment


def test_a_second_run_finds_all_of_it_and_writes_nothing(init):
    init.run(YES, "--cluster", "shop*", "--mail", "ops@example.com")
    before = init.config.read_bytes()
    done = init.run(YES, "--json")
    found = json.loads(done.stdout)["result"]
    assert (found["isWritten"], found["changed"]) == (False, [])
    assert found["parameters"]["Clusters"] == "shop*"
    assert init.config.read_bytes() == before
    assert "nothing was written" in init.run(answers=["", "", ""]).stdout


def test_nothing_else_of_the_file_changes(init):
    before = init.config.read_text()
    assert init.run(YES, "--cluster", "*", "--mail", "ops@example.com").exit_code == 0
    after = init.config.read_text()
    lines = [line for line in after.splitlines() if line not in before.splitlines()]
    assert [line.partition(" ")[0] for line in lines] == ["region", "parameter_overrides"]
    expected, found = tomllib.loads(before), tomllib.loads(after)
    expected["dev"]["global"]["parameters"]["region"] = "us-east-1"
    overrides = found["dev"]["deploy"]["parameters"]["parameter_overrides"]
    expected["dev"]["deploy"]["parameters"]["parameter_overrides"] = overrides
    assert found == expected
    assert overrides.startswith("LogLevel=DEBUG LogRetentionDays=7 ")


# --- what exists is offered


@pytest.fixture
def furnished(machine):
    """The default VPC with ECS cluster shop, and a VPC of clients in service network platform."""
    make_service("shop", DEFAULT_VPC)
    boto3.client("ecs").create_cluster(clusterName="batch")
    clients = make_vpc("clients")
    make_network(machine, "platform", clients)
    return clients


def test_the_screen_of_the_page_is_what_it_prints(init, furnished, monkeypatch):
    monkeypatch.setattr(output, "WIDTH", 80)
    monkeypatch.chdir(init.folder)
    ec2().create_tags(Resources=[DEFAULT_VPC], Tags=[{"Key": "Name", "Value": "shop"}])
    page = PAGE.partition("$ ecs-lattice init\n")[2].partition("```")[0]
    init.folder = init.folder.relative_to(init.folder)
    done = init.run(answers=["1,2", "shpo", "shop", "ops@example.com", "y"])
    printed = (done.stderr + done.stdout).removeprefix("\n")
    assert describe(printed) == describe(page)
    long = [line for line in printed.splitlines() if len(line) > 80]
    assert all("parameter_overrides" in line for line in long)


def test_a_vpc_in_a_service_network_stands_for_it(init, furnished):
    assert init.run(YES, "--vpc", "clients").exit_code == 0
    assert init.parameters()["DefaultNetworks"] == "platform"
    assert "CreateNetwork" not in init.parameters()


def test_vpcs_with_and_without_a_network_get_both(init, furnished):
    assert init.run(YES, "--vpc", f"clients, {DEFAULT_VPC}").exit_code == 0
    found = init.parameters()
    assert (found["DefaultNetworks"], found["CreateNetwork"], found["NetworkVpc1"]) == ("platform", "true", DEFAULT_VPC)
    assert refused(found) == ""


def test_an_existing_network_is_the_default_beside_which_no_second_one_is_made(init, furnished):
    assert init.run(YES).exit_code == 0
    assert init.parameters()["DefaultNetworks"] == "platform"


@pytest.mark.parametrize("by", ["name", "id", "arn"])
def test_a_network_is_chosen_by_name_id_or_arn(init, furnished, by):
    (network,) = lattice().list_service_networks()["items"]
    assert init.run(YES, "--network", network[by]).exit_code == 0
    assert init.parameters()["DefaultNetworks"] == "platform"


def test_without_networks_the_vpcs_with_ecs_services_are_the_default(init):
    busy = make_vpc("busy")
    make_vpc("idle", "10.1.0.0/16")
    make_service("shop", busy)
    assert init.run(YES).exit_code == 0
    assert {name: value for name, value in init.parameters().items() if "Vpc" in name} == {"NetworkVpc1": busy}


def test_where_nothing_is_the_obvious_choice_there_is_no_default(init):
    make_vpc("idle")
    before = init.config.read_bytes()
    done = init.run(YES)
    assert (done.exit_code, init.config.read_bytes()) == (64, before)
    assert "write --vpc or --network" in done.stderr
    done = init.run(answers=["", "idle", "", "", "y"])
    assert done.exit_code == 0
    assert re.search(r"none is no network:", done.stderr)
    assert init.parameters()["CreateNetwork"] == "true"


def test_no_network_is_an_answer_too(init):
    assert init.run(YES, "--vpc", "none").exit_code == 0
    assert set(init.parameters()) == {"LogLevel", "LogRetentionDays"}


def test_a_shared_network_is_written_by_its_arn(init, machine, monkeypatch):
    arn = "arn:aws:vpc-lattice:us-east-1:111122223333:servicenetwork/sn-0123456789abcdef0"
    shared = {"name": "central", "id": "sn-0123456789abcdef0", "arn": arn}
    init.connect = with_networks(shared)
    done = init.run(answers=["2", "", "", "y"])
    assert "service network shared by 111122223333" in done.stderr
    assert init.parameters()["DefaultNetworks"] == arn
    assert refused(init.parameters()) == ""


def with_networks(*networks, **of_vpc):
    """Clients for which these service networks exist, and each VPC is in one with the members ``of_vpc``."""

    def connect(service):
        client = boto3.client(service)
        if service == "vpc-lattice":
            real = client.get_paginator

            def paginator(operation):
                pages = real(operation)
                if operation == "list_service_networks":
                    pages.paginate = lambda: [{"items": list(networks)}]
                elif of_vpc:
                    pages.paginate = lambda **_: [{"items": [of_vpc]}]
                return pages

            client.get_paginator = paginator
        return client

    return connect


def test_a_vpc_in_a_network_of_others_says_what_to_do(init):
    init.connect = with_networks(
        status="ACTIVE", serviceNetworkName="theirs", serviceNetworkArn="arn:aws:vpc-lattice:::servicenetwork/sn-1"
    )
    done = init.run(YES, "--vpc", DEFAULT_VPC)
    assert done.exit_code == 64
    assert "service network theirs" in done.stderr
    assert "not shared with this account" in done.stderr


@pytest.mark.parametrize("status", ["CREATE_FAILED", "DELETE_IN_PROGRESS"])
def test_an_association_that_is_gone_counts_for_nothing(init, status):
    init.connect = with_networks(status=status, serviceNetworkName="theirs", serviceNetworkArn="arn:sn-1")
    assert init.run(YES, "--vpc", DEFAULT_VPC).exit_code == 0
    assert init.parameters()["NetworkVpc1"] == DEFAULT_VPC


# --- wrong answers


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("7", "There is no number 7; allowed: 1 to 3."),
        ("client", "did you mean clients?"),
        ("vpc-0defa0170defa0171", f"did you mean {DEFAULT_VPC}?"),
        ("xyz", "there is: "),
        ("none, 1", "none stands alone"),
    ],
)
def test_a_wrong_vpc_is_asked_again(init, furnished, answer, told):
    done = init.run(answers=[answer, "1", "", "", "y"])
    assert done.exit_code == 0
    assert told in " ".join(done.stderr.split())


def test_two_places_with_one_name_need_an_id(init):
    first, second = make_vpc("twin"), make_vpc("twin", "10.1.0.0/16")
    done = init.run(YES, "--vpc", "twin")
    assert done.exit_code == 64
    assert first in done.stderr
    assert second in done.stderr


def test_an_option_takes_no_number(init, furnished):
    done = init.run(YES, "--vpc", "1")
    assert done.exit_code == 64
    assert "There is no VPC or service network 1" in done.stderr


def test_more_vpcs_than_the_template_takes_are_refused(init):
    made = [make_vpc(f"vpc{number}", f"10.{number}.0.0/16") for number in range(4)]
    done = init.run(YES, *(part for vpc in made for part in ("--vpc", vpc)))
    assert done.exit_code == 64
    assert "can associate 3 VPCs" in done.stderr
    assert init.run(YES, "--vpc", ",".join(made[:3])).exit_code == 0
    assert [init.parameters()[f"NetworkVpc{number}"] for number in (1, 2, 3)] == made[:3]


@pytest.mark.parametrize(
    ("cluster", "written"), [("shop", "shop"), ("sh*", "sh*"), ("shop,batch,shop", "shop,batch"), ("shop,*", None)]
)
def test_clusters_by_name_and_wildcard(init, furnished, cluster, written):
    assert init.run(YES, "--cluster", cluster).exit_code == 0
    assert init.parameters().get("Clusters") == written
    assert refused(init.parameters()) == ""


def test_a_cluster_by_number_and_by_arn(init, furnished):
    (arn,) = [each for each in boto3.client("ecs").list_clusters()["clusterArns"] if each.endswith("/shop")]
    assert init.run(answers=["1", "1", "", "y"]).exit_code == 0
    assert init.parameters()["Clusters"] == "batch"
    assert init.run(YES, "--cluster", arn).exit_code == 0
    assert init.parameters()["Clusters"] == "shop"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--cluster", "shpo"], "did you mean shop?"),
        (["--cluster", "a/b*"], "cluster names (not ARNs)"),
        (["--mail", "ops"], "an email address"),
        (["--mail", "a@example.com,b@example.com"], "NotifyEmail2"),
        (["--config-env", "prdo"], "did you mean prod?"),
        (["--config-env", "stage"], "[stage.deploy.parameters]"),
    ],
)
def test_wrong_options_change_nothing(init, furnished, options, told):
    before = init.config.read_bytes()
    done = init.run(YES, *options)
    assert (done.exit_code, done.stdout) == (64, "")
    assert told in done.stderr
    assert init.config.read_bytes() == before


# --- consent


def test_without_a_terminal_and_without_yes_it_says_so(run, tmp_path):
    for options in ([], ["--vpc", "a", "--cluster", "b", "--mail", "c@example.com"]):
        done = run("init", "--directory", str(checkout(tmp_path)), *options)
        assert (done.exit_code, done.stdout) == (64, "")
        assert "There is no terminal to ask at. Write --yes" in done.stderr


@pytest.mark.parametrize("answers", [["", "", "", "n"], ["", "", "", "what?"], ["", "", ""], ["", ""], []])
def test_nothing_is_written_without_consent(init, answers):
    before = init.config.read_bytes()
    done = init.run(answers=answers)
    assert (done.exit_code, done.stdout) == (130, "")
    assert init.config.read_bytes() == before


def test_options_leave_only_the_other_questions(init, furnished):
    done = init.run("--vpc", "clients", "--mail", "none", answers=["batch", "y"])
    assert done.exit_code == 0
    assert "2 of 3" in done.stderr
    assert "1 of 3" not in done.stderr
    assert init.parameters()["Clusters"] == "batch"


def test_quiet_leaves_out_the_difference_only_where_nobody_is_asked(init):
    assert "+region" in init.run("--quiet", answers=["", "", "", "n"]).stderr
    assert init.run("--quiet", YES).stderr == ""


def test_the_end_of_the_input_interrupts(init):
    app = App(connect=boto3.client, can_ask=lambda: True)
    done = invoked(app, "init", "--directory", str(init.folder), stdin="\n*\n")
    assert done.exit_code == 130
    assert done.stderr.endswith("Interrupted.\n")


# --- a stack that is deployed already


def deploy(network, **parameters):
    """A stack that CloudFormation knows with these parameters, and with outputs like ours."""
    body = {
        "Parameters": {name: {"Type": "String"} for name in parameters},
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
        "Outputs": {"EcsServiceFunctionName": {"Value": "f"}, "ServiceNetworkArn": {"Value": network}},
    }
    boto3.client("cloudformation").create_stack(
        StackName="ecs-lattice",
        TemplateBody=json.dumps(body),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
    )


def test_the_network_of_the_stack_stays_its_own(init, machine):
    first, second = make_vpc("first"), make_vpc("second", "10.1.0.0/16")
    network = make_network(machine, "ecs-lattice-99cee29b7808", first, second)
    deploy(network, CreateNetwork="true", NetworkVpc1=first, NetworkVpc2=second, Clusters="shop")
    done = init.run(YES, "--json")
    assert json.loads(done.stdout)["result"]["parameters"] == {
        "DefaultNetworks": "", "CreateNetwork": "true", "NetworkVpc1": first, "NetworkVpc2": second, "NetworkVpc3": "",
        "Clusters": "shop", "NotifyEmail": "",
    }  # fmt: skip
    assert init.parameters()["NetworkVpc2"] == second


def test_a_vpc_keeps_its_parameter_and_a_parameter_that_changes_its_vpc_loses_the_security_groups(init, machine):
    first, second, third = (make_vpc(name, f"10.{number}.0.0/16") for number, name in enumerate(("a", "b", "c")))
    network = make_network(machine, "ecs-lattice-99cee29b7808", first, second)
    deploy(
        network, CreateNetwork="true", NetworkVpc1=first, NetworkVpc1SecurityGroups="sg-0123456789abcdef0", NetworkVpc2=second
    )  # fmt: skip
    assert init.run(YES, "--vpc", f"{second},{third}").exit_code == 0
    found = init.parameters()
    assert (found["NetworkVpc1"], found["NetworkVpc2"]) == (third, second)
    assert found["NetworkVpc1SecurityGroups"] == ""
    assert refused(found) == ""


def test_a_default_is_written_where_the_stack_has_another_value(init, machine):
    network = make_network(machine, "ecs-lattice-99cee29b7808", DEFAULT_VPC)
    deploy(network, CreateNetwork="true", NetworkVpc1=DEFAULT_VPC, NotifyEmail="old@example.com")
    assert init.run(YES, "--vpc", "none", "--mail", "none").exit_code == 0
    found = init.parameters()
    assert (found["CreateNetwork"], found["NetworkVpc1"], found["NotifyEmail"]) == ("false", "", "")
    assert refused(found) == ""


def test_another_application_of_this_name_is_not_updated(init):
    body = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}, "Outputs": {"Url": {"Value": "x"}}}
    boto3.client("cloudformation").create_stack(StackName="ecs-lattice", TemplateBody=json.dumps(body))
    done = init.run(YES)
    assert done.exit_code == 64
    assert "is no ecs-lattice stack" in done.stderr


def test_stack_and_region_of_the_file_hold_unless_options_name_others(init):
    init.config.write_text(init.config.read_text().replace('stack_name = "ecs-lattice"', 'stack_name = "mesh"'))
    done = init.run(YES, "--json")
    assert json.loads(done.stdout)["result"]["stack"] == "mesh"
    assert json.loads(done.stdout)["result"]["next"][1] == "ecs-lattice doctor --stack mesh"
    done = init.run(YES, "--json", "--stack", "other", "--region", "eu-west-1")
    found = json.loads(done.stdout)["result"]
    assert (found["stack"], found["region"]) == ("other", "eu-west-1")
    assert 'region = "eu-west-1"' in init.config.read_text()
    assert json.loads(init.run(YES, "--json").stdout)["result"]["region"] == "eu-west-1"


# --- the files


def test_without_a_samconfig_one_is_made_that_is_enough_for_sam(init):
    init.config.unlink()
    assert init.run(YES).exit_code == 0
    written = tomllib.loads(init.config.read_text())["default"]
    assert written["global"]["parameters"] == {"stack_name": "ecs-lattice", "region": "us-east-1"}
    assert (written["deploy"]["parameters"]["capabilities"], written["deploy"]["parameters"]["resolve_s3"]) == (
        "CAPABILITY_IAM", True,
    )  # fmt: skip
    assert init.parameters("default") == {"CreateNetwork": "true", "NetworkVpc1": DEFAULT_VPC}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("samconfig.toml", "[dev\n", "is no TOML"),
        ("samconfig.toml", b"\xff", "is not UTF-8"),
        ("samconfig.toml", "[dev]\ndeploy = 3\n", "Write it as tables"),
        ("samconfig.toml", "[dev.global]\nparameters = 3\n", "Write it as tables"),
        ("samconfig.toml", '[dev.deploy.parameters]\nparameter_overrides = "file://a.yaml"\n', "file://a.yaml"),
        ("samconfig.toml", "[dev.deploy.parameters]\nparameter_overrides = [{ A = 1 }]\n", "is not edited here"),
        ("template.yaml", "Parameters: {Clusters: {Type: String}}", "has no parameter DefaultNetworks"),
        ("template.yaml", "a: [", "is no YAML"),
        ("template.yaml", "- 1", "has no parameter"),
        ("template.yaml", None, "Run it in the checkout of ecs-lattice, or write --directory."),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_stays(init, name, content, told):
    path = init.folder / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = {each.name: each.read_bytes() for each in init.folder.iterdir()}
    done = init.run(YES)
    assert (done.exit_code, done.stdout) == (64, "")
    assert name in done.stderr
    assert told in done.stderr
    assert {each.name: each.read_bytes() for each in init.folder.iterdir()} == before


def test_a_samconfig_of_another_format_is_not_hidden_by_a_new_one(init):
    init.config.rename(init.folder / "samconfig.yaml")
    done = init.run(YES)
    assert done.exit_code == 64
    assert not init.config.exists()


def test_a_failed_write_leaves_the_file_and_nothing_beside_it(init, monkeypatch):
    before, names = init.config.read_bytes(), sorted(init.folder.iterdir())

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(samconfig.Path, "replace", full)
    done = init.run(YES)
    assert done.exit_code == 64
    assert "No space left on device" in done.stderr
    assert (init.config.read_bytes(), sorted(init.folder.iterdir())) == (before, names)


def test_what_somebody_else_writes_meanwhile_is_not_overwritten(init):
    class Colleague(list):
        def pop(self, index):
            if len(self) == 1:
                init.config.write_text("# theirs\n")
            return super().pop(index)

    person = Person(Colleague(["", "", "", "y"]))
    app = App(connect=boto3.client, ask=person.ask, can_ask=lambda: True)
    done = invoked(app, "init", "--directory", str(init.folder))
    assert done.exit_code == 64
    assert "was changed meanwhile" in done.stderr
    assert init.config.read_text() == "# theirs\n"


def test_permissions_links_and_line_ends_stay(init):
    real = init.folder / "shared.toml"
    real.write_bytes(init.config.read_bytes().replace(b"\n", b"\r\n"))
    real.chmod(0o640)
    init.config.unlink()
    init.config.symlink_to(real)
    assert init.run(YES, "--mail", "ops@example.com").exit_code == 0
    assert init.config.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert real.read_bytes().count(b"\n") == real.read_bytes().count(b"\r\n")
    assert b"ops@example.com" in real.read_bytes()


# --- permissions


def test_the_example_policy_allows_what_it_asks_for(stack, tmp_path):
    stack.live("orders")
    stack.asked.clear()
    app = Installer(checkout(tmp_path), stack.client)
    assert app.run(YES).exit_code == 0
    assert app.parameters()["DefaultNetworks"] == "platform"
    (of_init,) = [each for each in POLICY["Statement"] if each["Sid"] == "Init"]
    asked = {one for one in stack.asked if one[0] != "sts:GetCallerIdentity"}  # which needs no permission (IAM)
    assert {action for action, _ in asked} == {"cloudformation:DescribeStacks", *of_init["Action"]}
    assert {one for one in asked if not decide([of_verb("init")], Request(*one)).allowed} == set()


def test_a_denied_read_is_named_and_where_services_run_is_dispensable(stack, tmp_path):
    app = Installer(checkout(tmp_path), stack.client)
    stack.live("orders")
    stack.denied.add("ecs:ListServices")
    done = app.run(answers=["", "", "", "y"])
    assert done.exit_code == 0
    assert "ecs:ListServices" in done.stderr
    stack.denied.add("ec2:DescribeVpcs")
    done = app.run(YES)
    assert (done.exit_code, done.stdout) == (69, "")
    assert "ec2:DescribeVpcs" in done.stderr


def test_the_readme_installs_with_it_first():
    install = (ROOT / "README.md").read_text().partition("## Deploy it")[2].partition("\n## ")[0]
    commands = re.findall(r"^\$ (.*?)(?:  +#.*)?$", install, re.MULTILINE)
    assert commands[:3] == ["ecs-lattice init", "sam build", "sam deploy --config-env dev"]
