"""How labels and tags become routes: what counts, what inherits, what stands above what."""

import pytest

from ecs_lattice.declaration import Bounds, declare
from ecs_lattice.facts import TaskDefinition
from ecs_lattice.model import Declaration, HeaderMatch, HealthCheck, ListenerKey, Match, PathMatch, Route
from ecs_lattice.settings import Settings
from tests.core.declaring import ADMIN, ARN, SYSLOG, WEB, codes, declared, refused, route, routes

MINIMUM = "service = orders\nport = web"


def test_a_service_without_any_key_has_not_opted_in():
    assert declared("", ports=()) == Declaration()


def test_keys_with_another_prefix_are_not_ours():
    labels = (("app", "traefik.enable", "true"), ("app", "lattice", "x"), ("app", "latticework.port", "x"))
    assert declare(TaskDefinition(ARN, "awsvpc", (), labels), (("team", "a"),), "ECS", Bounds()) == Declaration()


def test_the_smallest_declaration_has_the_documented_defaults():
    assert route("service = orders", ports=[WEB]) == Route(
        name="default",
        lattice_service="orders",
        port_name="web",
        listeners=(ListenerKey("HTTPS", 443),),
        health=HealthCheck(enabled=True),
        health_grace=120,
    )


def test_every_key_arrives_in_the_route():
    everything = route(
        """
        service = orders
        port = web
        path.prefix = /Orders
        path.case-sensitive = false
        method = get
        header.x-tenant = blue
        header-prefix.user-agent = Mozilla
        header-contains.Cookie = beta
        priority = 10
        weight = 90
        listener = HTTPS:443 HTTPS:8443
        network = platform sn-0123456789abcdefg
        domain = Orders.Example.com
        certificate = arn:aws:acm:us-east-1:123456789012:certificate/0123abcd
        auth = IAM
        idle-timeout = 120
        protocol = https
        protocol-version = http2
        health.enabled = true
        health.path = /healthz
        health.code = 200 300-302
        health.interval = 10
        health.timeout = 3
        health.healthy = 4
        health.unhealthy = 6
        health.port = 9000
        health.protocol = HTTP
        health.protocol-version = HTTP1
        health.grace = 300
        targets = controller
        ingress = manage
        pause = true
        """
    )
    assert everything == Route(
        name="default",
        lattice_service="orders",
        port_name="web",
        match=Match(
            path=PathMatch("prefix", "/Orders", False),
            method="GET",
            headers=(
                HeaderMatch("cookie", "contains", "beta"),
                HeaderMatch("user-agent", "prefix", "Mozilla"),
                HeaderMatch("x-tenant", "exact", "blue"),
            ),
        ),
        priority=10,
        weight=90,
        listeners=(ListenerKey("HTTPS", 443), ListenerKey("HTTPS", 8443)),
        networks=("platform", "sn-0123456789abcdefg"),
        domain="orders.example.com",
        certificate="arn:aws:acm:us-east-1:123456789012:certificate/0123abcd",
        auth="AWS_IAM",
        idle_timeout=120,
        protocol="HTTPS",
        protocol_version="HTTP2",
        health=HealthCheck(True, "HTTP", "HTTP1", 9000, "/healthz", "200,300-302", 10, 3, 4, 6),
        health_grace=300,
        targets="controller",
        ingress="manage",
        pause=True,
    )


def test_labels_of_all_containers_are_one_set():
    found = route("service = orders", containers={"sidecar": "port = admin"})
    assert (found.lattice_service, found.port_name) == ("orders", "admin")


def test_one_key_with_two_values_in_two_containers_is_a_problem():
    (problem,) = refused(MINIMUM, containers={"sidecar": "port = admin"})
    assert problem.code == "TWO_VALUES"
    assert {problem.value} | {"web", "admin"} == {"web", "admin"}
    assert "container app" in f"{problem}"
    assert "container sidecar" in f"{problem}"


def test_one_key_with_one_value_in_two_containers_is_none():
    assert route(MINIMUM, containers={"sidecar": "port = web"}).port_name == "web"


def test_a_tag_settles_what_two_containers_say():
    assert route(MINIMUM, "port = admin", containers={"sidecar": "port = other"}).port_name == "admin"


def test_a_tag_stands_above_the_label_of_its_key():
    assert route(f"{MINIMUM}\nweight = 10", "weight = 0").weight == 0


def test_a_tag_replaces_a_label_even_if_the_label_is_wrong():
    assert route(f"{MINIMUM}\npath.exact = /a\npriority = ten", "priority = 10").priority == 10


def test_a_tag_with_another_kind_of_path_replaces_the_labels_path():
    assert route(f"{MINIMUM}\npath.prefix = /a", "path.exact = /b").match == Match(PathMatch("exact", "/b", True))


