"""What is refused, and what beside it is allowed: each rule from both sides."""

from dataclasses import replace

import pytest

from ecs_lattice.declaration import Bounds, declare
from ecs_lattice.facts import ContainerDefinition, PortMapping, TaskDefinition
from ecs_lattice.model import Match, PathMatch
from tests.core.declaring import ADMIN, CERTIFICATE, SYSLOG, WEB, codes, refused, route, routes

MINIMUM = "service = orders\nport = web"
DOMAIN = f"domain = orders.example.com\ncertificate = {CERTIFICATE}"
TLS = "service = raw\nport = web\nlistener = TLS_PASSTHROUGH:443\ndomain = raw.example.com"
TWO = "service = orders\nroutes.a.port = web\nroutes.b.port = admin"


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("servce", "lattice.service"),
        ("health.pth", "lattice.health.path"),
        ("interval", "lattice.health.interval"),
        ("path", "lattice.path.prefix"),
        ("headers.x-tenant", "lattice.header.x-tenant"),
        ("header", "lattice.header.<name>"),
        ("routs.api.port", "lattice.routes.api.port"),
        ("routes.api.prot", "lattice.routes.api.port"),
        ("routes.api", "lattice.routes.api.<key>"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_one(key, nearest):
    (problem,) = [one for one in refused(f"{MINIMUM}\n{key} = 1") if one.code == "UNKNOWN_KEY"]
    assert problem.key == f"lattice.{key}"
    assert nearest in problem.message


def test_an_unknown_key_that_is_near_to_nothing_is_refused_with_the_list():
    (problem,) = refused(f"{MINIMUM}\nzzzz = 1")
    assert "path.prefix" in problem.message
    assert "idle-timeout" in problem.message


def test_a_misspelt_key_is_not_reported_as_missing_too():
    assert codes("servce = orders\nport = web") == ["UNKNOWN_KEY"]


@pytest.mark.parametrize("name", ["-api", "_api", "a" * 33, "a b", "ä"])
def test_a_bad_route_name_is_refused(name):
    assert "BAD_ROUTE_NAME" in codes(f"{MINIMUM}\nroutes.{name}.weight = 1")


@pytest.mark.parametrize("name", ["api", "a", "1", "a" * 32, "a-b_c"])
def test_a_good_route_name_is_not(name):
    assert list(routes(f"{MINIMUM}\nroutes.{name}.weight = 1")) == [name]


@pytest.mark.parametrize("name", ["a b", "ecs-lattice-parked", "x" * 101, "a:b"])
def test_a_bad_header_name_is_refused(name):
    assert "BAD_HEADER_NAME" in codes(f"{MINIMUM}\nheader.{name} = 1")


def test_a_header_name_may_have_a_dot():
    assert route(f"{MINIMUM}\nheader.a.b = 1").match.headers[0].name == "a.b"


def test_remove_needs_a_routes_name():
    assert codes(f"{MINIMUM}\nremove = true") == ["NAMED_ONLY"]


def test_keys_without_a_service_are_refused():
    (problem,) = refused("port = web")
    assert (problem.code, problem.key) == ("NO_SERVICE", "lattice.service")


def test_each_route_needs_a_service():
    (problem,) = refused("routes.a.service = orders\nroutes.a.port = web\nroutes.b.port = admin")
    assert (problem.code, problem.key) == ("NO_SERVICE", "lattice.routes.b.service")


@pytest.mark.parametrize("name", ["or", "Orders", "svc-orders", "or--ders", "-orders", "orders-", "o" * 41, "or_ders"])
def test_a_name_that_lattice_does_not_take_is_refused(name):
    assert codes(f"service = {name}\nport = web") == ["BAD_SERVICE_NAME"]


def test_the_stacks_prefix_counts_in_the_name():
    (problem,) = refused(f"service = {'o' * 38}\nport = web", bounds=Bounds(name_prefix="dev-"))
    assert f"dev-{'o' * 38}" in problem.message
    assert route("service = o\nport = web", bounds=Bounds(name_prefix="dev-")).lattice_service == "dev-o"


def test_a_port_that_the_task_definition_has_not_is_refused_with_those_it_has():
    (problem,) = refused("service = orders\nport = http")
    assert problem.code == "PORT_UNKNOWN"
    assert "admin, web" in problem.message


def test_a_port_number_is_answered_with_the_ports_name():
    (problem,) = refused("service = orders\nport = 8080")
    assert problem.code == "PORT_UNKNOWN"
    assert "Port 8080 is called web" in problem.message


def test_several_named_ports_and_none_written_is_refused():
    (problem,) = refused("service = orders")
    assert (problem.code, problem.key) == ("PORT_MISSING", "lattice.port")
    assert "admin, web" in problem.message


def test_no_named_port_is_refused():
    assert codes("service = orders", ports=[]) == ["PORT_UNNAMED"]


def test_a_udp_port_is_refused():
    assert codes("service = orders\nport = syslog", ports=[WEB, SYSLOG]) == ["PORT_UDP"]
    assert codes("service = orders", ports=[SYSLOG]) == ["PORT_UDP"]


def test_two_paths_on_one_route_are_refused():
    assert codes(f"{MINIMUM}\npath.prefix = /a\npath.exact = /b") == ["TWO_PATHS"]


def test_five_headers_are_allowed_and_six_are_not():
    five = "\n".join(f"header.h{number} = 1" for number in range(5))
    assert len(route(f"{MINIMUM}\n{five}").match.headers) == 5
    assert codes(f"{MINIMUM}\n{five}\nheader-prefix.h9 = 1") == ["TOO_MANY_HEADERS"]


@pytest.mark.parametrize("text", ["path.case-sensitive = false", "priority = 10", f"certificate = {CERTIFICATE}"])
def test_a_key_without_what_it_belongs_to_is_refused(text):
    assert codes(f"{MINIMUM}\n{text}") == ["NO_EFFECT"]


def test_an_inherited_priority_without_match_is_no_problem():
    found = routes(
        "service = orders\npriority = 3\nroutes.a.port = web\nroutes.b.port = admin\nroutes.b.path.exact = /b"
    )
    assert found["b"].priority == 3


@pytest.mark.parametrize(
    "text",
    ["path.prefix = /a", "method = GET", "header.a = b", "priority = 1", "weight = 1", "protocol-version = HTTP1"],
)
def test_tls_passthrough_with_what_it_cannot_see_is_refused(text):
    assert codes(f"{TLS}\n{text}") == ["TLS_PASSTHROUGH"]


def test_tls_passthrough_alone_is_allowed():
    assert route(TLS).protocol == "TCP"
    assert route(f"{TLS}\nprotocol = TCP\nauth = none\nhealth.path = /x").health.enabled


def test_tls_passthrough_without_domain_is_refused():
    (problem,) = refused(f"{MINIMUM}\nlistener = TLS_PASSTHROUGH:443")
    assert (problem.code, problem.key) == ("DOMAIN_MISSING", "lattice.domain")


def test_tls_passthrough_needs_no_certificate():
    assert route(TLS).certificate is None


@pytest.mark.parametrize("protocol", ["HTTP", "HTTPS"])
def test_tls_passthrough_to_http_targets_is_refused(protocol):
    assert codes(f"{TLS}\nprotocol = {protocol}") == ["PROTOCOL_MISMATCH"]


@pytest.mark.parametrize("listener", ["HTTP:80", "HTTPS:443"])
def test_tcp_targets_behind_anything_but_tls_passthrough_are_refused(listener):
    assert codes(f"{MINIMUM}\nprotocol = TCP\nlistener = {listener}") == ["PROTOCOL_MISMATCH"]


def test_tls_passthrough_and_https_on_one_route_are_refused():
    text = f"{MINIMUM}\n{DOMAIN}\nlistener = TLS_PASSTHROUGH:443 HTTPS:8443"
    assert codes(text) == ["PROTOCOL_MISMATCH"]


@pytest.mark.parametrize("version", ["HTTP2", "GRPC"])
def test_http2_needs_https(version):
    assert codes(f"{MINIMUM}\nprotocol-version = {version}\nlistener = HTTP:80 HTTPS:443") == ["HTTPS_NEEDED"]
    assert route(f"{MINIMUM}\nprotocol-version = {version}").protocol_version == version


def test_grpc_is_post():
    grpc = f"{MINIMUM}\nprotocol-version = GRPC"
    assert codes(f"{grpc}\nmethod = GET") == ["GRPC_METHOD"]
    assert route(f"{grpc}\nmethod = POST\npath.prefix = /orders.v1").match.method == "POST"


def test_https_with_a_domain_needs_a_certificate():
    (problem,) = refused(f"{MINIMUM}\ndomain = orders.example.com")
    assert (problem.code, problem.key) == ("CERTIFICATE_MISSING", "lattice.certificate")
    assert route(f"{MINIMUM}\n{DOMAIN}").certificate == CERTIFICATE


def test_http_with_a_domain_needs_none():
    assert route(f"{MINIMUM}\ndomain = orders.example.com\nlistener = HTTP:80").certificate is None


def test_a_certificate_of_another_region_is_refused():
    text = f"{MINIMUM}\n{DOMAIN}".replace("us-east-1", "eu-west-1")
    (problem,) = refused(text)
    assert problem.code == "CERTIFICATE_REGION"
    assert "us-east-1" in problem.message


def test_a_label_may_not_loosen_the_minimum_of_auth_but_tighten_it():
    assert codes(f"{MINIMUM}\nauth = none", bounds=Bounds(minimum_auth="iam")) == ["AUTH_BELOW_MINIMUM"]
    assert route(f"{MINIMUM}\nauth = iam", bounds=Bounds(minimum_auth="none")).auth == "AWS_IAM"
    assert route(f"{MINIMUM}\nauth = iam", bounds=Bounds(minimum_auth="iam")).auth == "AWS_IAM"
    assert route(f"{MINIMUM}\nauth = none").auth == "NONE"


def test_tls_passthrough_with_auth_is_refused():
    assert codes(f"{TLS}\nauth = iam") == ["AUTH_NOT_POSSIBLE"]
    assert codes(TLS, bounds=Bounds(minimum_auth="iam")) == ["AUTH_NOT_POSSIBLE"]


def test_networks_outside_the_allowed_ones_are_one_problem_that_names_them():
    bounds = Bounds(allowed_networks=("team-*",), default_networks=("platform",))
    problems = refused(f"{MINIMUM}\nnetwork = team-a platform secret other", bounds=bounds)
    assert [problem.code for problem in problems] == ["NETWORK_NOT_ALLOWED"]
    assert problems[0].message == "other, secret are not allowed here; allowed (parameter AllowedNetworks): team-*."
    assert route(f"{MINIMUM}\nnetwork = team-a platform", bounds=bounds).networks == ("platform", "team-a")
    assert route(MINIMUM, bounds=bounds).networks == ("platform",)


def test_without_allowed_networks_every_network_is():
    assert route(f"{MINIMUM}\nnetwork = any").networks == ("any",)


def test_a_domain_outside_the_allowed_ones_is_refused():
    bounds = Bounds(allowed_domains=("*.Example.com",))
    assert route(f"{MINIMUM}\n{DOMAIN}", bounds=bounds).domain == "orders.example.com"
    assert codes(f"{MINIMUM}\n{DOMAIN.replace('example', 'evil')}", bounds=bounds) == ["DOMAIN_NOT_ALLOWED"]


@pytest.mark.parametrize("controller", ["CODE_DEPLOY", "EXTERNAL"])
def test_ecs_cannot_attach_under_another_deployment_controller(controller):
    assert codes(f"{MINIMUM}\ntargets = ecs", controller=controller) == ["TARGETS_NOT_POSSIBLE"]
    assert route(f"{MINIMUM}\ntargets = controller", controller=controller).targets == "controller"
    assert route(MINIMUM, controller=controller).targets is None


def test_ecs_can_attach_under_its_own_controller():
    assert route(f"{MINIMUM}\ntargets = ecs").targets == "ecs"


def test_two_listeners_of_one_service_on_one_port_are_refused():
    assert codes(f"{TWO}\nroutes.a.listener = HTTP:443") == ["LISTENER_CLASH"]
    assert codes(f"{MINIMUM}\nlistener = HTTP:443 HTTPS:443") == ["LISTENER_CLASH"]


def test_two_services_may_use_one_port_each():
    assert len(routes(f"{TWO}\nroutes.a.listener = HTTP:443\nroutes.b.service = other")) == 2


def test_two_listeners_are_allowed_and_three_are_not():
    assert len(route(f"{MINIMUM}\nlistener = HTTP:80 HTTPS:443").listeners) == 2
    (problem,) = refused(f"{MINIMUM}\nlistener = HTTP:80 HTTPS:443 HTTPS:8443")
    assert problem.code == "TOO_MANY_LISTENERS"
    assert "3 listeners" in problem.message


def test_listeners_count_over_all_routes_of_a_service():
    text = f"{TWO}\nroutes.a.listener = HTTP:80 HTTP:81\nroutes.b.listener = HTTP:82"
    assert codes(text) == ["TOO_MANY_LISTENERS"]
    assert len(routes(text, bounds=Bounds(listeners_per_service=3))) == 2
    assert len(routes(f"{text}\nroutes.b.service = other")) == 2


def test_two_routes_with_one_match_are_refused():
    (problem,) = refused(f"{TWO}\npath.prefix = /a")
    assert problem.code == "SAME_MATCH"
    assert "a, b" in problem.message


def test_one_clash_on_two_listeners_is_said_once():
    assert codes(f"{TWO}\nlistener = HTTP:80 HTTPS:443") == ["SAME_MATCH"]


def test_two_routes_without_match_are_refused():
    assert codes(TWO) == ["SAME_MATCH"]


@pytest.mark.parametrize(
    "text",
    [
        "routes.a.path.prefix = /a\nroutes.b.path.prefix = /b",
        "routes.a.path.prefix = /a\nroutes.b.path.exact = /a",
        "routes.a.path.prefix = /a\nroutes.b.path.prefix = /A",
        "routes.a.method = GET\nroutes.b.method = POST",
        "routes.a.header.x = 1\nroutes.b.header-prefix.x = 1",
        "routes.a.listener = HTTP:80\nroutes.b.listener = HTTPS:443",
        "routes.a.service = other",
        "weight = 10",
    ],
)
def test_different_matches_listeners_services_or_weights_are_allowed(text):
    assert len(routes(f"{TWO}\n{text}")) == 2


@pytest.mark.parametrize(
    "text",
    [
        "path.case-sensitive = false\nroutes.a.path.exact = /a\nroutes.b.path.exact = /A",
        "routes.a.header.x = Blue\nroutes.b.header.X = blue",
        "path.prefix = /a\nroutes.a.weight = 10",
        "path.prefix = /a\nroutes.a.listener = HTTP:80 HTTPS:443",
        "routes.a.path.prefix = /",
        "routes.a.path.prefix = /\nroutes.a.priority = 7\nroutes.b.path.prefix = /\nroutes.b.path.case-sensitive = false",
        "method = GET\nroutes.a.path.prefix = /",
        "header.x = 1\nroutes.b.path.prefix = /",
        "path.prefix = /2026/\nroutes.a.path.case-sensitive = false",
        "routes.a.path.prefix = /\nroutes.a.weight = 10",
    ],
)
def test_matches_that_take_the_same_requests_are_the_same(text):
    assert codes(f"{TWO}\n{text}") == ["SAME_MATCH"]


def test_all_spellings_of_a_match_are_named():
    (problem,) = refused(f"{TWO}\nroutes.a.path.prefix = /")
    assert "routes a, b want the same requests (/*, everything else) on HTTPS:443" in problem.message


def test_spellings_of_a_match_can_share_it():
    assert len(routes(f"{TWO}\nroutes.a.path.prefix = /\nweight = 10")) == 2


def test_routes_that_were_accepted_with_two_spellings_of_a_match_stay_so():
    text = f"{TWO}\nroutes.a.path.prefix = /"
    a, b = routes(f"{text}\nroutes.b.path.prefix = /b").values()
    b = replace(b, match=None)
    assert a.match == Match(PathMatch("prefix", "/", True))
    assert len(routes(text, standing=(a, b))) == 2
    assert codes(text, standing=(a,)) == ["SAME_MATCH"]
    assert codes(text, standing=(a, replace(b, match=Match(method="GET")))) == ["SAME_MATCH"]
    assert codes(f"{text}\nroutes.c.port = web", standing=(a, b)) == ["SAME_MATCH"]


def test_one_priority_for_everything_and_for_another_match_is_refused():
    text = "routes.a.path.prefix = /\nroutes.b.path.prefix = /b\nroutes.a.priority = 5\nroutes.b.priority = 5"
    assert codes(f"{TWO}\n{text}") == ["SAME_PRIORITY"]


def test_shares_of_one_port_are_refused():
    assert codes("service = orders\nport = web\nroutes.a.weight = 1\nroutes.b.weight = 2") == ["SAME_MATCH"]


def test_shares_that_are_all_zero_are_refused():
    assert codes(f"{TWO}\nweight = 0") == ["WEIGHTS_ZERO"]
    assert len(routes(f"{TWO}\nweight = 0\nroutes.a.weight = 1")) == 2


def test_a_single_share_of_zero_is_allowed_for_others_may_have_the_rest():
    assert route(f"{MINIMUM}\nweight = 0").weight == 0


def test_two_rules_with_one_priority_are_refused():
    text = f"{TWO}\npriority = 5\nroutes.a.path.exact = /a\nroutes.b.path.exact = /b"
    assert codes(text) == ["SAME_PRIORITY"]
    assert len(routes(f"{text}\nroutes.a.priority = 6")) == 2
    assert len(routes(f"{text}\nroutes.a.listener = HTTP:80")) == 2


def test_shares_of_one_rule_have_one_priority():
    text = f"{TWO}\npath.exact = /a\nweight = 1\nroutes.a.priority = 5"
    assert codes(f"{text}\nroutes.b.priority = 6") == ["SAME_PRIORITY"]
    assert len(routes(f"{text}\nroutes.b.priority = 5")) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("domain = a.example.com", "domain = b.example.com"),
        ("auth = iam", "auth = none"),
        ("idle-timeout = 60", "idle-timeout = 61"),
    ],
)
def test_routes_of_one_service_have_one_value_for_what_is_the_services(one, other):
    text = f"{TWO}\nlistener = HTTP:80\nroutes.a.path.exact = /a\nroutes.a.{one}\nroutes.b.{other}"
    (problem,) = refused(text)
    assert problem.code == "ROUTES_DISAGREE"
    assert f"lattice.routes.a.{one}" in problem.message
    assert len(routes(f"{text}\nroutes.b.service = other")) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("health.path = /a", "health.path = /b"),
        ("health.interval = 10", "health.interval = 20"),
        ("protocol = HTTP", "protocol = HTTPS"),
        ("protocol-version = HTTP1", "protocol-version = HTTP2"),
        ("targets = ecs", "targets = controller"),
    ],
)
def test_routes_of_one_port_on_one_service_have_one_value_for_what_is_the_ports(one, other):
    text = f"{TWO}\nroutes.a.path.exact = /a\nroutes.a.{one}\nroutes.b.{other}"
    assert codes(f"{text}\nroutes.b.port = web".replace("routes.b.port = admin\n", "")) == ["ROUTES_DISAGREE"]
    assert len(routes(text)) == 2


