"""who: the rule that answers a request on the local AWS, whose it is, and why the others do not."""

import json
import re
from itertools import product

import boto3
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ecs_lattice_cli.lattice import Rule
from ecs_lattice_cli.requests import request_of
from ecs_lattice_cli.verbs import who
from local_aws import lattice
from local_aws.iam.evaluation import Request as IamRequest
from local_aws.iam.evaluation import decide
from local_aws.lattice.routing import ListenerRoutes, RuleRoute, choose
from local_aws.network import Request
from tests.cli.test_docs import of_verb
from tests.histories.labels import LABELS

ORDERS = {key: value for key, value in LABELS.items() if key != "lattice.path.prefix"} | {
    "lattice.routes.list.path.prefix": "/orders",
    "lattice.routes.one.path.exact": "/orders/7",
    "lattice.routes.place.path.prefix": "/orders",
    "lattice.routes.place.method": "POST",
    "lattice.routes.test.path.prefix": "/orders",
    "lattice.routes.test.header.x-environment": "test",
}
RETURNS = LABELS | {"lattice.service": "orders", "lattice.path.prefix": "/returns"}


@pytest.fixture
def shop(stack):
    """A Lattice service with an exact path, a header, a method and a prefix; its default action answers 404."""
    stack.live("orders", ORDERS)
    return stack


def settled(text):
    """Printed text without the ids that are drawn anew in each run."""
    return re.sub(r"-[a-z2-7]{13}\b", "-ID", re.sub(r"tg-[0-9a-f]+", "tg-ID", text))


def client():
    return boto3.client("vpc-lattice")


def domain():
    (service,) = client().list_services()["items"]
    return service["dnsEntry"]["domainName"]


def rules_and_reasons(done):
    """Priority to the kinds of reasons of the rules that do not answer, None for the default action."""
    others = json.loads(done.stdout)["result"]["others"]
    return {rule["priority"]: [reason["kind"] for reason in rule["reasons"]] for rule in others}


def test_the_exact_path_answers_and_each_other_rule_says_why_it_does_not(shop, ask):
    done = ask("who", "/orders/7", "--service", "orders")
    assert (done.exit_code, done.stderr) == (0, "")
    assert settled(done.stdout) == (
        "GET /orders/7 on HTTP:80 of Lattice service orders\n"
        "\n"
        "Answered by rule orders-one-ID, priority 400: /orders/7\n"
        "  SHARE  ECS SERVICE  ROUTE  TARGETS    TARGET GROUP\n"
        "  100 %  shop/orders  one    2 HEALTHY  tg-ID\n"
        "\n"
        "Not by:\n"
        "  PRIORITY  ECS SERVICE  ROUTE  WHY NOT\n"
        "  800       shop/orders  test   /orders* x-environment=test: header x-environment is missing\n"
        "  1200      shop/orders  place  POST /orders*: the method differs\n"
        "  1600      shop/orders  list   /orders*: it matches, too, but comes later\n"
        "  default   -            -      it matches, too, but comes later\n"
        "\n"
        "Next: ecs-lattice status shop/orders\n"
    )


def test_a_method_and_a_header_lead_to_their_rules(shop, ask):
    posted = ask("who", "/orders/8", "-X", "post", "-H", "X-Environment: prod", "--service", "orders")
    assert "\nAnswered by rule orders-place-ID, priority 1200: POST /orders*\n" in settled(posted.stdout)
    assert "test   /orders* x-environment=test: header x-environment is 'prod'\n" in posted.stdout
    tested = ask("who", "/orders/8?page=1", "-H", "x-environment:TEST", "--service", "orders")
    assert "\nAnswered by rule orders-test-ID, priority 800: /orders* x-environment=test\n" in settled(tested.stdout)
    assert "one    /orders/7: the path differs\n" in tested.stdout


def test_what_no_rule_takes_gets_the_404_of_the_default_action_and_exit_code_1(shop, ask):
    done = ask("who", "/else", "--service", "orders")
    assert done.exit_code == 1
    assert done.stdout.startswith(
        "GET /else on HTTP:80 of Lattice service orders\n"
        "\n"
        "Answered by the default action of the listener\n"
        "  It answers 404; no ECS service gets the request.\n"
        "\n"
    )
    assert "Next:" not in done.stdout
    assert rules_and_reasons(ask("who", "/else", "--service", "orders", "--json")) == {
        400: ["path"], 800: ["path", "header"], 1200: ["method", "path"], 1600: ["path"],
    }  # fmt: skip


