"""`retry SERVICE`: a reconcile now, which also tries a failed attachment again."""

from typing import Any

import click

from ecs_lattice_cli import services
from ecs_lattice_cli.app import App
from ecs_lattice_cli.options import verb


@verb("retry")
@click.argument("service")
def command(app: App, service: str) -> None:
    """Reconcile an ECS service now, failed attachments included.

    SERVICE is its name, cluster/name, or ARN. The reconcile runs in the stack, one at a time for each service; this does not wait
    for it. An attachment that failed is tried once more although nothing has changed: one more deployment may fail.
    """
    arn = services.find(app.stack, service)
    answer = app.stack.invoke("EcsServiceFunctionName", {"ecsService": arn, "mode": "retry"})
    app.emit("retry", {"ecsService": answer["enqueued"]["key"]}, render)


def render(result: dict[str, Any], _: int) -> list[str]:
    """What was enqueued."""
    return [f"A reconcile of {services.short_name(result['ecsService'])} is enqueued."]
