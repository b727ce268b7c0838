"""plan: what a task definition would do that nobody has registered, as people read it and as exit codes."""

import json
import re

import pytest

from local_aws import lattice
from tests.histories.labels import LABELS

ORDERS = {**{name: value for name, value in LABELS.items() if "path.prefix" not in name}, "lattice.service": "orders",
          "lattice.routes.orders.path.prefix": "/orders"}  # fmt: skip
ADMIN = {"lattice.routes.admin.path.prefix": "/admin"}
IDS = re.compile(r"(tg|vpc|sg|sn)-[0-9a-f]+|(?<=-)[0-9a-z]{13}\b|(?<=ecs-lattice-parked=)[0-9a-f]+")


@pytest.fixture
def file(tmp_path):
    """Write a task definition with these labels; the file's name."""

    def write(labels, family="orders"):
        container = {
            "name": "app", "image": "app", "dockerLabels": labels,
            "portMappings": [{"name": "web", "containerPort": 8080}],
        }  # fmt: skip
        path = tmp_path / "taskdef.json"
        path.write_text(json.dumps({"family": family, "networkMode": "awsvpc", "containerDefinitions": [container]}))
        return str(path)

    return write


def lines(done):
    return [IDS.sub("ID", line) for line in done.stdout.splitlines()]


def writes():
    return [call for call in lattice.backend().calls if call.writes]


def test_a_new_route_on_a_live_service(stack, ask, file):
    stack.live("orders", ORDERS)
    before = len(writes())
    done = ask("plan", file(ORDERS | ADMIN), "--service", "orders")
    assert (done.exit_code, done.stderr) == (0, "")
    told = lines(done)
    assert told[0] == "ECS service shop/orders, after a deployment of this task definition has completed:"
    assert told[1] == "Lattice service orders"
    assert any(line.startswith("  + create rule orders-admin-ID on HTTP:80: priority") for line in told)
    assert any(line.startswith("  ~ update rule orders-admin-ID on HTTP:80: match /admin*") for line in told)
    assert re.fullmatch(r"Plan: \d to add, \d to change, 0 to remove, \d deployments?\.", told[-1])
    assert len(writes()) == before
    assert ask("plan", file(ORDERS | ADMIN), "--service", "orders", "--detailed-exitcode").exit_code == 2


def test_after_what_a_plan_says_was_done_nothing_is_left(stack, ask, file):
    stack.live("orders", ORDERS)
    world = stack.world
    revision = world.register(ORDERS | ADMIN)
    world.ecs.update_service(cluster="shop", service="orders", taskDefinition=revision)
    world.run(1800)
    again = ask("plan", "--service", "orders", "--detailed-exitcode")
    assert (again.exit_code, lines(again)[-1]) == (0, "Plan: nothing to do.")


def test_the_first_hook_up_of_a_service_that_asked_for_nothing(stack, ask, file):
    arn = stack.world.deploy(stack.world.register({}, "orders"), name="orders")
    stack.world.run(600)
    told = lines(ask("plan", file(LABELS), "--service", arn))
    assert any(line.startswith("  + create target group orders-web-ID") for line in told)
    assert any(line.startswith("  + create service orders") for line in told)
    assert any(
        line.startswith("  ! update the ECS service in a new deployment to the target groups: orders-web-")
        for line in told
    )


def test_a_changed_path_changes_a_rule_and_nothing_else(stack, ask, file):
    stack.live("orders", ORDERS)
    done = ask("plan", file(ORDERS | {"lattice.routes.orders.path.prefix": "/v2"}), "--service", "orders")
    told = lines(done)
    assert any(re.match(r"  [~+] .*match /v2\*", line) for line in told), told


def test_labels_that_vanish_are_removed_after_the_grace_time(stack, ask, file):
    stack.live("orders", ORDERS)
    told = lines(ask("plan", file({}), "--service", "orders"))
    assert any(re.fullmatch(r"Lattice service orders, after .* min", line) for line in told)
    assert any(line.startswith("  - delete target group orders-web-ID") for line in told)
    assert any(
        line.startswith("  ! update the ECS service in a new deployment to the target groups: none") for line in told
    )


def test_a_refused_label_is_a_problem_with_its_place(stack, ask, file):
    stack.live("orders", ORDERS)
    done = ask("plan", file(ORDERS | {"lattice.colour": "red"}), "--service", "orders")
    assert done.exit_code == 1
    assert "UNKNOWN_KEY lattice.colour = 'red'" in done.stdout
    assert lines(done)[-1] == "Plan: nothing to do, 1 problem."


def test_a_match_that_another_service_has_is_a_problem(stack, ask, file):
    stack.live("orders")
    stack.live("second", {**LABELS, "lattice.service": "second"})
    done = ask("plan", file({**LABELS, "lattice.service": "orders"}, "second"), "--service", "second")
    assert done.exit_code == 1
    assert "MATCH_TAKEN\n" in done.stdout
    assert "In: route default of Lattice service orders." in " ".join(done.stdout.split())


def test_tags_stand_in_for_those_of_the_service(stack, ask, file):
    stack.live("orders")
    done = ask("plan", file(LABELS), "--service", "orders", "--service-tag", "lattice.path.prefix=/tagged", "--json")
    assert "/tagged" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing option '--service'"),
        (["--service", "ordres"], "did you mean shop/orders?"),
        (["nothing.json", "--service", "orders"], "There is no file nothing.json"),
        (["--service", "orders", "--service-tag", "a=b"], "together with a task definition"),
        (["--service", "orders", "--service-tag", "a"], "is no KEY=VALUE"),
    ],
)
def test_what_is_wrong_is_a_sentence(stack, ask, arguments, said):
    stack.live("orders")
    done = ask("plan", *arguments)
    assert (done.exit_code, done.stdout) == (64, "")
    assert said in done.stderr


def test_a_plan_fits_into_80_columns(stack, ask, file):
    from ecs_lattice_cli.verbs import plan

    stack.live("orders", ORDERS)
    result = json.loads(ask("plan", file(ORDERS | ADMIN), "--service", "orders", "--json").stdout)["result"]
    assert max(map(len, plan.render(result, 80))) <= 80
