"""The command as a process, against the deployed stack on a real endpoint, as a user who has the example policy and no more."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

from local_aws.environment import ACCESS_KEY, SECRET_KEY, client_variables
from tests.end_to_end.conftest import ROOT


@dataclass(frozen=True)
class Developer:
    """An IAM user with the example policy, who names the endpoint by option or variable."""

    endpoint: str
    key: str
    secret: str

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        own = {"AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.secret}
        environment = {**os.environ, **client_variables(self.endpoint), **own, **variables}
        del environment["AWS_ENDPOINT_URL"]
        command = [sys.executable, "-m", "ecs_lattice_cli", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=240)


@pytest.fixture(scope="module")
def developer(operator) -> Developer:
    iam = operator.aws.client("iam")
    iam.create_user(UserName="developer")
    policy = (ROOT / "docs" / "command-policy.json").read_text()
    iam.put_user_policy(UserName="developer", PolicyName="command", PolicyDocument=policy)
    key = iam.create_access_key(UserName="developer")["AccessKey"]
    return Developer(operator.aws.endpoint_url, key["AccessKeyId"], key["SecretAccessKey"])


def test_a_resync_is_run_and_its_result_is_one_document(operator, developer):
    done = developer.run("resync", "--json", "--endpoint-url", developer.endpoint)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["command"], document["result"]["complete"]) == ("resync", True)


def test_a_retry_is_reconciled_by_the_stack(operator, developer):
    arn = "arn:aws:ecs:us-east-1:123456789012:service/default/none"
    done = developer.run("retry", arn, ECS_LATTICE_ENDPOINT_URL=developer.endpoint)
    assert (done.returncode, done.stdout) == (0, "A reconcile of default/none is enqueued.\n"), done.stderr
    function = operator.function("EcsServiceFunction")

    def reconciled():  # there is no ECS service that anything else could reconcile
        return [
            one for one in operator.inspect("invocations") if one["function"] == function and one["source"] != "invoke"
        ]

    assert operator.until(reconciled, "the reconcile")[0]["error"] is None


def test_another_region_and_an_endpoint_that_is_none_are_sentences(operator, developer):
    done = developer.run("resync", "-q", "--endpoint-url", "http://127.0.0.1:9", AWS_MAX_ATTEMPTS="1")
    assert (done.returncode, done.stdout) == (69, "")
    assert done.stderr.startswith("Error: AWS cannot be reached")
    administrator = Developer(developer.endpoint, ACCESS_KEY, SECRET_KEY)  # may list stacks
    done = administrator.run("resync", "-q", "--endpoint-url", developer.endpoint, "--region", "eu-west-1")
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr.startswith("Error: There is no stack ecs-lattice in Region eu-west-1, nor any other")
