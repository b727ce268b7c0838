"""What a container's own health check (``healthCheck.command`` of the task definition) says of where it listens."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ecs_lattice.diagnosis.evidence import ContainerMade

_URL = re.compile(
    r"(?:(?P<scheme>https?)://)?(?:localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0)(?::(?P<port>\d+))?(?P<path>/[^\s'\"|;&)]*)?"
)
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class OwnCheck:
    """The first address of the container itself that the command asks."""

    scheme: str
    port: int
    path: str

    def __str__(self) -> str:
        return f"{self.scheme}://localhost:{self.port}{self.path}"


def of(container: ContainerMade | None) -> OwnCheck | None:
    """What the container asks itself; None when it has no such check or asks by other means than HTTP."""
    if container is None or not container.health_command:
        return None
    found = _URL.search(" ".join(container.health_command))
    if found is None or not (found["scheme"] or found["port"]):
        return None
    scheme = found["scheme"] or "http"
    port = int(found["port"] or _PORTS[scheme])
    return OwnCheck(scheme, port, urlsplit(found["path"] or "/").path or "/")