def test_tags_alone_can_declare():
    assert route("", MINIMUM).lattice_service == "orders"


def test_a_stack_without_tags_lets_labels_stand():
    assert route(MINIMUM, "port = admin", bounds=Bounds(allow_tags=False)).port_name == "web"


def test_a_stack_without_tags_tells_a_service_that_asks_by_tags_only():
    assert codes("", MINIMUM, bounds=Bounds(allow_tags=False)) == ["TAGS_NOT_ALLOWED"] * 2


def test_unnamed_keys_are_the_defaults_of_every_named_route():
    found = routes(
        """
        service = orders
        port = web
        network = platform
        routes.api.path.prefix = /api
        routes.admin.path.prefix = /admin
        routes.admin.port = admin
        """
    )
    assert sorted(found) == ["admin", "api"]
    assert {one.networks for one in found.values()} == {("platform",)}
    assert (found["api"].port_name, found["admin"].port_name) == ("web", "admin")


def test_named_routes_without_default_have_no_default():
    assert "default" not in routes(f"{MINIMUM}\nroutes.api.path.prefix = /api")


def test_the_default_route_stays_when_it_is_written_by_name():
    found = routes(f"{MINIMUM}\nroutes.default.service = orders\nroutes.api.path.prefix = /api")
    assert (found["default"].match, found["api"].match) == (None, Match(PathMatch("prefix", "/api", True)))


@pytest.mark.parametrize(
    ("labels", "tags", "weight"),
    [
        ("weight = 1", "", 1),
        ("weight = 1", "weight = 2", 2),
        ("weight = 1\nroutes.api.weight = 3", "weight = 2", 3),
        ("weight = 1\nroutes.api.weight = 3", "weight = 2\nroutes.api.weight = 4", 4),
    ],
)
def test_what_is_said_of_the_route_stands_above_what_is_said_of_all(labels, tags, weight):
    assert routes(f"{MINIMUM}\nroutes.api.path.prefix = /api\n{labels}", tags)["api"].weight == weight


def test_a_named_routes_kind_of_path_replaces_the_inherited_one():
    found = routes(f"{MINIMUM}\npath.prefix = /a\nroutes.one.path.exact = /b\nroutes.two.method = GET")
    assert found["one"].match == Match(PathMatch("exact", "/b", True))
    assert found["two"].match == Match(PathMatch("prefix", "/a", True), "GET")


def test_a_named_routes_header_replaces_the_inherited_one_of_that_name_only():
    found = route(f"{MINIMUM}\nheader.a = 1\nheader.b = 2\nroutes.one.header-prefix.a = 3")
    assert found.match.headers == (HeaderMatch("a", "prefix", "3"), HeaderMatch("b", "exact", "2"))


def test_a_route_is_taken_away_by_name():
    result = declared(f"{MINIMUM}\nroutes.default.remove = true\nroutes.api.path.prefix = /api")
    assert [one.name for one in result.routes] == ["api"]
    assert result.removed == ("default",)


def test_a_tag_can_switch_a_whole_service_off():
    assert declared(MINIMUM, "routes.default.remove = true") == Declaration((), ("default",))


def test_remove_false_leaves_the_route():
    assert list(routes(f"{MINIMUM}\nroutes.api.remove = false")) == ["api"]


def test_what_belongs_to_the_lattice_service_is_said_once():
    found = routes(
        """
        service = orders
        routes.api.port = web
        routes.api.path.prefix = /api
        routes.api.domain = orders.example.com
        routes.api.certificate = arn:aws:acm:us-east-1:123456789012:certificate/0123abcd
        routes.api.auth = iam
        routes.admin.port = admin
        routes.other.port = admin
        routes.other.service = other
        """
    )
    assert found["admin"].domain == "orders.example.com"
    assert found["admin"].auth == "AWS_IAM"
    assert (found["other"].domain, found["other"].auth) == (None, None)


def test_what_belongs_to_a_port_is_said_once():
    found = routes(
        """
        service = orders
        routes.api.port = web
        routes.api.path.prefix = /api
        routes.api.health.path = /healthz
        routes.rest.port = web
        routes.admin.port = admin
        routes.admin.path.prefix = /admin
        """
    )
    assert found["rest"].health == found["api"].health
    assert found["rest"].health.path == "/healthz"
    assert found["admin"].health.path == "/"


def test_keys_and_words_compare_without_case_and_spaces():
    labels = (("app", " Lattice.Service ", " orders "), ("app", "LATTICE.ROUTES.Api.Listener", " https:443  http:80 "))
    result = declare(TaskDefinition(ARN, "awsvpc", (WEB,), labels), (), "ECS", Bounds())
    assert result.routes[0].name == "api"
    assert result.routes[0].lattice_service == "orders"
    assert result.routes[0].listeners == (ListenerKey("HTTP", 80), ListenerKey("HTTPS", 443))


