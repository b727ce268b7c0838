"""What a container's own health check (``healthCheck.command`` of the task definition) says about where it listens."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ecs_lattice.facts import ContainerDefinition

_URL = re.compile(
    r"(?:(?P<scheme>https?)://)?(?:localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0)(?::(?P<port>\d+))?(?P<path>/[^\s'\"|;&)]*)?"
)
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class ContainerHealthCheck:
    """The first address of the container itself that its command requests."""

    scheme: str
    port: int
    path: str

    def __str__(self) -> str:
        return f"{self.scheme}://localhost:{self.port}{self.path}"


def container_health_check(container: ContainerDefinition | None) -> ContainerHealthCheck | None:
    """What the container requests from itself; None when it has no such check or does not use HTTP for it."""
    found = _URL.search(" ".join(container.health_command)) if container else None
    if found is None or not (found["scheme"] or found["port"]):
        return None
    scheme = found["scheme"] or "http"
    return ContainerHealthCheck(
        scheme, int(found["port"] or _PORTS[scheme]), urlsplit(found["path"] or "/").path or "/"
    )
