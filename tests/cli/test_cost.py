"""cost: from what is there and CloudWatch's sums to USD a month, against the figures of the pages."""

import json
import re
from collections import Counter

import boto3
import pytest

from ecs_lattice_cli.cost import estimate, prices
from ecs_lattice_cli.cost.usage import Usage
from ecs_lattice_cli.verbs import cost
from local_aws.iam.evaluation import Request, decide
from tests.cli.test_docs import PAGE, of_verb
from tests.world import ROOT

US = prices.REGIONS["us-east-1"]
TOKYO = prices.REGIONS["ap-northeast-1"]
DAY = 86400


def record(stack, name, dimensions, value, ago):
    """A value of a metric of VPC Lattice, ``ago`` seconds ago."""
    datum = {"MetricName": name, "Value": float(value), "Timestamp": stack.world.clock.time() - ago,
             "Dimensions": [{"Name": key, "Value": each} for key, each in dimensions.items()]}  # fmt: skip
    boto3.client("cloudwatch").put_metric_data(Namespace="AWS/VpcLattice", MetricData=[datum])


@pytest.fixture
def busy(stack):
    """Lattice service orders with 1,300,000 requests in one hour, 100,000 in another, and 72 GB of 30 days; returns idle."""
    stack.live("orders")
    stack.live("returns")
    lattice = boto3.client("vpc-lattice")
    ids = {each["name"]: each["id"] for each in lattice.list_services()["items"]}
    arn = next(each["arn"] for each in lattice.list_services()["items"] if each["name"] == "orders")
    group = next(each for each in lattice.list_target_groups()["items"] if arn in each["serviceArns"])
    record(stack, "TotalRequestCount", {"Service": ids["orders"]}, 1_300_000, 2 * 3600)
    record(stack, "TotalRequestCount", {"Service": ids["orders"]}, 100_000, 5 * DAY)
    record(stack, "TotalRequestCount", {"Service": ids["orders"]}, 9e9, 40 * DAY)
    record(stack, "TotalRequestCount", {"Service": ids["orders"], "AvailabilityZone": "us-east-1a"}, 9e9, 2 * 3600)
    record(stack, "TotalRequestCount", {"Service": "svc-of-somebody-else"}, 9e9, 2 * 3600)
    record(stack, "TotalReceivedConnectionBytes", {"TargetGroup": group["id"]}, 12e9, 2 * 3600)
    record(stack, "TotalSentConnectionBytes", {"TargetGroup": group["id"]}, 60e9, 6 * DAY)
    return stack


def result(done):
    return json.loads(done.stdout)["result"]


