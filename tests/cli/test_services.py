"""A SERVICE as people write it."""

import pytest

from ecs_lattice_cli import services
from ecs_lattice_cli.errors import CommandError

START = "arn:aws:ecs:us-east-1:123456789012:service"
ARNS = [f"{START}/{name}" for name in ("shop/orders", "shop/catalog", "transfer/orders", "transfer/file-transfer")]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("catalog", "shop/catalog"),
        ("shop/orders", "shop/orders"),
        ("transfer/file-transfer", "transfer/file-transfer"),
        (f"{START}/transfer/orders", "transfer/orders"),
        (f"{START}/catalog", "shop/catalog"),
    ],
)
def test_a_name_a_name_with_cluster_and_an_arn_are_the_long_arn(written, found):
    assert services.resolve(written, ARNS, "ecs-lattice") == f"{START}/{found}"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("orders", "orders is 2 ECS services: shop/orders, transfer/orders. Write one of them."),
        ("file-transfr", "knows no ECS service file-transfr; did you mean transfer/file-transfer?"),
        ("shp/orders", "did you mean shop/orders?"),
        ("Catalog", "did you mean shop/catalog?"),
        (f"{START}/shop/catalo", "did you mean shop/catalog?"),
        (f"{START}/other/orders", "did you mean"),
        ("xyz", "; it knows shop/catalog, shop/orders, transfer/file-transfer, transfer/orders."),
        ("arn:aws:ecs:eu-west-1:123456789012:service/catalog", "knows no ECS service"),
    ],
)
def test_what_is_none_or_several_names_the_candidates(written, said):
    with pytest.raises(CommandError, match="ECS service") as raised:
        services.resolve(written, ARNS, "ecs-lattice")
    assert said in raised.value.message
    assert raised.value.exit_code == 64


def test_where_there_is_none_that_is_said_and_of_many_ten_are_named():
    with pytest.raises(CommandError, match="no ECS service is hooked up yet"):
        services.resolve("x", [], "ecs-lattice")
    with pytest.raises(CommandError, match="and 5 more"):
        services.resolve("x", [f"{START}/c/{number:02}" for number in range(15)], "ecs-lattice")


def test_an_arn_needs_no_request_and_a_name_asks_for_the_status():
    class Known:
        name = "ecs-lattice"
        asked: list = []

        def invoke(self, output, payload):
            self.asked.append((output, payload))
            return {"schema": 1, "ecsServices": [{"arn": arn} for arn in ARNS], "later": "ignored"}

    stack = Known()
    assert services.find(stack, ARNS[0]) == ARNS[0]
    assert stack.asked == []
    assert services.find(stack, "catalog") == ARNS[1]
    assert stack.asked == [("QueryFunctionName", {"mode": "status"})]
