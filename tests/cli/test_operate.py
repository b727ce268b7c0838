"""retry and resync: what is enqueued is worked, and what goes wrong is a sentence."""

import json

import pytest
from botocore.exceptions import ClientError, UnauthorizedSSOTokenError

from ecs_lattice_cli.app import App
from ecs_lattice_cli.aws_errors import explained
from ecs_lattice_cli.errors import CommandError
from ecs_lattice_cli.stack import connecting
from tests.cli.conftest import invoked


def test_a_retry_tries_a_failed_attachment_again(stack, ask):
    arn = stack.live()
    done = ask("retry", arn)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == "A reconcile of shop/orders is enqueued.\n"
    assert stack.invoked == [("EcsServiceFunctionName", {"ecsService": arn, "mode": "retry"})]
    before = len(stack.world.outcomes)
    stack.world.run(1)
    assert ("ecs", arn, "Done") in stack.world.outcomes[before:]


@pytest.mark.parametrize("written", ["orders", "shop/orders"])
def test_a_service_is_found_by_its_name_among_those_that_the_stack_knows(stack, ask, written):
    arn = stack.live()
    assert ask("retry", written).stdout == "A reconcile of shop/orders is enqueued.\n"
    assert stack.invoked == [
        ("QueryFunctionName", {"mode": "status"}),
        ("EcsServiceFunctionName", {"ecsService": arn, "mode": "retry"}),
    ]
    wrong = ask("retry", "ordrs")
    assert (wrong.exit_code, wrong.stdout) == (64, "")
    assert wrong.stderr == "Error: Stack ecs-lattice knows no ECS service ordrs; did you mean shop/orders?\n"


def test_the_json_of_a_retry_is_one_document(stack, ask):
    arn = stack.live()
    document = json.loads(ask("--json", "retry", arn).stdout)
    assert (document["schema"], document["command"]) == (1, "retry")
    assert document["result"] == {"ecsService": arn}
    assert document["at"].endswith("Z")


def test_a_resync_enqueues_a_service_that_no_event_named(stack, ask):
    stack.world.deploy(stack.world.register({"lattice.service": "orders", "lattice.port": "web"}))
    done = ask("resync")
    assert done.exit_code == 0
    assert done.stdout == "1 ECS services were read, 1 reconciles are enqueued. All were read.\n"
    assert done.stderr.startswith("Reading the ECS services")
    assert ask("resync", "-q").stderr == ""


def test_a_stack_that_is_not_there_is_named_with_its_region_and_the_nearest_one(stack, ask):
    done = ask("resync", "-q", "--stack", "ecs-latice")
    assert done.exit_code == 64
    assert done.stdout == ""
    assert done.stderr == ("Error: There is no stack ecs-latice in Region us-east-1; did you mean ecs-lattice?\n")
    assert "; there is: ecs-lattice.\n" in ask("resync", "-q", "--stack", "xyz").stderr
    stack.denied.add("cloudformation:DescribeStacks on *")
    assert ask("resync", "-q", "--stack", "other").stderr == (
        "Error: There is no stack other in Region us-east-1. Write --stack and --region of the stack.\n"
    )
    stack.denied.clear()
    stack.outputs.clear()
    told = ask("resync", "-q", "--stack", "other").stderr
    assert told.startswith("Error: There is no stack other in Region us-east-1, nor any other ecs-lattice stack.")
    assert "--region" in told


def test_a_stack_of_something_else_is_told_from_an_older_one(stack, ask):
    del stack.outputs["ResyncFunctionName"]
    older = ask("resync", "-q")
    assert (older.exit_code, "Update the stack" in older.stderr) == (69, True)
    stack.outputs.clear()
    other = ask("resync", "-q")
    assert (other.exit_code, "is no ecs-lattice stack" in other.stderr) == (64, True)


@pytest.mark.parametrize("action", ["cloudformation:DescribeStacks", "lambda:InvokeFunction"])
def test_a_denied_call_names_the_action_and_the_policy_page(stack, ask, action):
    stack.denied.add(action)
    done = ask("resync", "-q")
    assert done.exit_code == 69
    assert done.stderr.startswith(f"Error: AWS denied {action} on *.")
    assert "docs/command.md#permissions" in done.stderr


def test_what_a_function_rejects_is_its_own_sentence(stack):
    with pytest.raises(CommandError) as raised:
        stack.app().stack.invoke("ResyncFunctionName", {"mode": "delete-everything"})
    assert raised.value.exit_code == 69
    assert raised.value.message.startswith(f"{stack.outputs['ResyncFunctionName']}: ")
    assert '"sweep", "uninstall" or "approve-removals"' in raised.value.message


def test_a_name_needs_a_stack_that_can_be_asked_for_its_services(stack, ask):
    stack.outputs.pop("QueryFunctionName", None)
    done = ask("retry", "orders")
    assert done.exit_code == 69
    assert done.stderr == (
        "Error: Stack ecs-lattice in us-east-1 has no output QueryFunctionName: it is older than this command. "
        "Update the stack.\n"
    )


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ExpiredToken", "AWS does not accept the credentials: no. Configure some"),
        ("UnrecognizedClientException", "AWS does not accept the credentials"),
        ("AccessDenied", "AWS denied DescribeStacks. The policy"),
        ("Throttling", "AWS rejected DescribeStacks: no (Throttling)."),
    ],
)
def test_what_aws_answers_is_a_sentence(code, said):
    with pytest.raises(CommandError) as raised, explained():
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "DescribeStacks")
    assert raised.value.message.startswith(said)
    assert raised.value.exit_code == 69


def test_a_login_that_has_expired_is_a_sentence():
    with pytest.raises(CommandError, match="The AWS login is not usable"), explained():
        raise UnauthorizedSSOTokenError


@pytest.mark.parametrize(
    ("environment", "code", "said"),
    [
        ({"AWS_PROFILE": "none-such"}, 64, "none-such"),
        ({"AWS_DEFAULT_REGION": "", "AWS_REGION": ""}, 64, "There is no Region: write --region"),
        ({"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, 69, "AWS cannot be reached"),
        ({"AWS_ENDPOINT_URL": "no url", "AWS_REGION": "us-east-1"}, 64, "AWS cannot be called: Invalid endpoint"),
        (
            {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
            69,
            "no usable AWS credentials",
        ),
    ],
)
def test_what_boto3_cannot_do_is_a_sentence(environment, code, said, tmp_path):
    nowhere = {
        "AWS_CONFIG_FILE": str(tmp_path / "none"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_MAX_ATTEMPTS": "1",
    }  # fmt: skip
    done = invoked(App(), "resync", "-q", **{**nowhere, **environment})
    assert (done.exit_code, done.stdout) == (code, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_request_to_a_function_is_sent_once_and_waits_until_the_function_has_ended(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    connect = connecting("eu-west-1", None, "http://127.0.0.1:9")
    config = connect("lambda").meta.config
    assert config.retries["total_max_attempts"] == 1
    assert config.read_timeout > 900
    assert connect("cloudformation").meta.config.read_timeout == 60
    assert connect("lambda").meta.region_name == "eu-west-1"
