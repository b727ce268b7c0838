"""VPC Lattice of the local AWS over real sockets on loopback: the API in moto's server, and the doors of the data plane."""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from moto.core.base_backend import BackendDict
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

from local_aws import certificates, inprocess
from local_aws import lattice as local_lattice
from local_aws.clock import ManualClock, ScaledClock
from local_aws.lattice import listener_http
from local_aws.lattice.listener_http import ListenerServer
from local_aws.network import LoopbackNetwork, Request, Response
from local_aws.services import Services, clock, current, register

VPC = "vpc-0123456789abcdef0"
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b"
NOT_FOUND: dict[str, Any] = {"fixedResponse": {"statusCode": 404}}


@pytest.fixture
def loopback() -> Iterator[LoopbackNetwork]:
    """Tasks that listen on real sockets, on a clock that is moved by hand."""
    made = LoopbackNetwork()
    before = register(Services(ManualClock(), made))
    yield made
    made.close_all()
    register(before)


@pytest.fixture
def endpoint(loopback: LoopbackNetwork) -> Iterator[str]:
    """moto's real server with the extension, on a free port."""
    BackendDict.reset()
    local_lattice.install()
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server._server.server_close()  # type: ignore[union-attr]  stop() leaves the socket to the garbage collector
    server.stop()
    BackendDict.reset()


def client(endpoint: str, name: str = "vpc-lattice", attempts: int = 1) -> Any:
    return boto3.client(
        name,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": attempts}),
    )


def group(lattice: Any, name: str = "orders", **config: Any) -> str:
    settings = {"port": 8080, "protocol": "HTTP", "vpcIdentifier": VPC, "healthCheck": {"enabled": False}, **config}
    return lattice.create_target_group(name=name, type="IP", config=settings)["id"]


def forward(target_group: str) -> dict[str, Any]:
    return {"forward": {"targetGroups": [{"targetGroupIdentifier": target_group}]}}


def fetch(server: ListenerServer, path: str, host: str, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", path, headers={"Host": host, **named})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_the_api_answers_over_http_with_ids_and_arns(endpoint: str) -> None:
    lattice = client(endpoint)
    service = lattice.create_service(name="orders", tags={"a": "b"})
    listener = lattice.create_listener(
        serviceIdentifier=service["arn"], name="http", protocol="HTTP", defaultAction=NOT_FOUND
    )
    rule = lattice.create_rule(
        serviceIdentifier=service["arn"], listenerIdentifier=listener["arn"], name="one", priority=1,
        match={"httpMatch": {"pathMatch": {"match": {"prefix": "/a"}}}}, action=forward(group(lattice)),
    )  # fmt: skip

    ids = {"serviceIdentifier": service["arn"], "listenerIdentifier": listener["arn"]}
    assert lattice.get_rule(**ids, ruleIdentifier=rule["arn"])["priority"] == 1
    assert lattice.list_tags_for_resource(resourceArn=service["arn"])["tags"] == {"a": "b"}
    lattice.untag_resource(resourceArn=service["arn"], tagKeys=["a"])
    assert lattice.list_tags_for_resource(resourceArn=service["arn"])["tags"] == {}
    assert lattice.delete_rule(**ids, ruleIdentifier=rule["arn"])["ResponseMetadata"]["HTTPStatusCode"] == 204
    pages = list(lattice.get_paginator("list_rules").paginate(**ids, PaginationConfig={"PageSize": 1}))
    assert [each["name"] for page in pages for each in page["items"]] == ["default"]


def test_errors_over_http_have_their_code_status_and_members(endpoint: str) -> None:
    lattice = client(endpoint)
    first = lattice.create_service(name="orders")["id"]

    with pytest.raises(ClientError) as error:
        lattice.create_service(name="orders")
    answer = error.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == ("ConflictException", 409)
    assert (answer["resourceId"], answer["resourceType"]) == (first, "SERVICE")
    local_lattice.backend().faults.throttle(retry_after=9)
    with pytest.raises(ClientError) as error:
        lattice.list_services()
    assert error.value.response["retryAfterSeconds"] == 9


def test_the_tagging_api_finds_lattices_objects_over_http(endpoint: str) -> None:
    arn = client(endpoint).create_service(name="orders", tags={"owner": "me"})["arn"]

    found = client(endpoint, "resourcegroupstaggingapi").get_resources(
        ResourceTypeFilters=["vpc-lattice:service"], TagFilters=[{"Key": "owner", "Values": ["me"]}]
    )["ResourceTagMappingList"]
    assert [one["ResourceARN"] for one in found] == [arn]


def test_a_lost_answer_breaks_the_servers_connection_and_a_retry_finds_the_object(endpoint: str) -> None:
    backend = local_lattice.backend()
    backend.faults.lose_answer("CreateService")
    with pytest.raises(ConnectionClosedError):
        client(endpoint).create_service(name="orders", clientToken="once")
    assert len(backend.services) == 1

    backend.faults.lose_answer("CreateService")
    made = client(endpoint, attempts=2).create_service(name="billing")
    assert [one.name for one in backend.services.values()] == ["orders", "billing"]
    assert made["id"] in backend.services


def test_many_clients_at_once_get_one_object_a_name_and_a_whole_log(endpoint: str) -> None:
    lattice = client(endpoint)

    def create(number: int) -> str:
        try:
            return lattice.create_service(name=f"service{number % 10}")["id"]
        except ClientError as error:
            return error.response["Error"]["Code"]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(create, range(40)))
    backend = local_lattice.backend()
    assert results.count("ConflictException") == 30
    assert {one.name for one in backend.services.values()} == {f"service{number}" for number in range(10)}
    assert len([call for call in backend.calls if call.operation == "CreateService"]) == 40