def test_a_parked_rule_says_so_with_the_match_that_it_is_to_get(shop, ask):
    world = shop.world
    world.deploy(world.register(RETURNS, "returns"), name="returns")
    while not any("returns" in rule for rule in _names()):
        world.run(5)
    done = ask("who", "/returns/1", "--service", "orders")
    assert done.exit_code == 1
    assert re.search(r"shop/returns  default  /returns\*: parked until its targets can answer\n", done.stdout)
    world.run(1200)
    assert ask("who", "/returns/1", "--service", "orders").stdout.endswith("Next: ecs-lattice status shop/returns\n")


def _names():
    (service,) = client().list_services()["items"]
    (listener,) = client().list_listeners(serviceIdentifier=service["id"])["items"]
    rules = client().list_rules(serviceIdentifier=service["id"], listenerIdentifier=listener["id"])["items"]
    return [rule["name"] for rule in rules]


def test_a_shared_match_shows_each_ones_share(stack, ask):
    for name, weight in (("first", "75"), ("second", "25")):
        stack.live(name, LABELS | {"lattice.weight": weight}, family=name)
    done = ask("who", "/orders", "--service", "orders")
    assert done.exit_code == 0
    rows = [line.split()[:4] for line in done.stdout.splitlines() if " % " in line]
    assert sorted(rows) == [["25", "%", "shop/second", "default"], ["75", "%", "shop/first", "default"]]


def test_a_group_without_a_target_that_can_answer_is_a_problem(shop, ask):
    shop.world.ecs.update_service(cluster="shop", service="orders", desiredCount=0)
    shop.world.run(600)
    done = ask("who", "/orders", "--service", "orders")
    assert done.exit_code == 1
    assert "  Not every share has a target that can answer: requests fail.\n" in done.stdout


def test_a_url_finds_the_lattice_service_by_its_domain_name_and_the_listener_by_its_port(stack, ask):
    stack.live("orders", ORDERS | {"lattice.listener": "HTTP:80 HTTP:8080"})
    first = ask("who", f"http://{domain().upper()}/orders/7?x=1#top")
    assert first.stdout.startswith("GET /orders/7 on HTTP:80 of Lattice service orders\n")
    assert "\nIt also listens on HTTP:8080: write a URL with the port to ask about that.\n" in first.stdout
    other = ask("who", f"http://{domain()}:8080")
    assert other.stdout.startswith("GET / on HTTP:8080 of Lattice service orders\n")
    closed = ask("who", f"https://{domain()}/orders")
    assert closed.exit_code == 64
    assert closed.stderr == (
        "Error: Lattice service orders has no listener on port 443, so connections to it are refused; it has HTTP:80, HTTP:8080.\n"
    )


def test_a_custom_domain_name_is_found_also_by_a_wildcard_and_an_exact_one_wins(stack, ask):
    stack.live("orders", LABELS)
    made = {}
    for name, custom in (("wild", "*.example.com"), ("exact", "a.example.com")):
        made[name] = client().create_service(name=name, customDomainName=custom)["id"]
        action = {"fixedResponse": {"statusCode": 404}}
        client().create_listener(
            serviceIdentifier=made[name], name="web", protocol="HTTP", port=80, defaultAction=action
        )
    stack.world.run(60)
    for host, name in (("b.example.com", "wild"), ("a.example.com", "exact"), ("a.example.com.", "exact")):
        assert ask("who", f"http://{host}/").stdout.startswith(f"GET / on HTTP:80 of Lattice service {name}\n")
    unknown = ask("who", "http://b.a.example.com/")
    assert unknown.exit_code == 64
    assert "No Lattice service in Region us-east-1 has the domain name b.a.example.com; did you mean" in unknown.stderr
    assert ask("who", "http://elsewhere.test/orders", "--service", made["wild"]).exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/orders"], "/orders names no Lattice service: write --service"),
        (["/orders", "--service", "ordres"], "has the name ordres; did you mean orders?"),
        (["orders/7", "--service", "orders"], "neither a path nor a URL"),
        (["ftp://orders/7"], "neither a path nor a URL"),
        (["http://orders:port/7"], "is no URL: "),
        (["http://[orders/7"], "is no URL: "),
        (["/orders", "-H", "colour", "--service", "orders"], "'colour' is no header. Write name:value"),
        (["/orders", "-H", "a:1", "-H", "A:2", "--service", "orders"], "Header a is there twice."),
        (["/orders", "-X", "GET /", "--service", "orders"], "'GET /' is no HTTP method."),
    ],
)
def test_what_cannot_be_asked_says_what_can(shop, ask, arguments, said):
    done = ask("who", *arguments)
    assert (done.exit_code, done.stdout) == (64, "")
    assert said in done.stderr


