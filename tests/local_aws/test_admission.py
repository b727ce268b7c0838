"""Who is answered: programs on this machine and containers; no web page, whatever it sends and wherever its name leads."""

import contextlib
import http.client
import json
import os
import socket
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from local_aws import admission
from local_aws.clock import ManualClock
from local_aws.runtime.api import Invocation, RuntimeApi
from local_aws.sam_local.engine import Bridge

EVIL = "http://evil.example"
PAGES = ["", "/", "/lib.js", "/data.json", "/reset", "/reset-auth", "/seed", "/config", "/proxy/passthrough"]
PAGES += ["/recorder/start-recording", "/recorder/download-recording", "/state-manager/set-transition"]


def asked(aws, method="GET", path="/_local_aws/health", body=None, **headers):
    """Status, headers and body of the answer to a request; ``Host`` is the endpoint's own unless it is given."""
    connection = http.client.HTTPConnection("127.0.0.1", aws.port, timeout=60)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()
    finally:
        connection.close()


def rules(aws):
    return [rule["Name"] for rule in aws.client("events").list_rules()["Rules"]]


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:1", "localhost.:4566", "bucket.localhost:4566", "a.b.s3.localhost", "127.0.0.1:4566",
     "127.8.9.1", "[::1]", "[::1]:4566", "host.docker.internal:4566"],
)  # fmt: skip
def test_names_of_this_machine_are_answered(aws, host):
    assert asked(aws, Host=host)[0] == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:4566", "localhost.evil.example", "evillocalhost", "127.0.0.1.evil.example", "10.0.0.1",
     "0.0.0.0:4566", "[2001:db8::1]:4566", "user@localhost", "localhost,evil.example", "localhost:4566/x", "", "[",
     "172.17.0.1:4566", "x.host.docker.internal"],
)  # fmt: skip
def test_a_rebound_name_is_refused_with_the_names_that_are_answered(aws, host):
    status, _, body = asked(aws, Host=host)
    assert status == 403
    assert "127.0.0.1, localhost" in json.loads(body)["message"]


def test_a_rebound_page_cannot_run_code_as_the_developer(aws, invoke):
    """A function of the local AWS is a process of the developer, so Invoke and UpdateFunctionCode run code."""

    def invocations() -> int:
        """Of anybody but the schedules, whose time may come at any moment."""
        return sum(run.source != "schedule" for run in aws.journal.invocations)

    before = invocations()
    path = f"/2015-03-31/functions/{aws.outputs['Worker']}/invocations"
    signed = "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0"
    rebound = {"Host": f"evil.example:{aws.port}", "Origin": f"{EVIL}:{aws.port}", "Authorization": signed}
    assert asked(aws, "POST", path, '{"do": "nothing"}', **rebound)[0] == 403
    assert invocations() == before
    assert asked(aws, "POST", path, '{"do": "nothing"}', Authorization=signed)[0] == 200
    assert invocations() == before + 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": EVIL},
        {"Origin": "null"},
        {"Origin": "https://localhost.evil.example"},
        {"Origin": "chrome-extension://abcdefgh"},
        {"Origin": "http://["},
        {"Origin": ""},
        {"Origin": f"{EVIL}", "Sec_Fetch_Site": "same-origin"},
        {"Sec_Fetch_Site": "cross-site"},
    ],
)
def test_what_a_page_of_another_site_sends_changes_nothing(aws, headers):
    form = "Action=CreateQueue&QueueName=forged&Version=2012-11-05"
    kind = {"Content_Type": "application/x-www-form-urlencoded"}
    assert asked(aws, "POST", "/", form, **kind, **headers)[0] == 403
    assert asked(aws, "GET", f"/?{form}", **headers)[0] == 403
    assert asked(aws, "OPTIONS", "/", **headers)[0] == 403
    assert not aws.client("sqs").list_queues(QueueNamePrefix="forged").get("QueueUrls")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://localhost:3000"},
        {"Origin": "http://localhost:3000", "Sec_Fetch_Site": "cross-site"},
        {"Origin": "http://[::1]:3000"},
        {"Sec_Fetch_Site": "none"},
        {"Sec_Fetch_Site": "same-origin"},
    ],
)
def test_pages_of_this_machine_and_a_typed_address_are_answered(aws, headers):
    assert asked(aws, **headers)[0] == 200


@pytest.mark.parametrize("page", PAGES)
def test_control_pages_of_moto_are_closed_to_everybody(aws, page):
    before = rules(aws)
    for method in ("GET", "POST"):
        status, _, body = asked(aws, method, f"/moto-api{page}")
        assert status == 403
        assert "no control pages" in json.loads(body)["message"]
    assert rules(aws) == before != []


