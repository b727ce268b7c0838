"""console: what it answers and to whom, how rarely it reads, and what the page shows in a real browser."""

import contextlib
import http.client
import json
import re
import socket
import threading
from types import SimpleNamespace
from urllib.parse import unquote

import pytest

from ecs_lattice_cli.app import App
from ecs_lattice_cli.console import answers
from ecs_lattice_cli.console.answers import Answers
from ecs_lattice_cli.console.readings import Reading
from ecs_lattice_cli.console.server import Server
from ecs_lattice_cli.errors import CommandError
from local_aws.iam.evaluation import Request, decide
from tests.cli.browser import opened
from tests.cli.test_docs import of_verb
from tests.cli.test_graph import ROUTES
from tests.histories.labels import LABELS
from tests.histories.test_health import close, reopen

DAY = 86400


class Scripted:
    """A stack that answers with ``said`` or fails with it, and notes what it is asked."""

    name, region = "ecs-lattice", "us-east-1"

    def __init__(self):
        self.asked, self.said = (
            [],
            {"at": 0.0, "stack": {}, "ecsServices": [], "latticeServices": [], "entries": [], "isCut": False},
        )

    def invoke(self, output, request):
        self.asked.append(request)
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


class Clock:
    def __init__(self):
        self.time = 0.0

    def __call__(self):
        return self.time


def scripted_app(stack):
    app = App(now=lambda: 1000.0)
    app.__dict__["stack"] = stack
    return app


@contextlib.contextmanager
def serving(app, every=60.0):
    server = Server(Answers(app, every, DAY))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def scripted():
    return Scripted()


@pytest.fixture
def server(scripted):
    with serving(scripted_app(scripted)) as running:
        yield running


