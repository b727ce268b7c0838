"""explain: every code of the page, without AWS; and of an ECS service in scenarios, what stands in the way of each route."""

import json
import re

import click
import pytest

from ecs_lattice_cli import codes
from ecs_lattice_cli.verbs import explain
from tests.docs.test_codes import PAGE, sections
from tests.histories.labels import LABELS
from tests.world import ROOT, close_group

CODES = [title for title, _ in sections(PAGE.read_text())]


def test_the_codes_are_those_of_the_page():
    assert len(CODES) > 100
    assert list(codes.explanations()) == CODES


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_explained_in_100_columns(run, code):
    done = run("explain", code)
    assert done.exit_code == 0
    first, blank, *text, page = done.stdout.splitlines()
    assert (first.partition(" ")[0], blank, page) == (code, "", f"See docs/troubleshooting.md#{code.lower()}")
    assert len(" ".join(text).split()) > 3
    assert max(len(line) for line in text if not line.startswith(("    ", "|"))) <= 100


def test_nothing_of_a_section_is_lost(run):
    for title, body in sections(PAGE.read_text()):
        words = codes._LINK.sub(r"\1", body).replace("```sh", "").replace("```", "").split()
        assert " ".join(words) in " ".join(run("explain", title).stdout.split()), title


def test_the_json_has_group_and_text(run):
    result = json.loads(run("explain", "not-listening", "--json").stdout)["result"]
    assert (result["code"], result["group"]) == ("NOT_LISTENING", "Causes")
    assert "](" not in result["text"]


def test_a_wrong_code_gets_the_nearest(run):
    done = run("explain", "MATCH_TAKE")
    assert (done.exit_code, done.stdout) == (64, "")
    assert done.stderr == "Error: There is no code MATCH_TAKE; did you mean MATCH_TAKEN?\n"
    unknown = run("explain", "XYZXYZ").stderr
    assert "docs/troubleshooting.md" in unknown
    assert "An ECS service is CLUSTER/XYZXYZ." in unknown


def test_a_code_has_no_route(run):
    done = run("explain", "MATCH_TAKEN", "--route", "default")
    assert (done.exit_code, done.stderr) == (64, "Error: --route is for an ECS service, and MATCH_TAKEN is a code.\n")


OFF = {**LABELS, "lattice.ingress": "off"}
UNKNOWN = "arn:aws:ecs:us-east-1:123456789012:service/shop/other"
IDS = (
    (r"\b(sg|pl|tg)-[0-9a-f]{17}", r"\1-ID"),
    (r"172\.31\.\d+\.\d+", "ADDRESS"),
    (r"ecs-svc/\d+", "ecs-svc/ID"),
    (r" for \d+ min$", " for N min"),
)


def settled(lines):
    """The lines without colors, and without the ids and times that are drawn anew in each run."""
    lines = [click.unstyle(line) for line in lines]
    for pattern, instead in IDS:
        lines = [re.sub(pattern, instead, line) for line in lines]
    return lines


def screen(ask, *arguments):
    """The exit code, and the settled lines at 80 columns."""
    done = ask("explain", *arguments, "--json")
    return done.exit_code, settled(explain.render(json.loads(done.stdout)["result"], 80))


def fits(lines):
    """Whether all lines but those of commands, whose words stay whole, fit into 80 columns."""
    return all(len(line) <= 80 for line in lines if not line.lstrip().startswith(("aws ", "--")))


HEALTHY = """\
ECS service shop/orders, task definition orders:1

Route default of Lattice service orders: Live for N min
  Requests  go to all targets
  Targets   2 HEALTHY
  Tasks     2 desired, 2 running (orders:1, deployment COMPLETED)
  Nothing stands in the way.
""".splitlines()


def test_nothing_stands_in_the_way_of_a_healthy_service(stack, ask):
    arn = stack.live()
    for written in ("orders", "shop/orders", arn):
        assert screen(ask, written) == (0, HEALTHY)