@pytest.mark.parametrize("path", ["//moto-api/reset", "/x/../moto-api/reset", "/%6doto-api/reset", "/moto-api//reset"])
def test_no_spelling_of_a_path_leads_to_a_control_page(aws, path):
    before = rules(aws)
    asked(aws, "POST", path)
    asked(
        aws,
        "POST",
        path,
        Authorization="AWS4-HMAC-SHA256 Credential=x/2026/us-east-1/motoapi.amazonaws.com/aws4_request",
    )
    assert rules(aws) == before


def test_no_answer_allows_a_page_of_another_origin_to_read_it(aws):
    status, headers, _ = asked(aws, "GET", "/?Action=ListQueues&Version=2012-11-05", Origin="http://localhost:3000")
    assert status < 500
    assert not [name for name in headers if name.lower().startswith("access-control")]


def test_the_body_of_a_refused_request_is_never_read_as_a_request(aws):
    inner = f"GET /_local_aws/health HTTP/1.1\r\nHost: 127.0.0.1:{aws.port}\r\n\r\n"
    assert _answers(aws.port, "/", inner) == ["403"]


def test_the_address_of_a_bridge_is_answered_once_containers_need_it(aws):
    assert asked(aws, Host="198.51.100.7:4566")[0] == 403
    aws._application.names.add("198.51.100.7")
    assert asked(aws, Host="198.51.100.7:4566")[0] == 200
    url = aws.open_to(Bridge("127.0.0.9", IPv4Network("127.0.0.0/8")))
    assert url.removeprefix("http://").partition(":")[0] in aws._application.names


def test_virtual_hosted_names_of_buckets_under_localhost_lead_to_s3(aws):
    aws.client("s3").create_bucket(Bucket="hosted")
    aws.client("s3").put_object(Bucket="hosted", Key="page", Body=b"content")
    signed = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
    named = {"Host": f"hosted.localhost:{aws.port}", "Authorization": signed}
    assert asked(aws, "GET", "/page", **named)[::2] == (200, "content")


# --- the Lambda Runtime API of a worker


@pytest.fixture
def runtime():
    api = RuntimeApi(3.0, lambda: int(ManualClock().time() * 1000))
    yield api
    api.close()


def _port(runtime):
    return int(runtime.address.rpartition(":")[2])


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": EVIL}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_a_web_page_takes_no_invocation_and_fails_no_start(runtime, headers):
    runtime.submit(Invocation("1", b"{}", "arn"))
    for method, path in (("GET", "invocation/next"), ("POST", "init/error"), ("POST", "invocation/1/response")):
        connection = http.client.HTTPConnection("127.0.0.1", _port(runtime), timeout=60)
        connection.request(method, f"/2018-06-01/runtime/{path}", "{}", headers)
        assert connection.getresponse().status == 403
        connection.close()
    assert not runtime.ready.is_set()
    assert runtime.init_error is None


def test_the_worker_is_answered(runtime):
    runtime.submit(Invocation("1", b"{}", "arn"))
    connection = http.client.HTTPConnection("127.0.0.1", _port(runtime), timeout=60)
    connection.request("GET", "/2018-06-01/runtime/invocation/next")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"{}")
    connection.close()


def test_a_refused_body_is_no_request_to_the_runtime_either(runtime):
    inner = f"POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: {runtime.address}\r\nContent-Length: 0\r\n\r\n"
    assert _answers(_port(runtime), "/2018-06-01/runtime/init/error", inner) == ["403"]
    assert runtime.init_error is None


def _answers(port, path, body):
    """The statuses of all answers on a connection to which a page of another site posts ``body``."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: {EVIL}\r\nContent-Type: text/plain\r\n"
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        received = b""
        try:
            while chunk := connection.recv(65_536):
                received += chunk
        except ConnectionResetError:
            pass  # closed with the rest of the request unread
    return [line.split()[1] for line in received.decode().splitlines() if line.startswith("HTTP/1.1")]


def _listening():
    """The addresses of the sockets of this process that accept connections, by its open files: to look at all objects would
    take hold of tuples that other threads are about to build."""
    for file in Path("/dev/fd").iterdir():
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(int(file.name))) as one:  # closed, or no socket
            is_internet = one.family in {socket.AF_INET, socket.AF_INET6}
            if is_internet and one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                yield one.getsockname()[:2]


def test_every_port_listens_on_loopback_only(aws):
    """The endpoint, VPC Lattice's two, the runtime APIs of workers, tasks."""
    found = list(_listening())
    assert {aws.port, aws.lattice_tls_port} <= {port for _, port in found}
    assert [address for address, _ in found if not admission.is_loopback(address)] == []