def test_its_statement_of_the_policy_is_enough_and_what_is_denied_is_named(shop, ask):
    shop.asked.clear()
    assert ask("who", "/orders", "--service", "orders").exit_code == 0
    assert {one for one in shop.asked if not decide([of_verb("who")], IamRequest(*one)).allowed} == set()
    for action in ("ListServices", "ListListeners", "ListRules", "GetRule", "ListTargets"):
        shop.denied = {f"vpc-lattice:{action}"}
        assert f"vpc-lattice:{action}" in {asked for asked, _ in shop.asked}
        done = ask("who", "/orders", "--service", "orders")
        assert done.exit_code == 69
        assert f"AWS denied vpc-lattice:{action}" in done.stderr


def test_a_line_keeps_to_80_columns(shop, ask, monkeypatch):
    monkeypatch.setattr("ecs_lattice_cli.output.width", lambda: 80)
    for path in ("/orders/7", "/else"):
        assert max(map(len, ask("who", path, "--service", "orders").stdout.splitlines())) <= 80


# The local AWS's data plane decides which rule a request meets: the command has to say the same.

TEXTS = ("/orders", "/orders/7", "/ORDERS", "/o", "/", "/orders/7/lines", "/straße")
METHODS = ("GET", "POST", "DELETE")
VALUES = ("test", "Test", "testing", "a test", "", "prod")
NAMES = ("x-environment", "X-Tenant")
MATCHES = st.fixed_dictionaries(
    {},
    optional={
        "method": st.sampled_from(METHODS),
        "pathMatch": st.builds(
            lambda kind, text, case: {"match": {kind: text}, "caseSensitive": case},
            st.sampled_from(("exact", "prefix")), st.sampled_from(TEXTS), st.booleans(),
        ),
        "headerMatches": st.lists(
            st.builds(
                lambda name, kind, text, case: {"name": name, "match": {kind: text}, "caseSensitive": case},
                st.sampled_from(NAMES), st.sampled_from(("exact", "prefix", "contains")), st.sampled_from(VALUES), st.booleans(),
            ),
            min_size=1, max_size=3,
        ),
    },
).filter(bool)  # fmt: skip
REQUESTS = st.tuples(
    st.sampled_from(TEXTS), st.sampled_from(METHODS), st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES))
)


def cased(kind, text):
    return [{"headerMatches": [{"name": "x-environment", "match": {kind: text}, "caseSensitive": True}]}]


@settings(suppress_health_check=[HealthCheck.too_slow])
@example(cased("exact", "test"), ("/", "GET", {"X-Environment": "Test"}))
@example(cased("prefix", "test"), ("/", "GET", {"X-Environment": "Testing"}))
@example(cased("contains", "est"), ("/", "GET", {"X-Environment": "a tEst"}))
@example(cased("contains", "est"), ("/", "GET", {"X-Environment": "a test"}))
@given(st.lists(MATCHES, max_size=8), REQUESTS)
def test_of_any_rules_the_one_answers_that_the_data_plane_uses(matches, drawn):
    path, method, headers = drawn
    rules = [Rule(str(n), str(n), n + 1, {"httpMatch": http}, {}) for n, http in enumerate(matches)]
    rules.append(Rule("default", "default", None, None, {}))
    routes = tuple(RuleRoute(rule.arn, rule.match, (), 404) for rule in rules)
    asked = request_of(path, method, [f"{name}:{value}" for name, value in headers.items()])
    answering, others = who.judged(rules, asked)
    chosen = choose(ListenerRoutes("listener", "HTTP", 80, routes), Request(method, path, headers))
    assert answering.arn == chosen.id
    assert [rule.arn for rule, _ in others] == [rule.arn for rule in rules if rule is not answering]
    earlier = others[: rules.index(answering)]
    assert all("later" not in {reason.kind for reason in reasons} for _, reasons in earlier)


def test_on_the_local_aws_the_answer_is_the_rule_that_the_data_plane_uses(shop, ask):
    (service,) = client().list_services()["items"]
    plane = lattice.backend().data_plane
    seen = set()
    for path, method, value in product(("/orders", "/orders/7", "/Orders/7", "/orders/8?x=/y", "/"), METHODS, VALUES):
        done = ask("who", path, "-X", method, "-H", f"x-environment:{value}", "--service", "orders", "--json")
        rule = json.loads(done.stdout)["result"]["answeredBy"]
        decision = plane.decide(service["id"], 80, Request(method, path, {"X-Environment": value}))
        assert rule["arn"].rpartition("/")[2] == decision.rule_id
        assert [group["id"] for group in rule["targetGroups"]] == ([decision.group.id] if decision.group else [])
        seen.add(rule["priority"])
    assert seen == {400, 800, 1200, 1600, None}
