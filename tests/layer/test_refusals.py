"""The built functions in Lambda's own runtime client: what a person sees who invokes one wrongly, or without its environment."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ecs_lattice.settings import Settings
from local_aws.__main__ import build
from local_aws.clock import ManualClock
from local_aws.runtime import artifacts
from local_aws.runtime.environment import ExecutionEnvironment, Platform
from local_aws.runtime.logs import LogFiles
from local_aws.runtime.values import FunctionSettings

ROOT = Path(__file__).parents[2]
BUILT = ROOT / ".aws-sam" / "build"
NEEDED = {
    field.name.upper(): f"https://sqs.us-east-1.amazonaws.com/123456789012/{field.name}"
    for field in dataclasses.fields(Settings)
    if field.default is dataclasses.MISSING
}
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
type Invoke = Callable[[str, object, dict[str, str]], tuple[dict, list[dict]]]


@pytest.fixture
def invoke(tmp_path) -> Invoke:
    """Invokes a built function by its folder's name in a new environment: what it answers, and its log's lines of errors.
    Nothing listens where its calls to AWS would go."""
    if not BUILT.exists():
        build(ROOT)
    runtime = artifacts.runtime_directory(tmp_path)

    def call(function: str, event: object, variables: dict[str, str]) -> tuple[dict, list[dict]]:
        name = f"{function.title().replace('_', '')}Function"
        settings = FunctionSettings(
            name, f"arn:aws:lambda:us-east-1:123456789012:function:{name}", "$LATEST", "app.handler",
            BUILT / name, (BUILT / "CoreLayer",), variables, 30.0, 512, f"/ecs-lattice/{name}", "JSON", "INFO",
        )  # fmt: skip
        environment = ExecutionEnvironment(
            settings, Platform("http://127.0.0.1:9", runtime, LogFiles(tmp_path), ManualClock()), "AKIAEXAMPLE"
        )
        try:
            answer = json.loads(environment.invoke(json.dumps(event).encode()).payload)
        finally:
            environment.close()  # and all that it wrote has been read
        log = [json.loads(line) for line in (tmp_path / f"{name}.log").read_text().splitlines() if line.startswith("{")]
        return answer, [line for line in log if line.get("level") == "ERROR"]

    return call


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_event_meant_for_another_function_fails_with_one_line_and_a_trace_of_one_frame(invoke, function):
    foreign = "ecs/steady-state" if function != "ecs_events" else "resync/uninstall"
    event = json.loads((ROOT / "events" / f"{foreign}.json").read_text())
    answer, errors = invoke(function, event, NEEDED)
    assert answer["errorType"] == "UnknownEventError"
    owner = "EcsEventsFunction" if function != "ecs_events" else "ResyncFunction"
    assert answer["errorMessage"].endswith(f", which {owner} takes.")
    (frame,) = answer["stackTrace"]
    assert "ecs_lattice/function_handler.py" in frame
    own = [line for line in errors if "message" in line]
    assert [line["reason"] for line in own] == [answer["errorMessage"]]
    assert all(
        line["errorMessage"] == answer["errorMessage"] for line in errors if line not in own
    )  # Lambda's own line


@pytest.mark.parametrize("function", [name for name in FUNCTIONS if name != "lattice_ingress"])
def test_without_its_environment_a_function_says_at_its_start_all_that_is_missing(invoke, function):
    answer, errors = invoke(function, {}, {"OWNER": "me"})
    lacking = ", ".join(name for name in NEEDED if name != "OWNER")
    sentence = f"The environment of the function lacks {lacking}; template.yaml sets it, in Globals."
    assert (answer["errorType"], answer["errorMessage"]) == ("SettingsError", sentence)
    assert len(answer["stackTrace"]) == 1
    own = [line for line in errors if "message" in line]
    assert [(line["message"], line["reason"]) for line in own] == [
        ("The environment is wrong; every invocation will fail", sentence)
    ]
    assert "function_request_id" not in own[0], "it was said before there was a request"