CLOSED = """\
ECS service shop/orders, task definition orders:1

Route default of Lattice service orders: Live for N min
  Requests  may fail: no target is healthy, so VPC Lattice sends requests to all
            of them (fail-open)
  Targets   2 UNHEALTHY (ADDRESS:8080 HealthCheckTimeout, ADDRESS:8080
            HealthCheckTimeout)
  Tasks     2 desired, 2 running (orders:1, deployment COMPLETED)

  1. CERTAIN: the security group does not allow VPC Lattice (IPv4)
     [PREFIX_LIST_RULE_MISSING]
     No inbound rule of sg-ID allows VPC Lattice's prefix list
     pl-ID or its addresses (169.254.171.0/24) on port 8080. VPC
     Lattice uses port 8080 for requests and health checks.
     To fix:
       aws ec2 authorize-security-group-ingress \\
         --group-id sg-ID \\
         --ip-permissions 'IpProtocol=tcp,FromPort=8080,ToPort=8080,PrefixListIds=[{PrefixListId=pl-ID}]' \\
         --region us-east-1

Next: ecs-lattice explain PREFIX_LIST_RULE_MISSING
""".splitlines()


def test_a_closed_security_group_of_a_live_route_is_certain_and_its_command_opens_it(stack, ask):
    stack.live(labels=OFF)
    close_group(stack.world.ec2, stack.world.open_group)
    stack.world.run(60)
    code, lines = screen(ask, "orders")
    assert lines == CLOSED
    assert code == 1
    assert fits(lines)
    of_the_page = (
        (ROOT / "docs/command.md").read_text().partition("$ ecs-lattice explain orders\n")[2].partition("```")[0]
    )
    assert settled(ask("explain", "orders").stdout.splitlines()) == settled(of_the_page.splitlines())


def test_a_group_that_was_never_open_is_told_by_the_status_and_its_command_stands_there_once(stack, ask):
    close_group(stack.world.ec2, stack.world.open_group)
    stack.live(labels=OFF)
    code, lines = screen(ask, "orders")
    text = "\n".join(lines)
    assert code == 1
    assert fits(lines)
    assert lines[2] == "Route default of Lattice service orders: Wired for N min"
    assert "  INGRESS_OFF: Security group sg-ID is closed for VPC Lattice on" in text
    assert "ecs-lattice did not\n     open it: see INGRESS_OFF above." in text
    assert text.count("authorize-security-group-ingress") == 1
    assert "NOT_REGISTERED" not in text, "the stack has not attached the tasks, and INGRESS_OFF says why"


WRONG_PATH = """\
ECS service shop/orders, task definition orders:1

Route default of Lattice service orders: Attaching for N min
  Requests  none: the route is not Live
  Targets   2 UNHEALTHY (ADDRESS:8080 HealthCheckCodeMismatch,
            ADDRESS:8080 HealthCheckCodeMismatch)
  Tasks     2 desired, 4 running while ECS replaces tasks (orders:1, deployment
            IN_PROGRESS)
  ATTACHING: ECS is registering the tasks with the target groups: the deployment
  in progress is ecs-lattice's own, and it is undone if it has not completed by
  2026-11-23 09:31 UTC.

  1. LIKELY: /healthz does not return 200 [HEALTH_CODE]
     The target group checks /healthz on port 8080 and expects status 200. VPC
     Lattice reports HealthCheckCodeMismatch. The container's own health check
     uses http://localhost:8080/livez.
     What to do: Make the path return that status, or set lattice.health.path
     and lattice.health.code to the right ones, as docker labels or service
     tags.
     To fix, if /livez is the right path:
       aws ecs tag-resource \\
         --resource-arn arn:aws:ecs:us-east-1:123456789012:service/shop/orders \\
         --tags '[{"key": "lattice.health.path", "value": "/livez"}]' \\
         --region us-east-1
""".splitlines()


