"""Functions run from the built artifacts, as Lambda runs them."""

import base64
import json
import os
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local_aws.runtime import artifacts, logs
from local_aws.services import Services, clock


def test_the_built_layer_is_what_is_imported_and_nothing_of_the_repository_is(invoke, state):
    told, error = invoke(do="tell")
    assert error is None
    assert Path(told["layer"]).is_relative_to(state / "unpacked")
    assert told["path"][:2] == told["environment"]["PYTHONPATH"].split(":")
    assert told["cwd"] == told["environment"]["LAMBDA_TASK_ROOT"]
    assert told["foreign"] == []
    assert [p for p in told["path"] if "site-packages" in p] == []


def test_the_environment_is_the_templates_with_references_resolved(invoke, aws):
    variables = invoke(do="tell")[0]["environment"]
    assert variables["TABLE"] == aws.outputs["Table"]
    assert variables["GREETING"] == "hello"
    assert variables["WORDS"] == "one two"
    assert variables["QUEUE"] == aws.outputs["Bells"]
    assert variables["AWS_ENDPOINT_URL"] == aws.endpoint_url
    assert variables["AWS_REGION"] == "us-east-1"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == aws.outputs["Worker"]
    assert variables["AWS_LAMBDA_LOG_FORMAT"] == "JSON"
    assert not [name for name in variables if name.startswith("LOCAL_AWS")]


def test_a_functions_time_runs_at_the_clocks_speed_and_its_time_out_does_not(invoke):
    before = clock().time()
    told, _ = invoke(do="tell")
    after = clock().time()
    assert before <= told["time"] <= after
    assert 0 < told["left"] <= 2000


def test_an_environment_is_kept_warm(invoke):
    runs: dict[int, list[int]] = {}
    for _ in range(5):  # more than there can be environments, so one of them runs twice
        told = invoke(do="tell")[0]
        runs.setdefault(told["pid"], []).append(told["runs"])
    assert max(len(seen) for seen in runs.values()) > 1
    assert all(seen == sorted(set(seen)) for seen in runs.values())  # others may have used it in between


def test_an_exception_is_an_unhandled_error_with_its_trace(invoke):
    payload, error = invoke(do="fail", key="direct")
    assert error == "Unhandled"
    assert payload["errorType"] == "ValueError"
    assert payload["errorMessage"] == "direct"
    assert "app.py" in "".join(payload["stackTrace"])


def test_a_time_out_kills_the_environment_and_the_next_invocation_gets_another(invoke, table, eventually):
    payload, error = invoke(do="sleep", seconds=60, key="slept")
    assert error == "Unhandled"
    assert payload["errorType"] == "Sandbox.Timedout"
    assert payload["errorMessage"].endswith("Error: Task timed out after 2.00 seconds")
    slept = int(table.get_item(Key={"pk": "slept"})["Item"]["pid"])
    eventually(lambda: not is_alive(slept))
    told, error = invoke(do="tell")
    assert error is None
    assert told["pid"] != slept


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_process_that_ends_itself_is_a_runtime_exit_error(invoke):
    payload, error = invoke(do="exit")
    assert error == "Unhandled"
    assert payload["errorType"] == "Runtime.ExitError"
    assert payload["errorMessage"].endswith("Runtime exited with error: exit status 3")
    assert invoke(do="tell")[1] is None


def test_a_handler_that_cannot_be_imported_is_an_init_error(aws):
    service, name = aws.client("lambda"), aws.outputs["Worker"]
    service.update_function_configuration(FunctionName=name, Handler="elsewhere.handler")
    try:
        answer = service.invoke(FunctionName=name)
        assert answer["FunctionError"] == "Unhandled"
        assert json.loads(answer["Payload"].read())["errorType"] == "Runtime.ImportModuleError"
    finally:
        service.update_function_configuration(FunctionName=name, Handler="app.handler")
    answer = service.invoke(FunctionName=name, Payload=b'{"do": "tell"}')
    assert "FunctionError" not in answer


@pytest.mark.parametrize(
    ("line", "level", "kept"),
    [
        ('{"level": "INFO"}', "INFO", True),
        ('{"level": "INFO"}', "WARN", False),
        ('{"level": "DEBUG"}', "INFO", False),
        ('{"level": "error"}', "ERROR", True),
        ('{"Healthy": 2, "_aws": {"CloudWatchMetrics": []}}', "INFO", True),  # no level: as INFO
        ('{"Healthy": 2, "_aws": {"CloudWatchMetrics": []}}', "WARN", False),
        ('{"level": "WARNING"}', "WARN", False),  # not a level of Lambda
        ("plain text", "ERROR", True),
        ("[1]", "ERROR", True),
        ('{"level": "DEBUG"}', "", True),
    ],
)
def test_lines_below_the_log_level_are_dropped(line, level, kept):
    assert logs.is_kept(line, "JSON", level) is kept
    assert logs.is_kept(line, "Text", level)


