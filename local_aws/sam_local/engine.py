"""The Docker engine that `sam local` will use, and by which address its containers reach this machine.

Docker Desktop and its like run containers in a virtual machine and give this machine the name ``host.docker.internal``,
loopback included (Docker Desktop manual, "Networking"). An engine on Linux has no way to this machine's loopback: its
containers reach the gateway of the default bridge, which is an address of this machine (Docker Engine manual, "Bridge
network driver").
"""

import os
import platform
import socket
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

import docker
from docker.constants import DEFAULT_UNIX_SOCKET
from docker.errors import DockerException, ImageNotFound
from requests.exceptions import RequestException

BASE_IMAGE = "public.ecr.aws/lambda/python:3.13"
_ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
_SECONDS = 10


class NotReadyError(RuntimeError):
    """`sam local` cannot be served now; the text is a sentence that says why, and what to do."""


class EngineError(NotReadyError):
    """No engine that can run the functions."""


@dataclass(frozen=True, slots=True)
class Bridge:
    """The default bridge of an engine on Linux: this machine's address on it, and the containers' network."""

    gateway: str
    subnet: IPv4Network


@dataclass(frozen=True, slots=True)
class Engine:
    """A Docker engine that answers. ``architecture`` is Lambda's word for its processor."""

    architecture: str
    bridge: Bridge | None
    """None: containers call this machine host.docker.internal."""
    has_base_image: bool
    """Whether SAM need not ask the registry for the image that it runs functions in."""

    @property
    def base_image(self) -> str:
        """As SAM names it."""
        return f"{BASE_IMAGE}-{self.architecture}"


def find() -> Engine:
    """The engine at DOCKER_HOST, or else at Docker's usual socket, as SAM looks for it. EngineError if none answers."""
    try:
        _knock()
        client = docker.from_env(timeout=_SECONDS)
    except (DockerException, RequestException, OSError) as error:
        raise _no_answer(error) from error
    try:
        information = client.info()
        architecture = _architecture(str(information.get("Architecture", "")))
        is_native = platform.system() == "Linux" and "Docker Desktop" not in str(information.get("OperatingSystem"))
        bridge = _bridge(client) if is_native else None
        return Engine(architecture, bridge, _has(client, f"{BASE_IMAGE}-{architecture}"))
    except (DockerException, RequestException) as error:
        raise _no_answer(error) from error
    finally:
        client.close()


def _address() -> str:
    return os.environ.get("DOCKER_HOST") or DEFAULT_UNIX_SOCKET.replace("http+unix://", "unix://")


def _knock() -> None:
    """OSError if nobody listens on the engine's Unix socket. The SDK would leave its own socket open then."""
    address = _address()
    if address.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as visitor:
            visitor.settimeout(_SECONDS)
            visitor.connect(address.removeprefix("unix://"))


def _no_answer(error: Exception) -> EngineError:
    return EngineError(
        f"No Docker engine answers at {_address()} ({_root(error)}). Start Docker, or let DOCKER_HOST say where it is."
    )


def _root(error: BaseException) -> str:
    """What lies under the SDK's and urllib3's wrappings: the operating system's own words, where there are some."""
    seen = error
    while (deeper := seen.__cause__ or seen.__context__) is not None:
        seen = deeper
    return getattr(seen, "strerror", None) or str(seen)


def _architecture(name: str) -> str:
    if name not in _ARCHITECTURES:
        raise EngineError(f"The Docker engine's processor is {name or 'not said'}; Lambda has x86_64 and arm64.")
    return _ARCHITECTURES[name]


def _bridge(client: Any) -> Bridge:
    for network in client.networks.list(names=["bridge"], filters={"driver": "bridge"}):
        for part in network.attrs.get("IPAM", {}).get("Config") or ():
            if "Gateway" in part and ":" not in part["Gateway"]:
                return Bridge(part["Gateway"], IPv4Network(part["Subnet"]))
    raise EngineError(
        "The Docker engine has no default bridge network with a gateway, and that is how containers would reach the "
        "local AWS: let the engine make it (it was started with --bridge=none, or the like)."
    )


def _has(client: Any, image: str) -> bool:
    try:
        client.images.get(image)
    except ImageNotFound:
        return False
    return True