def test_one_port_cannot_be_tcp_and_http_on_one_service():
    text = f"""
        service = orders
        port = web
        {DOMAIN.replace(chr(10), chr(10) + "        ")}
        routes.a.listener = TLS_PASSTHROUGH:443
        routes.b.listener = HTTP:80
        """
    assert codes(text) == ["ROUTES_DISAGREE"]


def many(count, extra=""):
    return "port = web\n" + "\n".join(f"routes.r{number}.service = orders-{number}" for number in range(count)) + extra


def test_five_target_groups_are_allowed_and_six_are_not():
    assert len(routes(many(5))) == 5
    (problem,) = refused(many(6))
    assert problem.code == "TOO_MANY_TARGET_GROUPS"
    assert "web on orders-5" in problem.message


def test_many_routes_of_one_port_on_one_service_are_one_target_group():
    text = "\n".join(f"routes.r{number}.path.exact = /{number}" for number in range(9))
    assert len(routes(f"{MINIMUM}\n{text}")) == 9


def test_the_limit_of_five_is_ecss_own():
    assert len(routes(many(6, "\ntargets = controller"))) == 6
    assert len(routes(many(6), controller="EXTERNAL")) == 6


def test_all_problems_are_reported_together():
    found = codes(
        """
        service = Orders
        port = nowhere
        weight = 1000
        nonsense = 1
        listener = FTP:21
        routes.a.path.exact = a
        routes.-.port = web
        """
    )
    assert sorted(found) == [
        "BAD_ROUTE_NAME",
        "BAD_SERVICE_NAME",
        "BAD_VALUE",
        "BAD_VALUE",
        "BAD_VALUE",
        "PORT_UNKNOWN",
        "UNKNOWN_KEY",
    ]