def test_a_wrong_health_path_is_likely_and_a_tag_fixes_it_without_a_deployment_of_yours(stack, ask):
    world = stack.world
    often = {**LABELS, "lattice.health.interval": "10"}
    made = world.register(often, environment={"RESPOND": "/healthz=503"})
    container = world.ecs.describe_task_definition(taskDefinition=made)["taskDefinition"]["containerDefinitions"][0]
    container["healthCheck"] = {"command": ["CMD-SHELL", "curl -f http://localhost:8080/livez || exit 1"]}
    own = world.ecs.register_task_definition(
        family="checked", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
        containerDefinitions=[container],
    )  # fmt: skip
    arn = world.deploy(own["taskDefinition"]["taskDefinitionArn"])
    world.run(1200)
    code, lines = screen(ask, "orders")
    assert code == 1
    assert fits(lines)
    found = [line.replace("checked:1", "orders:1") for line in lines]
    assert found[: len(WRONG_PATH)] == WRONG_PATH
    assert any("POSSIBLE: ecs-lattice's own deployment" in line for line in lines)
    assert lines[-1] == "Next: ecs-lattice explain HEALTH_CODE"
    (route,) = json.loads(ask("explain", "orders", "--json").stdout)["result"]["routes"]
    assert route["causes"][0]["command"].startswith("aws ecs tag-resource --resource-arn ")
    world.ecs.tag_resource(resourceArn=arn, tags=[{"key": "lattice.health.path", "value": "/livez"}])
    world.sweep()
    world.run(2400)
    assert screen(ask, "orders")[0] == 0


def test_a_route_on_its_way_is_no_problem_and_the_next_command_waits_for_it(stack, ask):
    world = stack.world
    arn = world.deploy(world.register(LABELS))
    world.run(5)
    code, lines = screen(ask, arn)
    assert (code, lines[0]) == (0, "ECS service shop/orders")
    assert lines[3].startswith("  WAITING_FOR_DEPLOYMENT: No deployment of this ECS service has completed yet.")
    assert lines[-1] == "Next: ecs-lattice status shop/orders --until live"
    for _ in range(20):
        code, lines = screen(ask, arn)
        assert code == 0, lines
        world.run(10)
    assert lines[-1] == "  Nothing stands in the way."


def test_a_refused_declaration_is_told_with_its_place_and_text_of_others_controls_no_terminal(stack, ask):
    stack.live("odd", {"lattice.port": "web", "lattice.service": "odd", "lattice.\x1b[2J": "\x1b[31mred"})
    code, lines = screen(ask, "odd")
    assert code == 1
    assert fits(lines)
    assert lines[2].startswith("UNKNOWN_KEY lattice.")
    assert "In: docker label of container app" in " ".join(lines)
    assert lines[-1] == "Next: ecs-lattice explain UNKNOWN_KEY"
    assert "\x1b" not in "".join(lines)


def test_one_route_of_several(stack, ask):
    two = {
        "lattice.service": "orders", "lattice.port": "web", "lattice.listener": "HTTP:80",
        "lattice.routes.read.path.prefix": "/read", "lattice.routes.write.path.prefix": "/write",
    }  # fmt: skip
    stack.live(labels=two)
    whole = json.loads(ask("explain", "orders", "--json").stdout)["result"]
    one = json.loads(ask("explain", "orders", "--route", "write", "--json").stdout)["result"]
    assert [route["route"] for route in whole["routes"]] == ["read", "write"]
    assert one["routes"] == whole["routes"][1:]
    done = ask("explain", "orders", "--route", "wirte")
    assert done.stderr == "Error: ECS service shop/orders has no route wirte; did you mean write?\n"
    assert "there is: read, write." in ask("explain", "orders", "--route", "x").stderr


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("ordres", "Stack ecs-lattice knows no ECS service ordres; did you mean shop/orders?\n"),
        (
            "match-take",
            "Stack ecs-lattice knows no ECS service match-take; it knows shop/orders. Or the code MATCH_TAKEN?\n",
        ),
        (
            UNKNOWN,
            "Stack ecs-lattice knows nothing of ECS service "
            + UNKNOWN
            + ": it declares no route. Those that do: ecs-lattice status\n",
        ),
    ],
)
def test_what_is_not_there_is_a_sentence(stack, ask, written, said):
    stack.live()
    done = ask("explain", written)
    assert (done.exit_code, done.stdout, done.stderr) == (64, "", f"Error: {said}")


def test_a_command_is_cut_between_its_options_and_stays_the_same_command():
    whole = 'aws ecs tag-resource --resource-arn arn:x --tags \'[{"key": "a b"}]\' --region us-east-1'
    lines = list(explain.command_lines(whole, 40))
    assert lines[0] == "aws ecs tag-resource \\"
    assert max(map(len, lines)) <= 40
    assert " ".join(line.removesuffix("\\").strip() for line in lines) == whole
    for raw in ('aws logs tail "$(aws x --query y)" --since 1h', "aws x 'never closed --option one two three"):
        assert list(explain.command_lines(raw, 20)) == [raw]
