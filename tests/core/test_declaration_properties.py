"""What holds for every declaration, whatever people write."""

from hypothesis import given
from hypothesis import strategies as st

from ecs_lattice import codec
from ecs_lattice.declaration import Bounds, declare, problems
from ecs_lattice.facts import PortMapping, TaskDefinition
from ecs_lattice.model import Declaration
from ecs_lattice.naming import is_service_name
from ecs_lattice.outcome import Refused
from tests import strategies
from tests.core.declaring import ADMIN, ARN, SYSLOG, WEB

starts = st.sampled_from(
    ["lattice.", "Lattice.routes.", "lattice.routes.a.", "lattice.header.", " lattice.health.", ""]
)
any_pairs = st.lists(st.tuples(st.builds(str.__add__, starts, st.text(max_size=12)), st.text(max_size=12)), max_size=6)
mixed_pairs = st.one_of(
    strategies.label_pairs, any_pairs, st.builds(lambda a, b: (*a, *b), strategies.label_pairs, any_pairs)
)
controllers = st.sampled_from(["ECS", "CODE_DEPLOY", "EXTERNAL", "what comes next"])
bounds = st.builds(
    Bounds,
    allow_tags=st.booleans(),
    allowed_networks=st.sampled_from([(), ("plat*",)]),
    default_networks=st.sampled_from([(), ("shared",)]),
    minimum_auth=st.sampled_from(["none", "iam"]),
    name_prefix=st.sampled_from(["", "dev-"]),
)
port_sets = st.lists(st.sampled_from([WEB, ADMIN, SYSLOG, PortMapping("", 1, None, "tcp", "app")]), unique=True)
containers = st.sampled_from(["app", "sidecar"])


def task_definition(labels, ports):
    return TaskDefinition(ARN, "awsvpc", tuple(ports), tuple(labels))


labels = mixed_pairs.flatmap(
    lambda pairs: st.tuples(*(st.tuples(containers, st.just(key), st.just(value)) for key, value in pairs))
)


@given(labels, mixed_pairs, controllers, bounds, port_sets)
def test_nothing_that_people_write_raises_and_every_problem_says_what_and_where(
    written, tags, controller, limits, ports
):
    result = declare(task_definition(written, ports), tuple(tags), controller, limits)
    if isinstance(result, Declaration):
        assert codec.loads(Declaration, codec.dumps(result)) == result
        return
    assert result.problems
    for problem in result.problems:
        assert problem.code in problems.CODES
        assert problem.key.strip().lower().startswith("lattice.")
        assert problem.where
        assert problem.message.endswith((".", "?"))
        assert str(problem)


@given(labels, mixed_pairs, bounds, port_sets, st.randoms(use_true_random=False))
def test_the_order_in_which_keys_come_does_not_matter(written, tags, limits, ports, chance):
    before = declare(task_definition(written, ports), tuple(tags), "ECS", limits)
    shuffled = [chance.sample(list(one), len(one)) for one in (written, tags, ports)]
    after = declare(task_definition(shuffled[0], shuffled[2]), tuple(shuffled[1]), "ECS", limits)
    assert after == before


@given(strategies.accepted_labels)
def test_values_that_are_allowed_and_do_not_touch_are_accepted_together(pairs):
    result = declare(task_definition([("app", *pair) for pair in pairs], [WEB, ADMIN]), (), "ECS", Bounds())
    assert isinstance(result, Declaration), result
    assert [route.name for route in result.routes] == ["default"]
    assert result.routes[0].lattice_service == dict(pairs)["lattice.service"]


@given(strategies.accepted_labels)
def test_tags_say_the_same_as_labels(pairs):
    labelled = declare(task_definition([("app", *pair) for pair in pairs], [WEB, ADMIN]), (), "ECS", Bounds())
    assert declare(task_definition([], [WEB, ADMIN]), pairs, "ECS", Bounds()) == labelled


@given(st.one_of(strategies.label_pairs, strategies.accepted_labels), bounds)
def test_what_is_accepted_is_what_lattice_and_ecs_take(pairs, limits):
    written = [("app", *pair) for pair in pairs]
    result = declare(task_definition(written, [WEB, ADMIN]), (), "ECS", limits)
    if isinstance(result, Refused):
        return
    names = [route.name for route in result.routes]
    assert names == sorted(set(names))
    for route in result.routes:
        assert is_service_name(route.lattice_service)
        assert route.port_name in {"web", "admin"}
        assert (route.protocol == "TCP") == all(key.protocol == "TLS_PASSTHROUGH" for key in route.listeners)
        assert (route.protocol_version is None) == (route.protocol == "TCP")
        assert route.protocol != "TCP" or (route.match is None and route.domain)
        assert limits.minimum_auth == "none" or route.auth == "AWS_IAM"


@given(strategies.label_pairs)
def test_a_label_in_one_container_or_in_two_is_the_same(pairs):
    together = declare(task_definition([("app", *pair) for pair in pairs], [WEB]), (), "ECS", Bounds())
    everywhere = [(container, *pair) for pair in pairs for container in ("app", "sidecar")]
    twice = declare(task_definition(everywhere, [WEB]), (), "ECS", Bounds())
    if isinstance(together, Declaration):
        assert twice == together
    else:
        assert {problem.code for problem in twice.problems} == {problem.code for problem in together.problems}