def test_nothing_is_concluded_from_a_value_that_was_refused():
    assert codes(f"{MINIMUM}\nlistener = nonsense\nprotocol = TCP") == ["BAD_VALUE"]
    assert codes(f"{TWO}\nroutes.a.path.exact = nonsense") == ["BAD_VALUE"]
    assert codes(f"{MINIMUM}\ndomain = orders.example.com\ncertificate = nonsense") == ["BAD_VALUE"]


def test_one_mistake_that_several_routes_inherit_is_said_once():
    text = "service = orders\nport = nowhere\nroutes.a.path.exact = /a\nroutes.b.path.exact = /b"
    assert codes(text, ports=[WEB, ADMIN]) == ["PORT_UNKNOWN"]


def test_a_problem_in_a_tag_says_that_it_is_a_tag():
    (problem,) = refused(MINIMUM, "weight = many")
    assert (problem.key, problem.value, problem.where) == ("lattice.weight", "many", "tag of the ECS service")
    assert "from 0 to 999" in problem.message


def test_a_problem_in_a_label_names_container_and_revision():
    (problem,) = refused(f"{MINIMUM}\nweight = many")
    assert problem.where == "docker label of container app in orders:7"


@pytest.mark.parametrize("path", ["/orders?page=1", "/a#top", "/?", "/a/#"])
@pytest.mark.parametrize("key", ["path.prefix", "path.exact"])
def test_a_path_that_no_request_can_have_is_refused_where_it_was_not_accepted_before(key, path):
    text = f"{MINIMUM}\n{key} = {path}"
    (problem,) = refused(text)
    assert (problem.code, problem.key, problem.value) == ("PATH_WITH_QUERY", f"lattice.{key}", path)
    assert "the path alone" in problem.message
    accepted = replace(route(f"{MINIMUM}\n{key} = /x"), match=Match(PathMatch(key.removeprefix("path."), path, True)))
    assert route(text, standing=[accepted]).match == accepted.match
    assert codes(f"{MINIMUM}\n{key} = {path}x", standing=[accepted]) == ["PATH_WITH_QUERY"]
    assert codes(text.replace("= orders", "= other"), standing=[accepted]) == ["PATH_WITH_QUERY"]


