"""lint: what the parser of the stack says of a file, and what is said of a file that is none."""

import json

import pytest

GOOD = {"lattice.service": "orders", "lattice.path.prefix": "/orders"}


def definition(labels, **more):
    container = {"name": "app", "portMappings": [{"name": "web", "containerPort": 8080}], "dockerLabels": labels}
    return {"family": "orders", "networkMode": "awsvpc", "containerDefinitions": [container], **more}


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a file into the current folder; its name."""
    monkeypatch.chdir(tmp_path)

    def written(content, name="taskdef.json"):
        (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content, indent=2))
        return name

    return written


def test_a_problem_has_file_line_code_key_reason_place_and_what_is_allowed(run, write):
    done = run("lint", write(definition({**GOOD, "lattice.health.interval": "3"})))
    assert done.exit_code == 1
    assert done.stdout == (
        "taskdef.json:16: BAD_VALUE lattice.health.interval = 3\n"
        "    too small; allowed: seconds, from 5 to 300.\n"
        "    In: docker label of container app in orders.\n"
        "\n"
        "1 problem. Next: ecs-lattice explain BAD_VALUE\n"
    )
    assert done.stderr == ""


def test_good_labels_name_their_routes(run, write):
    done = run("lint", write(definition(GOOD)))
    assert (done.exit_code, done.stdout) == (0, "taskdef.json: OK, 1 route: default\n")


def test_a_task_definition_without_labels_is_not_a_problem_but_is_said(run, write):
    done = run("lint", write(definition({"latice.service": "orders"})))
    assert done.exit_code == 0
    assert done.stdout == "taskdef.json: OK, but no label begins with lattice. (nothing would be hooked up)\n"


def test_what_describe_task_definition_prints_is_taken_too(run, write):
    arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/orders:7"
    certificate = "arn:aws:acm:eu-west-1:123456789012:certificate/0123abcd"
    labels = {**GOOD, "lattice.domain": "orders.example.com", "lattice.certificate": certificate}
    printed = {"taskDefinition": definition(labels, taskDefinitionArn=arn, revision=7), "tags": []}
    done = run("--json", "lint", write(printed))
    (found,) = json.loads(done.stdout)["result"]["files"]
    assert found["taskDefinition"] == "orders:7"
    assert [problem["code"] for problem in found["problems"]] == ["CERTIFICATE_REGION"]


def test_several_files_and_stdin_are_read_and_one_problem_decides(run, write):
    bad = write(definition({"lattice.service": "x"}), "bad.json")
    done = run("lint", write(definition(GOOD)), "-", bad, stdin=json.dumps(definition(GOOD)))
    assert done.exit_code == 1
    assert [line.partition(" ")[0] for line in done.stdout.splitlines()[:3]] == ["taskdef.json:", "-:", "bad.json:14:"]


def test_a_tag_of_the_service_overrides_a_label(run, write):
    name = write(definition({**GOOD, "lattice.health.interval": "3"}))
    assert run("lint", name, "--service-tag", "lattice.health.interval=30").exit_code == 0
    done = run("lint", write(definition(GOOD)), "--service-tag", "lattice.port=none")
    assert done.exit_code == 1
    assert "taskdef.json: PORT_UNKNOWN lattice.port = none" in done.stdout
    assert "In: tag of the ECS service." in done.stdout


def test_the_prefix_of_the_stack_is_used_in_every_key(run, write):
    labels = {
        "net.service": "orders",
        "net.path.prefix": "/a",
        "net.path.exact": "/b",
        "net.listener": "TLS_PASSTHROUGH:443",
    }
    done = run("lint", write(definition(labels)), "--prefix", "net")
    assert done.exit_code == 1
    assert "lattice." not in done.stdout


def test_the_controller_decides_who_may_register_targets(run, write):
    name = write(definition({**GOOD, "lattice.targets": "ecs"}))
    assert run("lint", name).exit_code == 0
    assert "TARGETS_NOT_POSSIBLE" in run("lint", name, "--controller", "external").stdout


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "x.json:1:1: no JSON: Expecting value."),
        ("{", "x.json:1:2: no JSON: Expecting property name"),
        ("[" * 200_000, "x.json: no JSON that can be read"),
        ("[]", "x.json is no task definition: a task definition is an object with containerDefinitions"),
        ('{"services": []}', "x.json is no task definition"),
        ('{"taskDefinition": "orders:7"}', "x.json is no task definition"),
        ('{"containerDefinitions": {}}', "containerDefinitions must be a list"),
        ('{"containerDefinitions": [7]}', "containerDefinitions[0] must be an object"),
        ('{"containerDefinitions": [{}]}', "containerDefinitions[0].name must be a string"),
        ('{"containerDefinitions": [{"name": "a", "dockerLabels": []}]}', "containerDefinitions[0].dockerLabels must be an object"),
        (
            '{"containerDefinitions": [{"name": "a", "dockerLabels": {"lattice.priority": 10}}]}',
            'containerDefinitions[0].dockerLabels: the value of lattice.priority must be a string, so "10"',
        ),
        (
            '{"containerDefinitions": [{"name": "a", "portMappings": [{"containerPort": "80"}]}]}',
            "containerDefinitions[0].portMappings[0].containerPort must be a number",
        ),
        ('{"containerDefinitions": [{"name": "a", "portMappings": null}]}', "portMappings must be a list"),
        ('{"containerDefinitions": [{"name": "a", "logConfiguration": {"options": 7}}]}', "logConfiguration.options must be an object"),
        ('{"containerDefinitions": [{"name": "a", "healthCheck": {"command": 7}}]}', "healthCheck.command must be a list"),
        ('{"containerDefinitions": [], "memory": "1 GB"}', "memory"),
    ],
)  # fmt: skip
def test_what_is_no_task_definition_is_a_wrong_call(run, write, content, said):
    done = run("lint", write(content, "x.json"))
    assert (done.exit_code, done.stdout) == (64, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_file_that_is_not_there_is_a_wrong_call_with_the_nearest_name(run, write, tmp_path):
    write(definition(GOOD))
    assert run("lint", "taskdf.json").stderr == "Error: There is no file taskdf.json; did you mean taskdef.json?\n"
    assert "there is no folder none" in run("lint", "none/taskdef.json").stderr
    assert f"in {tmp_path}" in run("lint", "something").stderr
    for name in ("taskdf.json", "none/taskdef.json", "."):
        assert run("lint", name).exit_code == 64


def test_bytes_that_are_no_text_are_a_wrong_call_and_a_byte_order_mark_is_none(run, write, tmp_path):
    (tmp_path / "x.json").write_bytes(b"\xff\xfe\x00")
    assert "not text in UTF-8" in run("lint", "x.json").stderr
    (tmp_path / "x.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(definition(GOOD)).encode())
    assert run("lint", "x.json").exit_code == 0


def test_without_a_file_or_with_a_tag_that_is_none_the_call_is_wrong(run):
    assert run("lint").stderr.startswith("Error: lint needs a task definition")
    assert run("lint").exit_code == run("lint", "-", "--service-tag", "x", stdin="{}").exit_code == 64


def test_a_value_cannot_control_the_terminal(run, write):
    done = run("lint", write(definition({**GOOD, "lattice.priority": "\x1b[31m\x07\u202e1"})))
    assert done.exit_code == 1
    assert {"\x1b", "\x07", "\u202e"}.isdisjoint(done.stdout)
    assert "\\x1b[31m" in done.stdout