def test_health_checks_go_over_real_sockets_on_a_running_clock(endpoint: str, loopback: LoopbackNetwork) -> None:
    scaled = ScaledClock(speed=200)
    current().clock = scaled
    checked = threading.Event()

    def respond(_request: Request) -> Response:
        checked.set()
        return Response(200)

    try:
        loopback.listen("10.0.1.5", 8080, respond)
        lattice = client(endpoint)
        made = group(lattice, healthCheck={"healthCheckIntervalSeconds": 5})
        service = lattice.create_service(name="orders")["id"]
        lattice.create_listener(serviceIdentifier=service, name="http", protocol="HTTP", defaultAction=forward(made))
        lattice.register_targets(targetGroupIdentifier=made, targets=[{"id": "10.0.1.5"}])
        assert checked.wait(60)
        healthy = threading.Event()
        scaled.call_later(1, lambda: _when_healthy(made, healthy))
        assert healthy.wait(60)
    finally:
        scaled.stop()


def _when_healthy(target_group: str, healthy: threading.Event) -> None:
    if local_lattice.backend().list_targets(target_group)[0]["status"] == "HEALTHY":
        healthy.set()
    else:
        clock().call_later(1, lambda: _when_healthy(target_group, healthy))


def test_the_http_door_finds_the_service_by_host_and_the_listener_by_port(loopback: LoopbackNetwork) -> None:
    with inprocess.started(network=loopback):
        lattice = boto3.client("vpc-lattice")
        service = lattice.create_service(
            name="orders", customDomainName="orders.example.com", certificateArn=CERTIFICATE
        )
        ids = {"serviceIdentifier": service["id"]}
        made = group(lattice)
        lattice.register_targets(targetGroupIdentifier=made, targets=[{"id": "10.0.1.5"}])
        loopback.listen("10.0.1.5", 8080, lambda request: Response(200, {}, f"hello {request.path}".encode()))
        lattice.create_listener(**ids, name="https", protocol="HTTPS", defaultAction=forward(made))
        only_https = "orders.example.com"
        server = listener_http.serve(0)
        try:
            assert fetch(server, "/a?b=c", only_https) == (200, b"hello /a?b=c")
            lattice.create_listener(**ids, name="http", protocol="HTTP", port=80, defaultAction=NOT_FOUND)
            name = service["dnsEntry"]["domainName"]
            assert fetch(server, "/a", name)[0] == 404
            assert fetch(server, "/a", f"{name}:{server.port}")[0] == 404
            assert fetch(server, "/a", f"{name}:443") == (200, b"hello /a")
            assert fetch(server, "/a", name, x_forwarded_proto="https")[0] == 200
            assert fetch(server, "/a", name, x_local_lattice_listener="443")[0] == 200
            assert fetch(server, "/a", f"{name}:81")[0] == 503
            assert fetch(server, "/a", "nobody.example.com")[0] == 404
        finally:
            server.stop()


def test_the_tls_door_passes_bytes_to_the_target_of_the_server_name(loopback: LoopbackNetwork) -> None:
    with inprocess.started(network=loopback):
        lattice = boto3.client("vpc-lattice")
        backend = local_lattice.backend()
        backend.timing = replace(backend.timing, create=0)
        service = lattice.create_service(name="files", customDomainName="files.example.com")["id"]
        made = group(lattice, protocol="TCP", port=8443)
        lattice.register_targets(targetGroupIdentifier=made, targets=[{"id": "10.0.1.5"}])
        lattice.create_listener(
            serviceIdentifier=service, name="tls", protocol="TLS_PASSTHROUGH", port=443, defaultAction=forward(made)
        )
        loopback.listen("10.0.1.5", 8443, lambda _request: Response(200, {}, b"through"), tls=True)
        server = listener_http.serve_tls(0)
        try:
            assert talk(server, "files.example.com").endswith(b"through")
            with pytest.raises((ssl.SSLError, OSError)):
                talk(server, "other.example.com")
            loopback.close("10.0.1.5", 8443)
            with pytest.raises((ssl.SSLError, OSError)):
                talk(server, "files.example.com")
        finally:
            server.stop()


def talk(server: ListenerServer, name: str) -> bytes:
    """What a TLS client that asks for this server name reads until the end."""
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=60) as plain,
        certificates.client_context().wrap_socket(plain, server_hostname=name) as tls,
    ):
        tls.sendall(b"GET / HTTP/1.1\r\nHost: files\r\nConnection: close\r\n\r\n")
        return b"".join(iter(lambda: tls.recv(4096), b""))


@pytest.mark.parametrize("size", [1, 50, 4096])
def test_the_server_name_is_read_from_a_hello_in_pieces_of_any_size(size: int) -> None:
    outgoing = ssl.MemoryBIO()
    hello = certificates.client_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="files.example.com")
    with pytest.raises(ssl.SSLWantReadError):
        hello.do_handshake()
    sent = outgoing.read()
    ours, theirs = socket.socketpair()
    with ours, theirs:

        def drip() -> None:
            for start in range(0, len(sent), size):
                theirs.sendall(sent[start : start + size])

        sender = threading.Thread(target=drip)
        sender.start()
        read, name = listener_http.read_hello(ours)
        sender.join()
    assert name == "files.example.com"
    assert sent.startswith(read)


def test_what_is_no_tls_is_refused() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"GET / HTTP/1.1\r\nHost: files.example.com\r\n\r\n")
        with pytest.raises(ConnectionAbortedError):
            listener_http.read_hello(ours)
