"""A client of the local VPC Lattice without HTTP, for tests of thousands of calls: same parameters, same errors."""

from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError

from local_aws import lattice
from local_aws.lattice.errors import AnswerLostError, LatticeError


class Crash(Exception):  # noqa: N818  what happens to a process, not an error of ours
    """The function was killed between two calls."""


class DirectClient:
    """Answers boto3's methods by the backend. ``crash_in`` counts down with each write; at 0 the function is killed,
    after the call was done (``late``) or before."""

    def __init__(self) -> None:
        self.crash_in: int | None = None
        self.late = True

    def __getattr__(self, method: str) -> Callable[..., dict[str, Any]]:
        operation = "".join(word.capitalize() for word in method.split("_"))

        def call(**parameters: Any) -> dict[str, Any]:
            writes = not operation.startswith(("Get", "List"))
            if writes and self.crash_in is not None:
                self.crash_in -= 1
                if self.crash_in <= 0 and not self.late:
                    self.crash_in = None
                    raise Crash(operation)
            answer = self._perform(operation, parameters)
            if writes and self.crash_in is not None and self.crash_in <= 0:
                self.crash_in = None
                raise Crash(operation)
            return answer

        return call

    def get_paginator(self, method: str) -> "Paginator":
        return Paginator(getattr(self, method))

    @staticmethod
    def _perform(operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        try:
            return dict(lattice.backend().perform(operation, parameters))
        except AnswerLostError as error:
            raise EndpointConnectionError(endpoint_url="https://lattice") from error
        except LatticeError as error:
            response: Any = {
                "Error": {"Code": error.code, "Message": error.message},
                "ResponseMetadata": {"HTTPStatusCode": error.status, "HTTPHeaders": {k.lower(): v for k, v in error.headers.items()}},
                **error.members,
            }  # fmt: skip
            raise ClientError(response, operation) from error


class Paginator:
    def __init__(self, call: Callable[..., dict[str, Any]]) -> None:
        self._call = call

    def paginate(self, PaginationConfig: dict[str, int], **parameters: Any) -> Iterator[dict[str, Any]]:  # noqa: N803  boto3's name
        token: dict[str, str] = {}
        while True:
            page = self._call(**parameters, maxResults=PaginationConfig["PageSize"], **token)
            yield page
            if not page.get("nextToken"):
                return
            token = {"nextToken": page["nextToken"]}
