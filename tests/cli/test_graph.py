"""graph: the way from clients to tasks on the local AWS, for Mermaid and for Graphviz."""

import html
import json
import re

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecs_lattice_cli.pictures import Edge, Group, Picture, dot, mermaid
from local_aws.iam.evaluation import Request, decide
from tests.cli.test_docs import of_verb
from tests.histories.labels import LABELS

ROUTES = {key: value for key, value in LABELS.items() if key != "lattice.path.prefix"} | {
    "lattice.routes.list.path.prefix": "/orders",
    "lattice.routes.place.path.prefix": "/orders",
    "lattice.routes.place.method": "POST",
}


def settled(text):
    """Printed text without the ids that are drawn anew in each run."""
    return re.sub(r"vpc-[0-9a-f]+", "vpc-ID", re.sub(r"tg-[0-9a-f]+", "tg-ID", text))


def test_a_lattice_service_is_drawn_from_its_clients_to_its_tasks(stack, ask):
    stack.live("orders", ROUTES)
    done = ask("graph")
    assert (done.exit_code, done.stderr) == (0, "")
    assert settled(done.stdout) == (
        "flowchart LR\n"
        '  subgraph vpc["VPCs of clients"]\n'
        '    vpc_1["vpc-ID"]\n'
        "  end\n"
        '  subgraph network["Service networks"]\n'
        '    network_1["platform"]\n'
        "  end\n"
        '  subgraph listener1["orders HTTP:80"]\n'
        '    listener1_1["1: POST /orders#42;<br/>place of shop/orders: Live<br/>priority 667"]\n'
        '    listener1_2["2: /orders#42;<br/>list of shop/orders: Live<br/>priority 1334"]\n'
        '    listener1_3["3: everything<br/>answers 404<br/>default action"]\n'
        "  end\n"
        '  subgraph group["Target groups"]\n'
        '    group_1["tg-ID<br/>2 HEALTHY"]\n'
        "  end\n"
        '  subgraph ecs["ECS services"]\n'
        '    ecs_1["shop/orders"]\n'
        "  end\n"
        "  vpc_1 --> network_1\n"
        "  listener1_1 --> group_1\n"
        "  group_1 --> ecs_1\n"
        "  listener1_2 --> group_1\n"
        '  network_1 -->|"orders HTTP:80"| listener1_1\n'
    )


def test_graphviz_keeps_the_rules_in_order(stack, ask):
    stack.live("orders", ROUTES)
    lines = settled(ask("graph", "orders", "--format", "dot").stdout).splitlines()
    assert (lines[0], lines[-1]) == ("digraph ecs_lattice {", "}")
    rows = [line for line in lines if "<tr>" in line]
    assert re.findall(r'port="(\w+)">(\d)', "".join(rows)) == [(f"listener1_{n}", str(n)) for n in (1, 2, 3)]
    assert rows[0] == "      <tr><td>orders HTTP:80</td></tr>"
    assert '  listener1:listener1_2 -> group_1 [label=""];' in lines
    assert '    group_1 [label="tg-ID\\n2 HEALTHY"];' in lines
    assert '  network_1 -> listener1:listener1_1 [label="orders HTTP:80"];' in lines
    assert sum(line.count("{") - line.count("}") for line in lines) == 0


def test_what_requests_do_not_take_is_dashed_and_shares_are_told(stack, ask):
    for name, weight in (("first", "100"), ("second", "0")):
        stack.live(name, LABELS | {"lattice.weight": weight}, family=name)
    world = stack.world
    world.deploy(world.register(LABELS | {"lattice.path.prefix": "/new"}, "new"), name="new")
    text = ask("graph").stdout
    while "parked" not in text:
        world.run(5)
        text = ask("graph").stdout
    parked = re.search(r'(listener1_\d)\["\d: parked<br/>', text)[1]
    assert re.search(rf"^  {parked} -.-> group_\d$", text, re.MULTILINE)
    assert re.search(r'^  listener1_\d -->\|"100 %"\| group_\d$', text, re.MULTILINE)
    assert re.search(r'^  listener1_\d -.->\|"0 %"\| group_\d$', text, re.MULTILINE)
    assert all(f'["shop/{name}"]' in text for name in ("first", "second", "new"))


def test_lattice_services_share_the_network_and_those_that_are_named_are_drawn_alone(stack, ask):
    for name in ("orders", "prices"):
        stack.live(name, family=name)
    both = ask("graph").stdout
    assert 'subgraph listener1["orders HTTP:80"]' in both
    assert 'subgraph listener2["prices HTTP:80"]' in both
    assert both.count('["platform"]') == 1
    assert "prices" not in ask("graph", "orders").stdout
    document = json.loads(ask("graph", "prices", "--json").stdout)
    (service,) = document["result"]["latticeServices"]
    assert [network["name"] for network in service["networks"]] == ["platform"]
    assert len(service["networks"][0]["vpcs"]) == 1


def test_other_peoples_lattice_services_are_drawn_only_by_name(stack, ask):
    stack.live("orders")
    boto3.client("vpc-lattice").create_service(name="theirs")
    stack.world.run(60)
    everything = json.loads(ask("graph", "--json").stdout)["result"]["latticeServices"]
    assert [service["name"] for service in everything] == ["orders"]
    assert ask("graph", "theirs").stdout == "flowchart LR\n"


def test_sixty_routes_are_sixty_rules_and_as_many_arrows_as_there_are_ways():
    frame, group = Group("listener1", "orders HTTP:80", is_ordered=True), Group("group", "Target groups")
    drawn = Picture([frame, group])
    for number in range(60):
        drawn.connect(Edge(frame.add(str(number), f"{number + 1}: /{number}*"), group.add(str(number % 20), "tg")))
    for lines in (mermaid(drawn), dot(drawn)):
        assert sum("listener1_" in line and "group_" in line for line in lines) == 60


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.characters(blacklist_categories=["Cs", "Cc"])))
def test_no_text_ends_a_label(text):
    group = Group("a", text)
    group.add("key", text)
    (label,) = re.fullmatch(r'    a_1\["([^"]*)"\]', mermaid(Picture([group]))[2]).groups()
    assert re.sub(r"#(\d+);", lambda found: chr(int(found[1])), label) == text
    assert not set('"<>`*_|') & set(label)
    quoted = re.fullmatch(r'    a_1 \[label="((?:[^"\\]|\\.)*)"\];', dot(Picture([group]))[6], re.DOTALL)[1]
    assert re.sub(r"\\(.)", r"\1", quoted).replace("&amp;", "&") == text
    group.is_ordered = True
    (row,) = re.findall(r'<td port="a_1">([^<>"]*)</td>', "\n".join(dot(Picture([group]))))
    assert html.unescape(row) == text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Stack ecs-lattice has no Lattice service yet. Next: ecs-lattice status"),
        (
            ["orders"],
            "No Lattice service in Region us-east-1 has the name orders, nor is there any other that you may see.",
        ),
        (["--format", "png"], "'png' is not one of"),
    ],
)
def test_what_cannot_be_drawn_says_why(stack, ask, arguments, said):
    done = ask("graph", *arguments)
    assert (done.exit_code, done.stdout) == (64, "")
    assert said in done.stderr


def test_its_statement_of_the_policy_is_enough(stack, ask):
    stack.live("orders", ROUTES)
    stack.asked.clear()
    assert ask("graph").exit_code == 0
    assert {one for one in stack.asked if not decide([of_verb("graph")], Request(*one)).allowed} == set()
    assert any(action == "vpc-lattice:ListServiceNetworkVpcAssociations" for action, _ in stack.asked)