def test_output_goes_to_the_log_file_the_log_group_and_the_tail(aws, invoke, eventually):
    service, name = aws.client("lambda"), aws.outputs["Worker"]
    answer = service.invoke(FunctionName=name, Payload=b'{"do": "tell"}', LogType="Tail")
    variables = json.loads(answer["Payload"].read())["environment"]
    request = answer["ResponseMetadata"]["RequestId"]
    assert request
    tail = base64.b64decode(answer["LogResult"]).decode()
    assert '"type": "platform.report"' in tail
    file = aws.log_directory / f"{name}.log"
    eventually(lambda: '"message": "telling"' in file.read_text())
    group, stream = variables["AWS_LAMBDA_LOG_GROUP_NAME"], variables["AWS_LAMBDA_LOG_STREAM_NAME"]
    logs = aws.client("logs")
    assert [g["logGroupName"] for g in logs.describe_log_groups()["logGroups"]].count(group) == 1
    events = logs.get_log_events(logGroupName=group, logStreamName=stream)["events"]
    assert any('"message": "telling"' in event["message"] for event in events)


def test_a_dry_run_runs_nothing(aws):
    answer = aws.client("lambda").invoke(FunctionName=aws.outputs["Worker"], InvocationType="DryRun", Payload=b"{}")
    assert answer["StatusCode"] == 204
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        aws.client("lambda").invoke(FunctionName="nobody", InvocationType="DryRun")


@pytest.mark.parametrize(
    ("payload", "code"),
    [(b"{no", "InvalidRequestContentException"), (b'"' + b"x" * 6300000 + b'"', "RequestTooLargeException")],
)
def test_a_payload_that_lambda_does_not_take_is_refused(aws, payload, code):
    with pytest.raises(ClientError, match=code):
        aws.client("lambda").invoke(FunctionName=aws.outputs["Worker"], Payload=payload)


def test_an_asynchronous_invocation_answers_at_once_and_runs(aws, table, eventually):
    order = json.dumps({"do": "record", "key": "asynchronous"})
    answer = aws.client("lambda").invoke(FunctionName=aws.outputs["Worker"], InvocationType="Event", Payload=order)
    assert answer["StatusCode"] == 202
    eventually(lambda: "Item" in table.get_item(Key={"pk": "asynchronous"}))


def test_an_asynchronous_invocation_that_fails_is_retried_and_handed_to_its_destination(aws, table, eventually):
    order = json.dumps({"do": "fail", "key": "hopeless"})
    aws.client("lambda").invoke(FunctionName=aws.outputs["Worker"], InvocationType="Event", Payload=order)
    sqs = aws.client("sqs")

    def record():
        for message in sqs.receive_message(QueueUrl=aws.outputs["Failures"], MaxNumberOfMessages=10).get(
            "Messages", ()
        ):
            body = json.loads(message["Body"])
            if body.get("requestPayload", {}).get("key") == "hopeless":
                return body
        return None

    record = eventually(record)
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 2  # the template allows one retry
    assert record["responsePayload"]["errorType"] == "ValueError"
    assert table.get_item(Key={"pk": "hopeless"})["Item"]["failures"] == 2


def test_no_reserved_concurrency_means_throttled(aws):
    service, name = aws.client("lambda"), aws.outputs["Worker"]
    service.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    service.meta.events.register("needs-retry.lambda.Invoke", lambda **_: None)
    try:
        with pytest.raises(ClientError) as refused:
            lambda_only_once(aws).invoke(FunctionName=name)
        assert refused.value.response["Error"]["Code"] == "TooManyRequestsException"
    finally:
        service.delete_function_concurrency(FunctionName=name)


def lambda_only_once(aws):
    from botocore.config import Config

    return aws.client("lambda", config=Config(retries={"total_max_attempts": 1}))


def test_what_is_no_zip_is_refused_with_its_digest(tmp_path):
    with pytest.raises(ValueError, match="abc"):
        artifacts.unpack(b"no zip", "abc", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_runtimes_packages_are_linked_and_nothing_else(tmp_path):
    names = {path.name for path in artifacts.runtime_directory(tmp_path).iterdir()}
    assert {"awslambdaric", "boto3", "botocore", "six.py"} <= names
    assert not names & {"moto", "local_aws", "ecs_lattice", "pytest"}
    assert artifacts.runtime_directory(tmp_path).is_dir()  # a second start finds what the first made


def test_without_a_server_there_is_no_compute():
    with pytest.raises(RuntimeError, match="server only"):
        Services().running_compute()