def test_a_path_of_health_checks_may_have_a_query():
    assert route(f"{MINIMUM}\nhealth.path = /healthz?deep=1#x").health.path == "/healthz?deep=1#x"


RANGE = TaskDefinition(
    "arn:aws:ecs:us-east-1:123456789012:task-definition/orders:7",
    "awsvpc",
    (),
    (("app", "lattice.service", "orders"),),
    (ContainerDefinition("app", (PortMapping("", 8080, None, "tcp", "app"), PortMapping("", 53, None, "udp", "app"))),),
    port_ranges=(("web", "8000-8010"),),
)


@pytest.mark.parametrize("port", ["web", None])
def test_a_range_of_container_ports_is_refused_with_what_to_write_instead(port):
    labels = (*RANGE.labels, *([("app", "lattice.port", port)] if port else []))
    (problem,) = declare(replace(RANGE, labels=labels), (), "ECS", Bounds()).problems
    assert problem.code == "PORT_RANGE"
    assert "containerPortRange (8000-8010)" in problem.message
    assert "containerPort and a name of its own" in problem.message


def test_the_number_of_a_port_mapping_without_a_name_is_refused_with_where_to_write_the_name():
    labels = (*RANGE.labels, ("app", "lattice.port", "8080"))
    (problem,) = declare(replace(RANGE, labels=labels), (), "ECS", Bounds()).problems
    assert problem.code == "PORT_UNNAMED"
    assert "container app maps port 8080 without a name" in problem.message
    assert "portMappings[].name" in problem.message
    labels = (*RANGE.labels, ("app", "lattice.port", "53"))
    (problem,) = declare(replace(RANGE, labels=labels), (), "ECS", Bounds()).problems
    assert problem.code == "PORT_UNKNOWN"


@pytest.mark.parametrize(
    ("key", "instead"),
    [
        ("routes.v1.2.path.prefix", "lattice.routes.v1-2.path.prefix"),
        ("routes.v1.2.3.port", "lattice.routes.v1-2-3.port"),
        ("routes.api.v2.header.x-tenant", "lattice.routes.api-v2.header.x-tenant"),
    ],
)
def test_a_dot_in_a_route_name_is_refused_with_a_name_without_one(key, instead):
    (problem,) = [each for each in refused(f"{MINIMUM}\n{key} = /x") if each.key == f"lattice.{key}"]
    assert problem.code == "BAD_ROUTE_NAME"
    assert "a dot ends the name" in problem.message
    assert instead in problem.message


@pytest.mark.parametrize(
    ("key", "nearest"), [("routes.web.healthcheck.port", "health"), ("routes.web.paths.prefix", "path.prefix")]
)
def test_a_misspelt_key_of_a_named_route_is_no_dot_in_its_name(key, nearest):
    (problem,) = [each for each in refused(f"{MINIMUM}\n{key} = /x") if each.key == f"lattice.{key}"]
    assert problem.code == "UNKNOWN_KEY"
    assert f"lattice.routes.web.{nearest}" in problem.message
