"""`cost`: what it costs a month, and what load balancers would."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ecs_lattice_cli.app import App
from ecs_lattice_cli.cost import estimate, prices, usage
from ecs_lattice_cli.errors import CommandError
from ecs_lattice_cli.options import verb
from ecs_lattice_cli.output import safe, table, wrapped

type Data = Mapping[str, Any]

_UNKNOWN = "?"


@verb("cost")
def command(app: App) -> None:
    """Estimate what the stack and its Lattice services cost a month.

    At list prices, with the requests and bytes of the last 30 days as CloudWatch has them, and beside it what Application Load
    Balancers would cost.
    """
    status = app.stack.invoke("QueryFunctionName", {"mode": "status"})
    app.emit("cost", _result(app, status), render)


def _result(app: App, status: Data) -> Data:
    region, listed = prices.of(app.stack.region)
    routes = Counter(route["latticeService"] for each in status["ecsServices"] for route in each["routes"])
    there = [each for each in status["latticeServices"] if each.get("arn")]
    used, unread = _usage(app, there)
    services = [
        {"name": each["name"], "arn": each["arn"], "routes": routes[each["name"]]}
        | estimate.of_service(used.get(each["arn"]), listed)
        for each in there
    ]
    stack = estimate.of_stack(routes.total())
    lattice = sum(each["monthly"]["total"] for each in services)
    return {
        "region": app.stack.region,
        "prices": {"region": region, "readOn": prices.READ_ON, "currency": "USD"},
        "days": usage.DAYS,
        "latticeServices": services,
        "stack": stack,
        "lattice": lattice,
        "total": lattice + stack["total"],
        "loadBalancers": estimate.balancers(services, listed),
        "unread": unread,
    }


def _usage(app: App, services: list[Data]) -> tuple[dict[str, usage.Usage], str]:
    """The traffic; where it cannot be read none, and why."""
    try:
        return usage.read(app.stack, services, app.now()), ""
    except CommandError as error:
        return {}, error.message


def render(result: Data, columns: int) -> list[str]:
    """Lattice services, the stack, the sum, and the comparison."""
    listed, region = result["prices"], result["region"]
    head = f"USD a month, at list prices of {listed['region']} of {listed['readOn']}; traffic of the last {result['days']} days"
    lines = [*wrapped(head, columns)]
    if region != listed["region"]:
        lines += wrapped(f"Prices of {region} are not known here; those of {listed['region']} stand for them.", columns)
    if result["unread"]:
        lines += wrapped(f"Without traffic, so it is more than this: {safe(result['unread'])}", columns)
    lines += (
        ["", *_services(result, columns)] if result["latticeServices"] else ["", "There is no Lattice service yet."]
    )
    return [*lines, "", *_stack(result["stack"], columns), "", *_compared(result, columns)]


def _services(result: Data, columns: int) -> list[str]:
    rows = [_row(each) for each in result["latticeServices"]]
    heads = ("LATTICE SERVICE", "ROUTES", "REQUESTS", "GB", "FIXED", "FOR GB", "FOR REQUESTS", "TOGETHER")
    return table(heads, rows, columns)


def _row(service: Data) -> tuple[str, ...]:
    costs, gigabytes, requests = service["monthly"], service["gigabytesPerMonth"], service["requestsPerMonth"]
    is_known = requests is not None
    return (
        safe(service["name"]), str(service["routes"]),
        f"{requests:,}" if is_known else _UNKNOWN, f"{gigabytes:,.1f}" if is_known else _UNKNOWN,
        f"{costs['hours']:,.2f}", f"{costs['data']:,.2f}" if is_known else _UNKNOWN,
        f"{costs['requests']:,.2f}" if is_known else _UNKNOWN, f"{costs['total']:,.2f}",
    )  # fmt: skip


def _stack(stack: Data, columns: int) -> list[str]:
    parts = ", ".join(f"{part['what']} {part['monthly']:,.2f}" for part in stack["parts"])
    return wrapped(f"The stack itself with {stack['routes']} routes: {stack['total']:,.2f} ({parts}).", columns)


def _compared(result: Data, columns: int) -> Iterator[str]:
    lattice, balancers = result["lattice"], result["loadBalancers"]
    yield from wrapped(f"Together: {result['total']:,.2f}, of which VPC Lattice {lattice:,.2f}.", columns)
    if not result["latticeServices"]:
        return
    yield from wrapped(
        f"An ALB would be {balancers['each']:,.2f} with one for each Lattice service, {balancers['one']:,.2f} with one for all, by hours "
        "and bytes alone.",
        columns,
    )
    if not result["unread"]:  # without the traffic it would be a guess
        yield from wrapped(_verdict(lattice, balancers), columns)


def _verdict(lattice: float, balancers: Data) -> str:
    """Which is cheaper, by price alone."""
    if lattice < balancers["one"]:
        return f"VPC Lattice is cheaper than either, by {balancers['one'] - lattice:,.2f} at least."
    if lattice < balancers["each"]:
        return f"VPC Lattice is {balancers['each'] - lattice:,.2f} cheaper than an ALB for each, and {lattice - balancers['one']:,.2f} more expensive than one for all."
    return f"By price alone, keep the ALB: VPC Lattice is {lattice - balancers['each']:,.2f} more expensive than an ALB for each."