def test_it_sums_what_cloudwatch_has_of_the_last_thirty_days(busy, ask):
    done = ask("cost", "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    found = result(done)
    orders, returns = found["latticeServices"]
    assert orders["requestsPerMonth"] == round(1_400_000 * 730 / 720)
    assert orders["gigabytesPerMonth"] == pytest.approx(73.0)
    assert orders["monthly"] == pytest.approx(
        {"hours": 18.25, "data": 1.825, "requests": 0.10 * 730 / 720, "total": 18.25 + 1.825 + 0.10 * 730 / 720}
    )
    assert (returns["requestsPerMonth"], returns["monthly"]["total"]) == (0, 18.25)
    assert found["lattice"] == pytest.approx(orders["monthly"]["total"] + 18.25)
    assert found["total"] == pytest.approx(found["lattice"] + found["stack"]["total"])
    assert found["loadBalancers"] == pytest.approx({"each": 2 * 16.425 + 0.584, "one": 16.425 + 0.584})
    assert [each["routes"] for each in (orders, returns, found["stack"])] == [1, 1, 2]


def test_the_screen_of_the_page_is_what_it_prints(busy, ask):
    page = PAGE.partition("$ ecs-lattice cost\n")[2].partition("```")[0]
    printed = ask("cost").stdout
    assert printed == page
    assert max(map(len, printed.splitlines())) <= 100


@pytest.mark.parametrize(
    "action", ["cloudwatch:ListMetrics", "cloudwatch:GetMetricData", "vpc-lattice:ListTargetGroups"]
)
def test_what_is_denied_leaves_the_fixed_costs_and_is_named(busy, ask, action):
    busy.denied.add(action)
    done = ask("cost")
    assert done.exit_code == 0
    assert action in done.stdout.partition("LATTICE SERVICE")[0]
    assert "expensive" not in done.stdout
    assert re.search(r"^orders +1 +\? +\? +18\.25 +\? +\? +18\.25$", done.stdout, re.MULTILINE)
    assert result(ask("cost", "--json"))["latticeServices"][0]["requestsPerMonth"] is None


def test_a_denied_status_is_an_error(busy, ask):
    busy.denied.add("lambda:InvokeFunction")
    done = ask("cost")
    assert (done.exit_code, done.stdout) == (69, "")


def test_before_the_first_lattice_service_there_is_the_stack_alone(stack, ask):
    done = ask("cost")
    assert "There is no Lattice service yet." in done.stdout
    assert "ALB" not in done.stdout
    assert result(ask("cost", "--json"))["lattice"] == 0


def test_a_region_without_prices_says_whose_are_used(busy, ask):
    done = ask("cost", "--region", "eu-west-1")
    assert "Prices of eu-west-1 are not known here; those of us-east-1 stand for them." in done.stdout


def test_the_example_policy_allows_what_it_asks_for(busy, ask):
    busy.asked.clear()
    ask("cost")
    assert {"cloudwatch:GetMetricData", "cloudwatch:ListMetrics"} <= {action for action, _ in busy.asked}
    assert {one for one in busy.asked if not decide([of_verb("cost")], Request(*one)).allowed} == set()


@pytest.mark.parametrize(("routes", "column"), [(10, 1), (100, 2), (1000, 3)])
def test_the_stack_is_estimated_as_the_page_says(routes, column):
    page = (ROOT / "docs/costs.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if re.match(r"\| [a-z*].*\d\.\d\d", line)]
    rows = {row[0].partition(",")[0]: float(row[column].strip("*").replace(",", "")) for row in rows if len(row) > 3}
    found = estimate.of_stack(routes)
    for part in found["parts"]:
        assert part["monthly"] == pytest.approx(rows[part["what"]], abs=0.05), part["what"]
    assert found["total"] == pytest.approx(rows["**together**"], abs=0.1)


@pytest.mark.parametrize(
    ("lattice", "said"),
    [(10, "VPC Lattice is cheaper than either, by 10.00 at least."),
     (30, "VPC Lattice is 20.00 cheaper than an ALB for each, and 10.00 more expensive than one for all."),
     (60, "By price alone, keep the ALB: VPC Lattice is 10.00 more expensive than an ALB for each.")],
)  # fmt: skip
def test_the_verdict_is_by_price(lattice, said):
    assert cost._verdict(lattice, {"one": 20, "each": 50}) == said


def test_idle_and_heavy_services_against_computed_figures():
    """Tokyo, idle: one Lattice service 23.73; 1,000 GB: 32.50 more, an ALB 8 more. us-east-1: 18.25 against 16.43. 360,000
    requests an hour on one service: 60,000 an hour are paid, 4.38 a month in us-east-1, 5.69 in Tokyo."""
    assert estimate.of_service(Usage(), TOKYO)["monthly"]["total"] == pytest.approx(23.725)
    assert estimate.of_service(Usage(bytes=1e12 * 720 / 730), TOKYO)["monthly"]["data"] == pytest.approx(32.5)
    assert estimate.load_balancer(1000, TOKYO) - estimate.load_balancer(0, TOKYO) == pytest.approx(8)
    assert estimate.of_service(Usage(), US)["monthly"]["total"] == pytest.approx(18.25)
    assert estimate.load_balancer(0, US) == pytest.approx(16.425)
    full = Usage(Counter({float(hour): 360_000 for hour in range(720)}))
    assert estimate.of_service(full, US)["monthly"]["requests"] == pytest.approx(4.38)
    assert estimate.of_service(full, TOKYO)["monthly"]["requests"] == pytest.approx(5.694)
    assert estimate.of_service(Usage(Counter({0.0: 300_000})), US)["monthly"]["requests"] == 0
