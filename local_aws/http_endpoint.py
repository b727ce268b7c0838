"""The HTTP endpoint of the server: moto's services, the inspection pages and the receiver of custom resource responses."""

import json
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from moto.moto_server import werkzeug_app
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from local_aws import admission
from local_aws.iam.gateway import Gateway
from local_aws.inspection import PREFIX, Inspection
from local_aws.stack import custom_responses

if TYPE_CHECKING:
    from local_aws.stack.custom_responses import PendingResponses

LOOPBACK = "127.0.0.1"
_MOTO_PAGES = "/moto-api"
"""Moto's own pages: whoever reaches them can reset and reconfigure it."""


class PortTakenError(RuntimeError):
    """A port that the local AWS needs is in use."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} Stop it, or choose another port: LOCAL_AWS_PORT=4600 make local")


class Application(DomainDispatcherApplication):
    """The WSGI application. ``responses`` is set once functions can run.

    ``names``: this machine's names and addresses beside loopback, by which containers address it.
    """

    def __init__(self, inspection: Inspection, gateway: Gateway) -> None:
        vars(werkzeug_app)["DISABLE_GLOBAL_CORS"] = True  # else every answer says that any web page may read it
        super().__init__(create_backend_app)
        self.inspection = inspection
        self.responses: PendingResponses | None = None
        self.names = {admission.DOCKER_HOST}
        self._gateway = gateway

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if (reason := self._refusal(environ)) is not None:
            return _refuse(start_response, reason)
        path = environ.get("PATH_INFO", "")
        if path.startswith(PREFIX):
            return self.inspection(environ, start_response)
        if self.responses is not None and path.startswith(custom_responses.PREFIX):
            return self.responses.receive(environ, start_response)
        denial = self._gateway.denial(environ, start_response)
        return super().__call__(environ, start_response) if denial is None else denial

    def _refusal(self, environ: Mapping[str, Any]) -> str | None:
        if environ.get("PATH_INFO", "").startswith(_MOTO_PAGES):
            return "The local AWS has no control pages of moto. To start anew, stop it and run make local again."
        host, origin, site = (environ.get(f"HTTP_{name}") for name in ("HOST", "ORIGIN", "SEC_FETCH_SITE"))
        return admission.refusal(host or "", origin, site, self.names)


def _refuse(start_response: Any, reason: str) -> Iterable[bytes]:
    """Werkzeug closes the connection after every answer, so the rest of a refused request is never read as a new one."""
    body = json.dumps({"__type": "AccessDeniedException", "message": reason}).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response("403 Forbidden", headers)
    return [body]


class _Handler(MotoRequestHandler):
    """moto's, with HTTP/1.1, without Nagle's algorithm, and without a line on the terminal for every request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """The journal has the calls."""


def bind(port: int) -> socket.socket:
    """A listening socket on loopback; PortTakenError if the port is in use. Port 0 takes a free one."""
    try:
        return socket.create_server((LOOPBACK, port))
    except OSError as error:
        raise PortTakenError(f"Port {port} of {LOOPBACK} is in use (perhaps by another local AWS).") from error


def serve(
    application: Any, listening: socket.socket, cleanup: ExitStack, accepts: Callable[[str], bool] | None = None
) -> str:
    """Serve the application on a socket until ``cleanup`` runs; its URL.

    ``accepts`` decides by a client's address whether its connection is served.
    """
    host, port = listening.getsockname()[:2]
    web: BaseWSGIServer = make_server(
        host, port, application, threaded=True, request_handler=_Handler, fd=listening.fileno()
    )
    if accepts is not None:
        web.verify_request = lambda request, client_address: accepts(client_address[0])  # type: ignore[method-assign]  # noqa: ARG005  socketserver names them
    thread = threading.Thread(target=web.serve_forever, args=(0.1,), name="local-aws-http", daemon=True)
    thread.start()

    def stop() -> None:
        web.shutdown()
        web.server_close()
        thread.join(timeout=5)

    cleanup.callback(stop)
    return f"http://{host}:{port}"


__all__ = ["LOOPBACK", "Application", "PortTakenError", "bind", "serve"]
