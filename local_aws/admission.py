"""Which requests a port of the local AWS answers: those of programs on this machine, not those of web pages.

The local AWS runs the code that it is given, and a browser on this machine reaches loopback. So any web page could send
it requests: across sites (a form, an image, a fetch), or with a name of its own that resolves to 127.0.0.1 once the page
is loaded (DNS rebinding), which makes them requests of the same origin. What tells them apart is in headers that a page
cannot set (Fetch Standard, "forbidden request-header"): Host, Origin and Sec-Fetch-Site.
"""

import re
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

DOCKER_HOST = "host.docker.internal"
"""The host's name in containers of Docker Desktop (manual, "Networking")."""
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]*)?", re.IGNORECASE)


def refusal(host: str, origin: str | None, site: str | None, names: Collection[str]) -> str | None:
    """Why a request with these headers (``site``: Sec-Fetch-Site) is refused; None if it is answered.

    ``names`` are the names and addresses of this machine beside loopback. An origin has to be absent or loopback: ``null``
    is that of sandboxed pages. A form or an image of another site has no Origin where its method is GET.
    """
    if not (match := _HOST.fullmatch(host)) or not (is_loopback(match[1]) or match[1].lower() in names):
        return (
            f"The local AWS does not answer to the Host {host[:200]!r}: a web page may have sent this request. Address it as "
            "127.0.0.1, localhost or a name under localhost; containers, at the address that make local writes for them."
        )
    if origin is not None and not _is_local(origin):
        return f"The local AWS does not answer web pages, and this request has the Origin {origin[:200]!r}."
    if origin is None and site == "cross-site":
        return "The local AWS does not answer requests that a web page of another site causes (Sec-Fetch-Site: cross-site)."
    return None


def is_loopback(name: str) -> bool:
    """Whether a host name or address, IPv6 in brackets or not, is this machine's: localhost, names under it (RFC 6761),
    127.0.0.0/8 and ::1."""
    lowered = name.lower().removesuffix(".")
    if lowered == "localhost" or lowered.endswith(".localhost"):
        return True
    try:
        return ip_address(lowered.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_local(origin: str) -> bool:
    try:
        return is_loopback(urlsplit(origin).hostname or "")
    except ValueError:
        return False


__all__ = ["DOCKER_HOST", "is_loopback", "refusal"]
