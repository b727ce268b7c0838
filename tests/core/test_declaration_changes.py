"""What is wrong with the step from one declaration to the next."""

import dataclasses

import pytest

from ecs_lattice.declaration import dropped_default_route, rolling_conflicts
from ecs_lattice.model import Declaration, HealthCheck, ListenerKey, Match, PathMatch, Route

BEFORE = Route("default", "orders", "web")


def one(**changes):
    return Declaration((dataclasses.replace(BEFORE, **changes),))


def test_naming_a_route_while_the_unnamed_one_serves_is_a_problem():
    problem = dropped_default_route({"default"}, one(name="api"), label_prefix="lattice")
    assert problem.code == "DEFAULT_ROUTE_LOST"
    assert problem.key == "lattice.routes.default.service"
    assert "api" in problem.message
    assert "lattice.routes.default.remove = true" in problem.message
    assert problem.where


def test_the_problem_speaks_in_the_stacks_prefix():
    problem = dropped_default_route({"default"}, one(name="api"), label_prefix="mesh")
    assert problem.key == "mesh.routes.default.service"


@pytest.mark.parametrize(
    ("live", "declaration"),
    [
        ((), one(name="api")),
        (("api",), one(name="web")),
        (("default",), one()),
        (("default", "api"), Declaration((BEFORE, dataclasses.replace(BEFORE, name="api")))),
        (("default",), Declaration()),
        (("default",), Declaration(one(name="api").routes, removed=("default",))),
        (("default",), Declaration((), removed=("default",))),
    ],
)
def test_nothing_is_lost_where_the_unnamed_route_is_not_left_out_by_mistake(live, declaration):
    assert dropped_default_route(live, declaration, label_prefix="lattice") is None


def test_taking_another_route_away_by_name_does_not_take_the_unnamed_one():
    assert (
        dropped_default_route({"default"}, Declaration((), removed=("api",)), label_prefix="lattice").code
        == "DEFAULT_ROUTE_LOST"
    )


@pytest.mark.parametrize(
    ("changes", "key", "value"),
    [
        ({"protocol": "HTTPS"}, "lattice.protocol", "HTTPS"),
        ({"protocol_version": "HTTP2"}, "lattice.protocol-version", "HTTP2"),
        ({"health": HealthCheck(enabled=False)}, "lattice.health.enabled", "false"),
        ({"health": HealthCheck(True, path="/livez")}, "lattice.health.path", "/livez"),
        ({"health": HealthCheck(True, port=9000)}, "lattice.health.port", "9000"),
        ({"health": HealthCheck(True, timeout=1)}, "lattice.health.timeout", "1"),
        ({"health": HealthCheck(True, protocol_version="HTTP2")}, "lattice.health.protocol-version", "HTTP2"),
    ],
)
def test_what_a_group_demands_of_a_task_cannot_change_while_a_deployment_rolls(changes, key, value):
    (problem,) = rolling_conflicts(one(), one(**changes), label_prefix="lattice")
    assert (problem.code, problem.key, problem.value) == ("HOLDS_BACK", key, value)
    assert ("Let the new version" in problem.message) == (key != "lattice.protocol")
    assert ("answer both" in problem.message) == (key[8:] not in {"protocol", "health.enabled", "health.timeout"})
    assert "new port name" in problem.message
    assert problem.where


def test_each_difference_is_said():
    changed = one(protocol="HTTPS", health=HealthCheck(True, protocol="HTTPS", path="/livez"))
    assert [problem.key for problem in rolling_conflicts(one(), changed, label_prefix="lattice")] == [
        "lattice.protocol",
        "lattice.health.protocol",
        "lattice.health.path",
    ]


def test_every_field_of_a_health_check_that_a_task_can_fail_is_compared():
    base, pace = HealthCheck(enabled=True), {"interval", "healthy", "unhealthy"}
    for field in dataclasses.fields(HealthCheck):
        value = getattr(base, field.name)
        other = (
            (not value) if isinstance(value, bool) else (value or 0) + 1 if not isinstance(value, str) else f"{value}x"
        )
        changed = dataclasses.replace(base, **{field.name: other})
        found = rolling_conflicts(one(health=base), one(health=changed), label_prefix="lattice")
        assert len(found) == (field.name not in pace), field.name


def test_what_was_not_checked_holds_nothing_back():
    off = one(health=HealthCheck(enabled=False))
    for health in (HealthCheck(True, path="/livez"), HealthCheck(True, port=9000), HealthCheck(False, path="/livez")):
        assert rolling_conflicts(off, one(health=health), label_prefix="lattice") == ()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"port_name": "web2", "health": HealthCheck(True, path="/livez")},
        {"lattice_service": "other", "protocol": "HTTPS"},
        {"name": "api", "match": Match(PathMatch("prefix", "/api", True)), "priority": 3, "weight": 1},
        {"listeners": (ListenerKey("HTTP", 80),), "health_grace": 900, "networks": ("n",), "idle_timeout": 90},
    ],
)
def test_other_changes_hold_nothing_back(changes):
    assert rolling_conflicts(one(), one(**changes), label_prefix="lattice") == ()


def test_a_port_that_comes_or_goes_holds_nothing_back():
    assert rolling_conflicts(Declaration(), one(), label_prefix="lattice") == ()
    assert rolling_conflicts(one(), Declaration(), label_prefix="lattice") == ()


def test_routes_of_one_port_are_said_once():
    both = Declaration((BEFORE, dataclasses.replace(BEFORE, name="api")))
    changed = Declaration(tuple(dataclasses.replace(route, protocol="HTTPS") for route in both.routes))
    assert len(rolling_conflicts(both, changed, label_prefix="lattice")) == 1
