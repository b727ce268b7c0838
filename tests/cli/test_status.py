"""status: what there is in a scenario, as people read it and as a document, and until when it waits."""

import json
import re

import pytest

from ecs_lattice_cli.verbs import status
from tests.histories.labels import LABELS

DOMAIN = re.compile(r"orders-[0-9a-z]+\.[0-9a-z]+\.vpc-lattice-svcs\.us-east-1\.on\.aws")
GROUP = re.compile(r"tg-[0-9a-f]+")


def settled(text):
    """Printed text without the ids that are drawn anew in each run."""
    return GROUP.sub("tg-ID", DOMAIN.sub("DOMAIN", text))


def test_everything_is_one_line_a_route_and_a_count(stack, ask):
    stack.live()
    done = ask("status")
    assert (done.exit_code, done.stderr) == (0, "")
    assert re.sub(r"Live {3}\d+ min", "Live   N min", done.stdout) == (
        "shop/orders  orders:1\n"
        "  ROUTE    LATTICE SERVICE  STATE  SINCE   TARGETS    CODE\n"
        "  default  orders           Live   N min  2 HEALTHY  -\n"
        "\n"
        "1 ECS service, 1 route: 1 Live.\n"
    )


def test_one_service_is_told_whole(stack, ask):
    arn = stack.live()
    for written in ("orders", "shop/orders", arn):
        done = ask("status", written)
        assert done.exit_code == 0
        lines = settled(done.stdout).splitlines()
        assert lines[0] == "ECS service shop/orders, task definition orders:1"
        assert re.fullmatch(r"Route default of Lattice service orders: Live for \d+ min", lines[2])
        assert lines[3:6] == [
            "  Requests: /orders* on HTTP:80",
            "  URL: http://DOMAIN/orders",
            "  Targets: 2 HEALTHY, port 8080, target group tg-ID",
        ]


def test_a_refusal_is_a_problem_with_its_place_and_the_exit_code_says_so(stack, ask):
    stack.live()
    stack.live("odd", {"lattice.port": "web", "lattice.service": "odd", "lattice.colour": "red"})
    everything = ask("status")
    assert everything.exit_code == 1
    assert "shop/odd  odd:1\n  UNKNOWN_KEY lattice.colour = 'red'\n" in everything.stdout
    assert everything.stdout.endswith("2 ECS services, 1 route: 1 Live.\nNext: ecs-lattice status shop/odd\n")
    one = ask("status", "odd")
    assert one.exit_code == 1
    assert "UNKNOWN_KEY lattice.colour = 'red'\n  " in one.stdout
    assert "In: docker label" in one.stdout
    assert ask("status", "orders").exit_code == 0


def test_a_match_that_another_service_has_is_a_problem_of_the_second_one(stack, ask):
    stack.live()
    stack.live("second", LABELS | {"lattice.service": "orders"})
    done = ask("status", "second")
    assert done.exit_code == 1
    assert "of Lattice service orders: Conflicted" in done.stdout
    assert "  MATCH_TAKEN: " in done.stdout


def test_the_document_has_what_the_screen_says(stack, ask):
    arn = stack.live()
    document = json.loads(ask("status", "--json").stdout)
    (service,) = document["result"]["ecsServices"]
    assert (service["arn"], document["result"]["isDetailed"]) == (arn, False)
    assert [(route["state"], route["targets"]) for route in service["routes"]] == [("Live", {"HEALTHY": 2})]


def test_it_waits_until_everything_is_live_and_shows_each_stage(stack, ask):
    world = stack.world
    world.deploy(world.register(LABELS))
    done = ask("status", "--until", "live")
    assert done.exit_code == 0
    states = re.findall(r"default  orders +(\w+)", done.stdout)
    assert states[-1] == "Live"
    assert len(states) == len(done.stdout.split("shop/orders")) - 1
    assert states.index("Attaching") < states.index("Live")
    quiet = ask("status", "--until", "live", "--json")
    assert json.loads(quiet.stdout)["result"]["ecsServices"][0]["routes"][0]["state"] == "Live"


def test_waiting_ends_with_75_when_its_time_is_over_and_with_1_where_something_is_wrong(stack, ask):
    world = stack.world
    world.deploy(world.register(LABELS))
    assert ask("status", "--until", "live", "--timeout", "20").exit_code == 75
    world.run(1200)
    world.deploy(world.register(LABELS | {"lattice.service": "orders"}, "second"), name="second")
    world.run(300)
    assert ask("status", "--until", "live").exit_code == 1


def test_watching_shows_a_change_once_and_goes_on_until_it_is_interrupted(stack, ask, monkeypatch):
    stack.live()
    rounds = iter(range(20))

    def interrupted(_seconds):
        if next(rounds) == 10:
            raise KeyboardInterrupt

    app = stack.app()
    app.wait = interrupted
    from tests.cli.conftest import invoked

    done = invoked(app, "status", "--watch")
    assert done.exit_code == 130
    assert done.stdout.count("1 ECS service") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ordres"], "Stack ecs-lattice knows no ECS service ordres; did you mean shop/orders?"),
        (["arn:aws:ecs:us-east-1:123456789012:service/shop/other"], "it declares no route"),
        (["--watch", "--json"], "--json prints one document"),
    ],
)
def test_what_is_not_there_is_a_sentence(stack, ask, arguments, said):
    stack.live()
    done = ask("status", *arguments)
    assert (done.exit_code, done.stdout) == (64, "")
    assert said in done.stderr


def test_a_stack_without_services_says_how_to_begin(ask):
    done = ask("status")
    assert done.exit_code == 0
    assert done.stdout.startswith("Stack ecs-lattice knows no ECS service with labels. Write lattice.service and")


def test_a_screen_fits_into_80_columns_and_text_of_others_controls_no_terminal(stack, ask):
    stack.live()
    stack.live("odd", {"lattice.port": "web", "lattice.service": "odd", "lattice.\x1b[2J": "\x1b[31mred"})
    result = json.loads(ask("status", "odd", "--json").stdout)["result"]
    lines = status.render(result, 80)
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in "".join(lines)
