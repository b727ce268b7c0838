"""`resync`: the sweep of the stack's schedule, now."""

from typing import Any

from ecs_lattice_cli.app import App
from ecs_lattice_cli.options import verb
from ecs_lattice_cli.output import wrapped


@verb("resync")
def command(app: App) -> None:
    """Look for changed ECS services now.

    The stack does this every 15 minutes. One run reads as many ECS services as its time allows; the next goes on there.
    """
    app.say("Reading the ECS services; this takes some minutes where there are many ...")
    done = app.stack.invoke("ResyncFunctionName", {"mode": "sweep"})
    app.emit("resync", {name: done[name] for name in ("read", "enqueued", "complete", "notices")}, render)


def render(result: dict[str, Any], columns: int) -> list[str]:
    """How many were read and enqueued, and what people have to do themselves."""
    read, enqueued = result["read"], result["enqueued"]
    whole = "All were read" if result["complete"] else "There are more; the next run goes on there"
    lines = [f"{read} ECS services were read, {enqueued} reconciles are enqueued. {whole}."]
    return lines + [line for notice in result["notices"] for line in wrapped(notice, columns, "  ")]