def test_paths_are_taken_as_they_are_written():
    assert route(f"{MINIMUM}\npath.exact = /Orders").match == Match(PathMatch("exact", "/Orders", True))


def test_another_prefix_replaces_the_usual_one():
    labels = (("app", "mesh.service", "orders"), ("app", "lattice.nonsense", "x"))
    result = declare(TaskDefinition(ARN, "awsvpc", (WEB,), labels), (), "ECS", Bounds(label_prefix="Mesh"))
    assert [one.lattice_service for one in result.routes] == ["orders"]


def test_the_stacks_prefix_stands_before_the_name_of_the_lattice_service():
    assert route(MINIMUM, bounds=Bounds(name_prefix="dev-")).lattice_service == "dev-orders"


def test_default_networks_apply_where_none_is_named():
    bounds = Bounds(default_networks=("platform",))
    assert route(MINIMUM, bounds=bounds).networks == ("platform",)
    assert route(f"{MINIMUM}\nnetwork = other", bounds=bounds).networks == ("other",)


def test_the_minimum_of_auth_applies_where_nothing_is_said():
    assert route(MINIMUM, bounds=Bounds(minimum_auth="iam")).auth == "AWS_IAM"
    assert route(MINIMUM).auth is None


def test_the_only_named_tcp_port_need_not_be_written():
    assert route("service = orders", ports=[ADMIN, SYSLOG]).port_name == "admin"


def test_a_tls_passthrough_route_speaks_tcp_unchecked():
    found = route(f"{MINIMUM}\nlistener = TLS_PASSTHROUGH:443\ndomain = a.example.com")
    assert (found.protocol, found.protocol_version, found.health.enabled) == ("TCP", None, False)


def test_a_tls_passthrough_route_does_not_inherit_what_it_cannot_have():
    found = routes(
        """
        service = orders
        path.prefix = /orders
        header.x-tenant = blue
        priority = 4
        protocol-version = HTTP1
        domain = a.example.com
        routes.tls.service = raw
        routes.tls.port = admin
        routes.tls.listener = TLS_PASSTHROUGH:443
        routes.api.port = web
        routes.api.listener = HTTP:80
        """
    )
    assert (found["tls"].match, found["tls"].priority) == (None, None)
    assert found["api"].match is not None


@pytest.mark.parametrize(
    ("text", "enabled"),
    [
        ("", True),
        ("health.enabled = false\nhealth.path = /x", False),
        ("protocol-version = HTTP2", False),
        ("protocol-version = GRPC", False),
        ("protocol-version = HTTP2\nhealth.path = /x", True),
        ("protocol-version = GRPC\nhealth.enabled = true", True),
        ("protocol-version = HTTP2\nhealth.grace = 9", False),
    ],
)
def test_checks_are_on_for_http1_and_where_one_is_written(text, enabled):
    assert route(f"{MINIMUM}\n{text}").health.enabled is enabled


@pytest.mark.parametrize(
    ("text", "speaks"),
    [
        ("", ("HTTP", "HTTP1")),
        ("protocol = HTTPS", ("HTTPS", "HTTP1")),
        ("protocol = HTTPS\nhealth.protocol = HTTP", ("HTTP", "HTTP1")),
        ("protocol-version = HTTP2", ("HTTP", "HTTP2")),
        ("protocol-version = GRPC", ("HTTP", "HTTP2")),
        ("protocol-version = GRPC\nhealth.protocol-version = HTTP1", ("HTTP", "HTTP1")),
    ],
)
def test_a_check_speaks_what_the_targets_speak_unless_told_otherwise(text, speaks):
    health = route(f"{MINIMUM}\n{text}").health
    assert (health.protocol, health.protocol_version) == speaks


def test_a_health_check_grace_of_nothing_is_a_value():
    assert route(f"{MINIMUM}\nhealth.grace = 0").health_grace == 0


def test_bounds_come_from_the_settings():
    settings = Settings(
        owner="stack",
        table="t",
        ecs_events_queue="a",
        ecs_services_queue="b",
        lattice_services_queue="c",
        dead_letter_queue="d",
        alarms_queue="e",
        notify_topic="f",
        label_prefix="mesh",
        name_prefix="dev-",
        allow_tags=False,
        default_networks=("n",),
        allowed_networks=("n*",),
        allowed_domains=("*.example.com",),
        minimum_auth="iam",
    )
    assert Bounds.of(settings) == Bounds("mesh", False, ("n",), ("n*",), ("*.example.com",), "iam", "dev-")
