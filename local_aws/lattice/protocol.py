"""VPC Lattice over HTTP (rest-json), for moto's server and ``mock_aws``."""

import socket
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ConnectionClosedError
from moto.core.common_types import TYPE_RESPONSE
from moto.core.request import Request
from moto.core.utils import camelcase_to_underscores
from moto.vpclattice.models import vpclattice_backends
from moto.vpclattice.responses import VPCLatticeResponse

from local_aws.lattice import shapes
from local_aws.lattice.backend import OPERATIONS, LatticeBackend
from local_aws.lattice.errors import AnswerLostError, LatticeError


class LatticeResponse(VPCLatticeResponse):
    """Finds the operation by the percent-encoded path, which keeps ARNs whole, and performs it.

    moto calls the method with the operation's name; they are added below. Other operations remain moto's.
    """

    def __init__(self) -> None:
        super().__init__()
        self._action: str | None = None

    @property
    def backend(self) -> LatticeBackend:
        return vpclattice_backends[self.current_account][self.region]  # type: ignore[return-value]

    def _get_action_from_method_and_request_uri(self, request: Request) -> str:
        """The operation; moto calls this several times per request, with one instance per request."""
        if self._action is None:
            found = shapes.route(request.method, request.raw_path)
            if found is None or found[0] not in OPERATIONS:
                self._action = super()._get_action_from_method_and_request_uri(request)
            else:
                self._action, self.uri_match = found
        return self._action

    def parse_parameters(self, request: Request) -> None:
        if self._get_action() not in OPERATIONS:
            super().parse_parameters(request)

    def perform(self, operation: str) -> TYPE_RESPONSE:
        """Answer one request."""
        request = self.normalized_request
        try:
            query = request.args.to_dict(flat=False)
            body = request.get_data(as_text=True)
            params = shapes.parse(operation, self.uri_match, query, body)
            answer = self.backend.perform(operation, params, self.access_key)
        except LatticeError as error:
            return self._failed(error)
        except AnswerLostError:
            return self._dropped(request)
        status = shapes.operation(operation)["http"]["responseCode"]
        text = "" if status == 204 else shapes.to_json(answer)
        return self._sent(status, text, {})

    def _failed(self, error: LatticeError) -> TYPE_RESPONSE:
        return self._sent(
            error.status, shapes.to_json(error.members), {"x-amzn-errortype": error.code, **error.headers}
        )

    def _sent(self, status: int, body: str, headers: dict[str, str]) -> TYPE_RESPONSE:
        all_headers: dict[str, Any] = {"content-type": "application/json", **headers, "status": status}
        return status, all_headers, body

    def _dropped(self, request: Request) -> TYPE_RESPONSE:
        """Break the connection: the server's socket, or with botocore's error in one process."""
        connection: socket.socket | None = request.environ.get("werkzeug.socket")
        if connection is None:
            raise ConnectionClosedError(endpoint_url=request.url)
        connection.shutdown(socket.SHUT_RDWR)
        return self._sent(500, "", {})


def _method(operation: str) -> Callable[[LatticeResponse], TYPE_RESPONSE]:
    def method(self: LatticeResponse) -> TYPE_RESPONSE:
        return self.perform(operation)

    method.__name__ = camelcase_to_underscores(operation)
    return method


for _operation in OPERATIONS:
    setattr(LatticeResponse, camelcase_to_underscores(_operation), _method(_operation))