def got(server, name="", method="GET", token=None, **headers):
    """Status, headers and body; ``headers`` instead of those of a client."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    connection.putrequest(method, f"/{server.token if token is None else token}/{name}", skip_host="Host" in headers)
    for key, value in headers.items():
        for each in [value] if isinstance(value, str) else value:
            connection.putheader(key, each)
    connection.endheaders()
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, response.headers, body


# To whom -----------------------------------------------------------------------------------------------------------------


def test_it_listens_on_loopback_alone(server):
    assert server.server_address[0] == "127.0.0.1"
    assert server.url == f"http://127.0.0.1:{server.server_port}/{server.token}/"


def test_two_runs_have_two_tokens_that_nobody_guesses(server):
    with serving(scripted_app(Scripted())) as other:
        assert other.token != server.token
        assert len(other.token) >= 32


@pytest.mark.parametrize("host", ["127.0.0.1:{}", "localhost:{}"])
def test_it_answers_at_its_own_address(server, host):
    assert got(server, Host=host.format(server.server_port))[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{}", "127.0.0.1", "localhost", "localhost:1", "", "127.0.0.1.evil.example:{}",
                                  ["127.0.0.1:{}", "evil.example"]])  # fmt: skip
@pytest.mark.parametrize("name", ["", "api/status"])
def test_another_host_gets_nothing_even_with_the_token(server, scripted, host, name):
    hosts = [each.format(server.server_port) for each in ([host] if isinstance(host, str) else host)]
    status, _, body = got(server, name, Host=hosts)
    assert (status, body) == (403, "The console answers only at its own address on loopback.\n")
    assert scripted.asked == []


def test_no_host_gets_nothing(server):
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=60) as client:
        client.sendall(f"GET /{server.token}/ HTTP/1.0\r\n\r\n".encode())
        assert b" 403 " in client.recv(100)


@pytest.mark.parametrize("token", ["", "x", "%2e%2e"])
@pytest.mark.parametrize("name", ["", "app.js", "api/status", "api/graph.svg"])
def test_without_the_token_nothing_is_answered(server, scripted, token, name):
    for wrong in (token, server.token[:-1], server.token + "x", server.token.swapcase()):
        status, _, body = got(server, name, token=wrong)
        assert status == 403
        assert "ecs-lattice console has printed" in body
        assert server.token not in body
    assert scripted.asked == []


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "CONNECT", "ANY"])
def test_it_takes_get_alone(server, scripted, method):
    status, headers, body = got(server, "api/status", method)
    assert (status, headers["Allow"]) == (405, "GET")
    assert body == ("" if method == "HEAD" else "The console changes nothing: it takes GET alone.\n")
    assert scripted.asked == []


@pytest.mark.parametrize("name", ["nothing", "../answers.py", "page/index.html", "api", "api/status/", "app.js/x"])
def test_there_are_no_other_names(server, name):
    status, headers, body = got(server, name)
    assert status == 404
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert body.startswith("The console has no ")


def test_what_is_no_request_gets_a_sentence_with_the_same_headers(server):
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=60) as client:
        client.sendall(b"GET / more HTTP/1.1\r\n\r\n")
        said = client.recv(4000).decode()
    assert " 400 " in said.splitlines()[0]
    assert "default-src 'none'" in said
    assert "Python" not in said


@pytest.mark.parametrize("name", ["", "app.js", "api/status", "nothing"])
def test_every_answer_forbids_what_the_page_does_not_need(server, name):
    headers = got(server, name)[1]
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["form-action"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in headers


def test_the_page_fetches_nothing_from_elsewhere(server):
    for name in ("", "app.js", "views.js", "style.css"):
        status, _, body = got(server, name)
        assert status == 200
        assert not re.search(r"https?://|//cdn|innerHTML|eval\(|\bon\w+=\"|style=\"", body), name


def test_no_two_answers_are_mixed_up_by_their_kind(server):
    kinds = {
        name: got(server, name)[1]["Content-Type"].partition(";")[0]
        for name in ("", "app.js", "style.css", "icon.svg", "api/status")
    }
    assert list(kinds.values()) == ["text/html", "text/javascript", "text/css", "image/svg+xml", "application/json"]


# How rarely --------------------------------------------------------------------------------------------------------------


def document(server, name="api/status"):
    return json.loads(got(server, name)[2])


def test_however_many_pages_are_open_aws_is_read_once(server, scripted):
    pages = [threading.Thread(target=document, args=(server,)) for _ in range(20)]
    for page in pages:
        page.start()
    for page in pages:
        page.join()
    assert scripted.asked == [{"mode": "status"}]


def test_a_reading_is_kept_for_its_time_and_then_read_again():
    clock, values = Clock(), iter(range(10))
    reading = Reading(lambda: next(values), 5.0, clock)
    assert reading.get().value == 0
    clock.time = 4.9
    assert (reading.get().value, reading.get().age) == (0, 4.9)
    clock.time = 5.0
    assert (reading.get().value, reading.get().age) == (1, 0.0)


def test_what_takes_long_is_read_more_rarely():
    clock, begun = Clock(), []

    def slow():
        begun.append(clock.time)
        clock.time += 10

    reading = Reading(slow, 5.0, clock)
    for now in range(100):
        clock.time = max(clock.time, now)
        reading.get()
    assert begun == [0, 30, 60, 90]


def test_a_reading_that_hangs_keeps_nobody_and_says_for_how_long():
    clock, answer = Clock(), threading.Event()
    reading = Reading(answer.wait, 5.0, clock)
    assert reading.get(patience=0.01).value is None
    clock.time = 60.0
    kept = reading.get(patience=0.01)
    assert (kept.value, kept.age, kept.error, kept.waiting) == (None, None, "", 60.0)
    answer.set()
    assert reading.get(patience=600).value is True


def test_an_error_is_the_sentence_it_is_beside_the_last_good_reading(scripted):
    app = scripted_app(scripted)
    clock = Clock()
    reading = Reading(lambda: app.stack.invoke("QueryFunctionName", {}), 5.0, clock)
    assert reading.get().error == ""
    scripted.said = CommandError("AWS denied lambda:InvokeFunction. The policy is in docs/command.md#permissions.", 69)
    clock.time = 65.0
    kept = reading.get()
    assert kept.error == "AWS denied lambda:InvokeFunction. The policy is in docs/command.md#permissions."
    assert (kept.value["ecsServices"], kept.age) == ([], 65.0)
    reading.get()
    assert len(scripted.asked) == 2, "an error is not read more often"
    scripted.said = KeyError("schema")
    clock.time = 70.0
    assert reading.get().error == "unexpected KeyError: 'schema'"
    scripted.said = {"ecsServices": [1]}
    clock.time = 75.0
    assert (reading.get().error, reading.get().age) == ("", 0.0)


def test_before_the_first_good_reading_there_is_the_error_alone(server, scripted):
    scripted.said = CommandError("There is no stack ecs-lattice in Region us-east-1.")
    said = document(server)
    assert (said["result"], said["age"], said["error"]) == (
        None,
        None,
        "There is no stack ecs-lattice in Region us-east-1.",
    )
    status, _, body = got(server, "api/graph.svg")
    assert (status, body) == (503, "There is no stack ecs-lattice in Region us-east-1.\n")


def test_the_picture_is_the_last_one_with_its_age_and_the_error(scripted, monkeypatch):
    drawn = {"latticeServices": []}
    monkeypatch.setattr(answers, "found", lambda *_: drawn)
    reply = Answers(scripted_app(scripted), 0.0, DAY, Clock())
    first = reply.answer("api/graph.svg")
    assert (first.status, first.headers) == (200, {"Age": "0"})

    def fails(*_):
        raise CommandError("AWS denied vpc-lattice:ListRules – ask.")

    monkeypatch.setattr(answers, "found", fails)
    later = reply.answer("api/graph.svg")
    assert later.body == first.body
    assert unquote(later.headers["Reading-Error"]) == "AWS denied vpc-lattice:ListRules – ask."
    assert later.headers["Reading-Error"].isascii()


def test_after_an_error_the_stack_is_looked_up_anew():
    """Its function may have another name since an update."""
    app, stacks = App(now=lambda: 0.0), [Scripted(), Scripted()]
    stacks[0].said = CommandError("gone")
    app.__dict__["stack"] = stacks[0]
    reply = Answers(app, 0.0, DAY, Clock())
    reply.answer("api/history")
    assert "stack" not in app.__dict__
    app.__dict__["stack"] = stacks[1]
    assert json.loads(reply.answer("api/history").body)["error"] == ""


# The verb ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def at_once(monkeypatch):
    """A server that ends as if by Ctrl-C when it begins to serve, after it was asked for its page."""
    seen = []

    def interrupted(server):
        thread = threading.Thread(target=server.handle_request, daemon=True)
        thread.start()
        seen.append(got(server)[0])
        thread.join()
        raise KeyboardInterrupt

    monkeypatch.setattr(Server, "serve_forever", interrupted)
    return seen


def test_the_address_is_printed_and_ctrl_c_is_its_good_end(stack, ask, at_once):
    done = ask("console")
    assert done.exit_code == 0
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{32}/\n", done.stdout)
    assert at_once == [200]
    assert "Ctrl-C ends it" in done.stderr
    said = json.loads(ask("console", "--json").stdout)
    assert said["result"]["url"].startswith("http://127.0.0.1:")


def test_a_port_in_use_and_a_wrong_time_are_sentences(stack, ask):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = ask("console", "--port", str(taken.getsockname()[1]))
    assert done.exit_code == 64
    assert "cannot be used" in done.stderr
    assert "--port" in done.stderr
    assert ask("console", "--since", "yesterday").exit_code == 64
    assert ask("console", "--stack", "other").exit_code == 64


def test_its_statements_of_the_policy_are_enough(stack):
    stack.live("orders", ROUTES)
    stack.asked.clear()
    reply = Answers(stack.app(), 0.0, DAY, Clock())
    for name in ("status", "history", "graph.svg"):
        assert reply.answer(f"api/{name}").status == 200
    assert {one for one in stack.asked if not decide([of_verb("console")], Request(*one)).allowed} == set()
    assert {action.partition(":")[0] for action, _ in stack.asked} == {"cloudformation", "lambda", "vpc-lattice"}


def test_it_asks_for_nothing_that_changes_anything(stack):
    stack.live("orders", ROUTES)
    stack.asked.clear()
    reply = Answers(stack.app(), 0.0, DAY, Clock())
    for name in ("status", "history", "graph.svg"):
        reply.answer(f"api/{name}")
    assert {request["mode"] for _, request in stack.invoked} == {"status", "history"}
    assert {output for output, _ in stack.invoked} == {"QueryFunctionName"}
    assert all(re.match(r"\w[\w-]*:(List|Get|Describe|InvokeFunction)", action) for action, _ in stack.asked)


# In a browser ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def page(tmp_path):
    with opened(tmp_path / "profile") as browser:
        yield browser
        assert browser.complaints == [], "of scripts, and of the Content-Security-Policy"


@pytest.fixture
def live(stack, monkeypatch):
    """The console of ``stack``; ``live.world()`` is the world, in which nothing is read meanwhile."""
    lock = threading.Lock()
    found, invoke = answers.found, stack._invoke

    def locked(call):
        def called(*arguments, **more):
            with lock:
                return call(*arguments, **more)

        return called

    monkeypatch.setattr(answers, "found", locked(found))
    monkeypatch.setattr(stack, "_invoke", locked(invoke))

    @contextlib.contextmanager
    def world():
        with lock:
            yield stack.world

    with serving(stack.app(), every=0.2) as running:
        yield SimpleNamespace(url=running.url, world=world)


def test_a_route_becomes_live_ill_and_well_again_without_a_reload(live, page):
    with live.world() as world:
        world.deploy(world.register({**LABELS, "lattice.ingress": "off", "lattice.health.grace": "600"}))
        world.run(1)
    page.open(live.url)
    page.until_text("#main", "orders")
    page.value("window.sameAsBefore = true")
    with live.world() as world:
        world.run(1200)
    page.until_text("#main", "Live", "2 HEALTHY")
    assert page.value("document.querySelectorAll('#main .good').length") == 1
    page.until("document.getElementById('news').textContent.includes('orders default: Live')")
    with live.world() as world:
        close(world)
        while "UNHEALTHY" not in str(lattice_statuses(world)) or "'HEALTHY'" in str(lattice_statuses(world)):
            world.run(5)
    page.until_text("#main", "Live, with a problem", "UNHEALTHY")
    assert page.value("document.title").startswith("▲ 1 · ")
    page.value("location.hash = 'messages'")
    page.until_text("#main", "No healthy target")
    page.value("location.hash = 'routes'")
    with live.world() as world:
        reopen(world)
        while set(lattice_statuses(world)) != {"HEALTHY"}:
            world.run(5)
    page.until("document.querySelectorAll('#main .good').length === 1")
    page.until("document.title === 'ecs-lattice · ecs-lattice'")
    assert page.value("window.sameAsBefore") is True


def lattice_statuses(world):
    """The statuses of the targets of all groups."""
    groups = world.lattice.list_target_groups()["items"]
    return [
        each["status"]
        for group in groups
        for each in world.lattice.list_targets(targetGroupIdentifier=group["arn"])["items"]
    ]


def test_views_links_filter_and_keys(live, page, stack):
    with live.world():
        for name, labels in (("orders", ROUTES), ("prices", {**LABELS, "lattice.service": "prices"})):
            stack.live(name, {**labels, "lattice.ingress": "off"}, family=name)
    page.emulate(dark=True)
    page.open(live.url)
    page.until_text("#main", "shop/orders", "shop/prices", "2 ECS services, 3 routes")
    assert page.value("getComputedStyle(document.body).backgroundColor") == "rgb(13, 17, 23)"

    page.press("/")
    page.until("document.activeElement.id === 'filter'")
    for letter in "place":
        page.press(letter)
    page.until("location.hash === '#routes?q=place' && document.querySelectorAll('tbody tr').length === 1")
    page.press("Enter")
    page.until("document.activeElement.textContent === 'shop/orders'")
    page.press("Enter")
    page.until_text(
        "#main", "ECS service shop/orders", "POST /orders* on HTTP:80", "Route place of Lattice service orders"
    )
    assert page.value("location.hash") == "#service/shop/orders"
    page.press("Escape")
    page.until("location.hash === '#routes' && document.querySelectorAll('tbody tr').length === 3")
    page.until("document.activeElement.dataset.key === 'shop/orders orders list'")
    page.press("j")
    page.until("document.activeElement.dataset.key === 'shop/orders orders place'")

    page.press("2")
    page.until("document.querySelectorAll('#drawing .node').length === 11")
    assert page.value("getComputedStyle(document.querySelector('#drawing .node rect')).fill") == "rgb(21, 27, 35)"
    page.open(f"{live.url}#history?q=create%20rule")
    page.until_text("#main", "create rule orders-", "because: ")
    page.press("4")
    page.until_text("#main", "There are no messages")
    page.press("?")
    page.until("document.getElementById('help').open")


def test_what_aws_says_is_shown_with_the_age_of_what_was_read(live, page, stack):
    with live.world():
        stack.live("orders")
    page.open(live.url)
    page.until_text("#main", "shop/orders")
    stack.denied.add("lambda:InvokeFunction")
    said = page.until_text("#error", "AWS denied lambda:InvokeFunction", "What is shown was read")
    assert "docs/command.md#permissions" in said
    page.until_text("#main", "shop/orders")
    stack.denied.clear()
    page.until("document.getElementById('error').hidden")


def test_text_of_others_is_text(page):
    stack = Scripted()
    evil = "<img src=x onerror=alert(1)>"
    problem = {
        "code": "BAD_VALUE",
        "message": evil,
        "key": evil,
        "value": evil,
        "where": evil,
        "command": evil,
        "isProblem": True,
    }
    service = {
        "arn": f"arn:aws:ecs:us-east-1:1:service/shop/{evil}",
        "revision": evil,
        "problems": [problem],
        "routes": [],
    }
    stack.said = {
        **stack.said,
        "stack": {"owner": evil, "version": evil, "labelPrefix": "lattice", "isUninstalling": False},
        "ecsServices": [service],
    }
    with serving(scripted_app(stack)) as server:
        for view in ("routes", "messages", f"service/shop/{evil}", "history?q=%E0%A4%A"):
            page.open(f"{server.url}#{view}")
            page.until("document.getElementById('stack').textContent.startsWith('<img')")
            assert page.value("document.images.length") == 0


def test_a_console_that_has_ended_is_told(page, scripted):
    scripted.said = {
        **scripted.said,
        "stack": {"owner": "ecs-lattice", "version": "0.1.0", "labelPrefix": "lattice", "isUninstalling": False},
    }
    with serving(scripted_app(scripted), every=0.2) as server:
        page.open(server.url)
        page.until_text("#main", "knows no ECS service with labels", "lattice.service")
    page.until_text("#error", "The console has ended", "What is shown was read")
    page.complaints.clear()  # that the connection was refused
