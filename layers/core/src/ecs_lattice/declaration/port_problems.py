"""What is wrong with the port of a route, and what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecs_lattice.declaration.routes import Draft
    from ecs_lattice.facts import TaskDefinition
    from ecs_lattice.outcome import Problem


def unknown_port(draft: Draft, named: list[str], task_definition: TaskDefinition) -> Problem:
    """The problem of a route whose port is none of ``named``, the names of the TCP ports."""
    wanted, listed = draft.value("port"), ", ".join(named) or "none"
    if any(port.name == wanted for port in task_definition.ports):
        return draft.problem("PORT_UDP", "port", f"port {wanted} is UDP, and Lattice carries TCP; TCP ports: {listed}.")
    if ports := dict(task_definition.port_ranges).get(str(wanted)):
        return _port_range(draft, str(wanted), ports)
    if container := _mapping_without_name(task_definition, wanted):
        message = (
            f"container {container} maps port {wanted} without a name, and ECS attaches ports by name: give that port mapping "
            f"a name (portMappings[].name) and write the name here; named TCP ports: {listed}."
        )
        return draft.problem("PORT_UNNAMED", "port", message)
    message = f"{task_definition.name} has no port mapping of this name; named TCP ports: {listed}."
    by_number = {str(port.container_port): port.name for port in reversed(task_definition.ports)}
    hint = f" Port {wanted} is called {by_number[str(wanted)]}." if wanted in by_number else ""
    return draft.problem("PORT_UNKNOWN", "port", message + hint)


def _port_range(draft: Draft, name: str, ports: str) -> Problem:
    message = (
        f"port mapping {name} has a containerPortRange ({ports}), and a target group has one port: add a port mapping with a "
        "containerPort and a name of its own for the port that answers, and name that one."
    )
    return draft.problem("PORT_RANGE", "port", message)


def _mapping_without_name(task_definition: TaskDefinition, number: object) -> str | None:
    """The container that maps TCP port ``number`` (in digits) without giving the mapping a name."""
    return next(
        (
            container.name
            for container in task_definition.containers
            for port in container.ports
            if not port.name and port.transport == "tcp" and str(port.container_port) == number
        ),
        None,
    )


def no_port(draft: Draft, named: list[str], task_definition: TaskDefinition) -> Problem:
    """The problem of a route that names no port, where ``named`` has none or several."""
    if named:
        return draft.problem("PORT_MISSING", "port", f"write which port the route means, one of: {', '.join(named)}.")
    if task_definition.port_ranges:
        return _port_range(draft, *task_definition.port_ranges[0])
    udp = sorted({port.name for port in task_definition.ports if port.transport == "udp" and port.name})
    if udp:
        message = f"{task_definition.name} names UDP ports only ({', '.join(udp)}), and Lattice carries TCP."
        return draft.problem("PORT_UDP", "port", message)
    message = f"no TCP port mapping of {task_definition.name} has a name; give it one (portMappings[].name)."
    return draft.problem("PORT_UNNAMED", "port", message)
