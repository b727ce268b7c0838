"""The Docker engine that `sam local` uses, and the address at which its containers reach the host (decision 41).

Docker Desktop and similar products run containers in a virtual machine, where ``host.docker.internal`` names the host,
loopback included (Docker Desktop manual, "Networking"). Containers of an engine on Linux cannot reach the host's
loopback interface. They reach the gateway of the default bridge, which is an address of the host (Docker Engine manual,
"Bridge network driver").
"""

import os
import platform
import socket
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network
from typing import Any

import docker
from docker.constants import DEFAULT_UNIX_SOCKET
from docker.errors import DockerException, ImageNotFound
from requests.exceptions import RequestException

BASE_IMAGE = "public.ecr.aws/lambda/python:3.13"
_ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
_SECONDS = 10


class NotReadyError(RuntimeError):
    """`sam local` cannot be served now. The text is a sentence that gives the reason and the fix."""


class EngineError(NotReadyError):
    """No Docker engine can run the functions."""


@dataclass(frozen=True, slots=True)
class Bridge:
    """The default bridge of an engine on Linux."""

    gateway: str
    """The host's address on it."""
    subnet: IPv4Network
    """The network of the containers."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A Docker engine that answers."""

    architecture: str
    """Lambda's name of its processor architecture."""
    bridge: Bridge | None
    """None: containers reach the host as host.docker.internal."""
    has_base_image: bool
    """Whether the image that SAM runs functions in is present, so that SAM does not have to pull it."""

    @property
    def base_image(self) -> str:
        """SAM's name of the image."""
        return f"{BASE_IMAGE}-{self.architecture}"


def find() -> Engine:
    """The engine at DOCKER_HOST, or else at Docker's default socket, as SAM finds it. EngineError if none answers."""
    try:
        _check_socket()
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


def _check_socket() -> None:
    """OSError if nothing listens on the engine's Unix socket. The SDK would leave its own socket open in that case."""
    address = _address()
    if address.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_SECONDS)
            probe.connect(address.removeprefix("unix://"))


def _no_answer(error: Exception) -> EngineError:
    return EngineError(
        f"No Docker engine answers at {_address()} ({_root(error)}). Start Docker, or set DOCKER_HOST to its address."
    )


def _root(error: BaseException) -> str:
    """The message of the innermost error, below those of the SDK and urllib3: the operating system's, if there is one."""
    innermost = error
    while (deeper := innermost.__cause__ or innermost.__context__) is not None:
        innermost = deeper
    return getattr(innermost, "strerror", None) or str(innermost)


def _architecture(name: str) -> str:
    if name not in _ARCHITECTURES:
        raise EngineError(
            f"The Docker engine reports {name or 'no'} architecture. Lambda functions run on x86_64 or arm64."
        )
    return _ARCHITECTURES[name]


def _bridge(client: Any) -> Bridge:
    """The default bridge. An engine's first start does not report the gateway (Docker 28: only after a restart); unless
    ``--bip`` sets it, which is reported, the gateway is the first host of the subnet."""
    for network in client.networks.list(names=["bridge"], filters={"driver": "bridge"}):
        for config in network.attrs.get("IPAM", {}).get("Config") or ():
            subnet = ip_network(config["Subnet"])
            if isinstance(subnet, IPv4Network):
                return Bridge(config.get("Gateway") or str(next(subnet.hosts())), subnet)
    raise EngineError(
        "The Docker engine has no default bridge network with IPv4, and containers reach the local AWS over it. "
        "Start the engine without --bridge=none."
    )


def _has(client: Any, image: str) -> bool:
    try:
        client.images.get(image)
    except ImageNotFound:
        return False
    return True
