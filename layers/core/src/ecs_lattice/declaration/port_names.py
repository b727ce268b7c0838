"""Which port of the task definition a route means."""

from ecs_lattice.declaration.drafts import Draft
from ecs_lattice.facts import TaskDefinition
from ecs_lattice.outcome import Problem


def port_of(draft: Draft, task_definition: TaskDefinition) -> str | Problem:
    """The name of the port mapping: the one that was written, else the only named TCP port."""
    named = sorted({port.name for port in task_definition.ports if port.transport == "tcp" and port.name})
    wanted = draft.value("port")
    if wanted is None:
        return named[0] if len(named) == 1 else _none_chosen(draft, named, task_definition)
    if wanted in named:
        return str(wanted)
    if any(port.name == wanted for port in task_definition.ports):
        message = f"port {wanted} is UDP, and Lattice carries TCP; TCP ports: {_list(named)}."
        return draft.problem("PORT_UDP", "port", message)
    message = f"{task_definition.name} has no port mapping of this name; named TCP ports: {_list(named)}."
    by_number = next((port for port in task_definition.ports if str(port.container_port) == wanted), None)
    if by_number is not None:
        message += f" Port {wanted} is called {by_number.name}."
    return draft.problem("PORT_UNKNOWN", "port", message)


def _none_chosen(draft: Draft, named: list[str], task_definition: TaskDefinition) -> Problem:
    if named:
        return draft.problem("PORT_MISSING", "port", f"write which port the route means, one of: {_list(named)}.")
    udp = sorted({port.name for port in task_definition.ports if port.transport == "udp" and port.name})
    if udp:
        message = f"{task_definition.name} names UDP ports only ({_list(udp)}), and Lattice carries TCP."
        return draft.problem("PORT_UDP", "port", message)
    message = f"no TCP port mapping of {task_definition.name} has a name; give it one (portMappings[].name)."
    return draft.problem("PORT_UNNAMED", "port", message)


def _list(names: list[str]) -> str:
    return ", ".join(names) or "none"
