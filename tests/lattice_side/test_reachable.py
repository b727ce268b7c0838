"""Live means that requests arrive: what keeps them from a route that is live is a notice of it."""

from tests.lattice_side.stage import Stage, path, service

WEB, API = service("web"), service("api")


def notices(stage: Stage, name: str = "r", who=WEB) -> dict[str, str]:
    return {notice.code: notice.message for notice in stage.record(who, name).answer.notices}


def test_a_route_that_was_live_with_a_query_in_its_path_stays_with_a_notice(stage: Stage) -> None:
    stage.claim(WEB, stage.route("r", path("/orders?page=1")))
    stage.settle()
    assert stage.state(WEB, "r") == "Live"
    assert "/orders?page=1* never matches" in notices(stage)["PATH_WITH_QUERY"]
    stage.claim(WEB, stage.route("r", path("/orders")))
    stage.settle()
    assert notices(stage) == {}
