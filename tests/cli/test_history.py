"""history: what was changed in a scenario, by day, with the cause of each."""

import json
import re

import boto3
import pytest

from ecs_lattice_cli import durations
from ecs_lattice_cli.errors import CommandError
from ecs_lattice_cli.verbs import history


def test_the_hook_up_of_a_service_is_told_step_by_step_with_its_causes(stack, ask):
    stack.live()
    done = ask("history")
    assert (done.exit_code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \(UTC\)", lines[0])
    assert re.fullmatch(r"\d\d:\d\d:\d\d  Lattice service orders", lines[1])
    assert lines[2] == "          because: claims of shop/orders"
    assert (
        re.fullmatch(r"          - create target group orders-web-\w+ \(HTTP:8080 in", lines[3][:60].rstrip())
        or "create" in lines[3]
    )
    assert any("ECS service shop/orders" in line for line in lines)
    steps = sum(line.startswith("          - ") for line in lines)
    assert re.fullmatch(rf"{steps} steps since \S+Z\.", lines[-1])
    assert max(map(len, lines)) <= 100


def test_it_can_be_of_one_ecs_service_or_one_lattice_service_and_of_one_that_is_gone(stack, ask):
    arn = stack.live()
    of_service, of_lattice = ask("history", "shop/orders").stdout, ask("history", "orders", "--json").stdout
    assert "Lattice service" not in of_service.replace("Lattice services", "")
    assert {entry["kind"] for entry in json.loads(of_lattice)["result"]["entries"]} <= {"ecsService", "latticeService"}
    boto3.client("ecs").delete_service(cluster="shop", service=arn, force=True)
    stack.world.run(8 * 3600)
    assert "ECS service shop/orders" in ask("history", arn).stdout
    done = ask("history", "ordres")
    assert (done.exit_code, done.stdout) == (64, "")


def test_nothing_is_a_sentence_and_a_shorter_time_shows_less(stack, ask):
    stack.live()
    stack.world.run(3600)
    assert ask("history", "--since", "10m").stdout.startswith("Nothing was changed since ")
    assert "steps since" in ask("history", "--since", "2h").stdout


def test_the_order_is_that_of_the_times_and_days_are_headings():
    entry = {"kind": "stack", "key": "alarms", "cause": "x", "steps": ["put alarm a"]}
    entries = [{**entry, "at": 1764288000.0 - 10}, {**entry, "at": 1764288000.0}]
    lines = history.render({"since": 0, "entries": entries, "isCut": True}, 80)
    assert [line for line in lines if line.endswith("(UTC)")] == ["2025-11-27 (UTC)", "2025-11-28 (UTC)"]
    assert lines[0] == "Only the newest 2 entries are shown; write a shorter --since."


@pytest.mark.parametrize(
    ("written", "meant"), [("90s", 90), ("45m", 2700), ("12h", 43200), (" 3 d ", 259200), ("2w", 1209600)]
)
def test_lengths_of_time(written, meant):
    assert durations.seconds(written) == meant


@pytest.mark.parametrize("written", ["", "12", "h", "-1h", "1.5h", "yesterday", "1h30m"])
def test_what_is_no_length_of_time_says_what_is(written):
    with pytest.raises(CommandError, match="such as 45m, 12h or 3d"):
        durations.seconds(written)
