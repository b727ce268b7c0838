"""Whether a route has an alarm, and after how many minutes it fires."""

import pytest

from tests.core.declaring import codes, refused, route, routes


def test_a_route_has_an_alarm_after_three_minutes_unless_told_otherwise():
    only = route("service = orders\nport = web")
    assert (only.alarm, only.alarm_minutes) == (True, 3)


@pytest.mark.parametrize(("text", "alarm"), [("on", True), ("off", False), ("OFF", False), (" On ", True)])
def test_the_alarm_is_on_or_off(text, alarm):
    assert route(f"service = orders\nport = web\nalarm = {text}").alarm is alarm


@pytest.mark.parametrize("minutes", [1, 5, 60])
def test_the_minutes_are_the_authors(minutes):
    assert route(f"service = orders\nport = web\nalarm.minutes = {minutes}").alarm_minutes == minutes


@pytest.mark.parametrize(
    "text", ["alarm = no", "alarm = ", "alarm.minutes = 0", "alarm.minutes = 61", "alarm.minutes = 3m"]
)
def test_another_value_is_a_problem(text):
    (problem,) = refused(f"service = orders\nport = web\n{text}")
    assert problem.key == f"lattice.{text.split(' ')[0]}"


def test_each_route_says_it_for_itself_and_a_tag_stands_above_a_label():
    found = routes(
        """service = orders
        port = web
        alarm.minutes = 10
        routes.a.path.prefix = /a
        routes.a.alarm = off
        routes.b.path.prefix = /b
        routes.b.alarm.minutes = 2
        routes.c.path.prefix = /c""",
        "alarm.minutes = 20",
    )
    assert [(r.name, r.alarm, r.alarm_minutes) for r in found.values()] == [
        ("a", False, 20),
        ("b", True, 2),
        ("c", True, 20),
    ]


def test_a_passthrough_route_has_an_alarm_too():
    only = route(
        "service = orders\nport = web\nlistener = TLS_PASSTHROUGH:443\ndomain = a.example.com\nalarm.minutes = 4"
    )
    assert only.alarm_minutes == 4


def test_a_key_that_is_nearly_right_is_named():
    assert codes("service = orders\nport = web\nalarm.minute = 3") == ["UNKNOWN_KEY"]
    (problem,) = refused("service = orders\nport = web\nalarm.minute = 3")
    assert "alarm.minutes" in problem.message
