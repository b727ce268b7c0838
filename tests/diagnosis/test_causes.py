"""Each cause comes first where it is the cause, and does not fit where something similar is."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_lattice.diagnosis import causes
from ecs_lattice.diagnosis.causes import checking, deployment, network, targets, tasks
from ecs_lattice.diagnosis.causes.container_check import container_health_check
from ecs_lattice.diagnosis.causes.reason_hints import hints
from ecs_lattice.diagnosis.findings import Finding
from ecs_lattice.facts import ContainerDefinition
from ecs_lattice.graph import Target
from ecs_lattice.model import Route
from tests.diagnosis.making import (
    CASES,
    CRASH,
    HEALTH,
    KILLED_BY_ECS,
    NOW,
    OWN_CHECK,
    PREFIX_LISTS,
    SECURITY_GROUP,
    a_definition,
    a_deployment,
    a_group,
    a_rule,
    a_service,
    a_task,
    evidence,
    security,
    unhealthy,
)
from tests.diagnosis.making import targets as some_targets


@pytest.mark.parametrize("name", [name for name in CASES if name != "NOT_FOUND"])
def test_the_cause_comes_first(name):
    first = causes.diagnose(CASES[name])[0]
    assert first.code == name.split("-")[0]


def test_a_healthy_route_has_no_cause():
    assert causes.diagnose(evidence()) == ()
    assert causes.diagnose(CASES["NOT_FOUND"]) == ()


def test_every_cause_has_a_case_and_the_code_of_its_finding():
    assert {name.split("-")[0] for name in CASES} - {"NOT_FOUND"} == set(causes.CAUSES)
    for code, cause in causes.CAUSES.items():
        assert {finding.code for evidence in CASES.values() if (finding := cause(evidence))} == {code}


def test_nothing_is_guessed_where_nothing_could_be_read():
    blind = evidence(
        group=None, targets=None, service=None, tasks=None, task_definition=None, security=None, route=None
    )
    assert causes.diagnose(blind) == ()


@pytest.mark.parametrize(
    "missing", ["group", "targets", "service", "tasks", "task_definition", "security", "route", "status"]
)
@pytest.mark.parametrize("name", CASES)
def test_every_cause_copes_with_an_unknown_part(name, missing):
    found = causes.diagnose(dataclasses.replace(CASES[name], **{missing: None}))
    assert all(finding.seen for finding in found)


def finding(code, likelihood):
    return Finding(code, likelihood, "title", "seen")


@given(st.randoms(use_true_random=False))
def test_findings_are_ranked_by_likelihood_and_a_cause_before_its_consequences(dice):
    codes = list(causes.CAUSES)
    assert (
        codes.index("PREFIX_LIST_RULE_MISSING") < codes.index("NOT_LISTENING") < codes.index("DEPLOYMENT_IN_PROGRESS")
    )
    drawn = {code: finding(code, dice.choice(["certain", "likely", "possible"])) for code in codes}
    in_order = [
        each
        for likelihood in ("certain", "likely", "possible")
        for each in drawn.values()
        if each.likelihood == likelihood
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(causes, "CAUSES", {code: lambda _, code=code: drawn[code] for code in codes})
        assert list(causes.diagnose(evidence())) == in_order


# Between VPC Lattice and the task.


@pytest.mark.parametrize(
    "rule",
    [
        a_rule(),
        a_rule(8000, 8100),
        a_rule(None, protocol="-1"),
        a_rule(cidr="0.0.0.0/0"),
        a_rule(cidr="169.254.0.0/16"),
        a_rule(cidr="169.254.171.0/24"),
    ],
)
def test_a_group_that_allows_lattice_is_open(rule):
    assert network.closed_ports(unhealthy(security=security(rule))) == ()


@pytest.mark.parametrize(
    "rule",
    [
        a_rule(8081),
        a_rule(prefix_list_id=PREFIX_LISTS[1].id),
        a_rule(protocol="udp"),
        a_rule(cidr="169.254.171.0/25"),
        a_rule(cidr="0.0.0.0/0", protocol="udp"),
        a_rule(cidr="10.0.0.0/8"),
        a_rule(cidr="::/0"),
        a_rule(source_group="sg-2"),
    ],
)
def test_a_group_that_does_not_is_closed(rule):
    assert [str(closed) for closed in network.closed_ports(unhealthy(security=security(rule)))] == ["8080 (IPv4)"]


def test_one_open_group_of_several_is_enough():
    second = dataclasses.replace(SECURITY_GROUP, id="sg-2")
    rule = dataclasses.replace(a_rule(), group_id="sg-2")
    assert network.closed_ports(unhealthy(security=security(rule, groups=(SECURITY_GROUP, second)))) == ()


def test_the_prefix_list_of_the_other_family_does_not_help():
    six = unhealthy(group=a_group(family="IPV6"), security=security(a_rule(), a_rule(cidr="0.0.0.0/0")))
    assert network.prefix_list_rule_missing(six).title.endswith("(IPv6)")
    assert network.prefix_list_rule_missing(dataclasses.replace(six, security=security(a_rule(cidr="::/0")))) is None


def test_a_rule_for_all_addresses_on_another_port_does_not_count_as_allowing_lattice():
    seen = unhealthy(security=security(a_rule(443, cidr="0.0.0.0/0")))
    assert network.prefix_list_rule_missing(seen).code == "PREFIX_LIST_RULE_MISSING"
    assert network.port_not_open(seen) is None


def test_a_closed_group_is_only_likely_while_a_target_still_answers():
    seen = evidence(security=security(), targets=some_targets("HEALTHY", "UNHEALTHY"))
    assert network.prefix_list_rule_missing(seen).likelihood == "likely"


def test_a_group_closed_only_on_the_health_port_names_that_port():
    finding = network.port_not_open(CASES["PORT_NOT_OPEN-health"])
    assert "not on port 9000" in finding.title
    assert "uses port 9000 for health checks" in finding.seen
    assert "FromPort=9000" in str(finding.commands[0])


def test_the_command_opens_all_closed_ports_of_the_group_that_is_not_the_default():
    default = dataclasses.replace(SECURITY_GROUP, id="sg-default", is_default=True)
    seen = unhealthy(
        security=security(groups=(default, SECURITY_GROUP)),
        group=a_group(health=dataclasses.replace(HEALTH, port=9000)),
    )
    (command,) = network.prefix_list_rule_missing(seen).commands
    assert command.words[:5] == ("aws", "ec2", "authorize-security-group-ingress", "--group-id", SECURITY_GROUP.id)
    assert "FromPort=8080" in str(command)
    assert "FromPort=9000" in str(command)


def test_without_checks_the_health_port_need_not_be_open():
    off = dataclasses.replace(HEALTH, enabled=False, port=9000)
    assert network.closed_ports(unhealthy(group=a_group(health=off))) == ()


def test_what_blocks_a_move_to_another_vpc_is_explained_only_where_ecs_registers_the_tasks():
    attached = network.other_vpc(unhealthy(vpc_id="vpc-22"))
    by_us = network.other_vpc(unhealthy(service=a_service(a_deployment(entries=())), vpc_id="vpc-22"))
    assert "lattice.targets = controller" in attached.advice
    assert [command.words[2] for command in attached.commands] == ["describe-subnets", "tag-resource", "update-service"]
    assert "lattice.targets" not in by_us.advice
    assert len(by_us.commands) == 1


@pytest.mark.parametrize("vpc", ["", "vpc-11"])
def test_the_same_vpc_or_an_unknown_one_is_not_another(vpc):
    assert network.other_vpc(unhealthy(vpc_id=vpc)) is None


# The health check.


def test_a_reason_code_alone_is_no_cause():
    for reason in ("HealthCheckTimeout", "HealthCheckConnectionError", "HealthCheckCodeMismatch", "TlsHandshake"):
        seen = evidence(targets=(Target("10.0.0.1", 8080, "HEALTHY", reason),))
        assert causes.diagnose(seen) == ()


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("HealthCheckTimeout", {"timeout"}),
        ("Target.Timeout", {"timeout"}),
        ("HealthCheckConnectionError", {"connection"}),
        ("ConnectionRefused", {"connection"}),
        ("Target.ResponseCodeMismatch", {"code"}),
        ("TLS handshake failed", {"tls"}),
        ("", set()),
        ("SomethingElse", set()),
    ],
)
def test_reason_codes_are_read_by_their_words(reason, hint):
    assert hints(unhealthy(reason)) == hint


def test_where_health_checks_are_blocked_no_cause_in_the_container_fits():
    closed = unhealthy(
        "HealthCheckCodeMismatch",
        security=security(),
        task_definition=a_definition(command=OWN_CHECK, app_protocol="grpc"),
    )
    assert [finding.code for finding in causes.diagnose(closed)] == ["PREFIX_LIST_RULE_MISSING"]


def test_another_status_code_means_that_the_container_listens():
    seen = unhealthy("HealthCheckCodeMismatch")
    assert checking.not_listening(seen) is None
    assert checking.wrong_protocol(dataclasses.replace(seen, task_definition=a_definition(app_protocol="grpc"))) is None
    assert checking.health_code(seen).likelihood == "likely"


def test_no_connection_means_that_no_status_code_was_returned():
    assert checking.health_code(unhealthy("HealthCheckConnectionError")) is None
    assert checking.not_listening(unhealthy("HealthCheckConnectionError")).likelihood == "likely"


def test_without_any_hint_both_are_possible():
    assert [(finding.code, finding.likelihood) for finding in causes.diagnose(unhealthy())] == [
        ("HEALTH_CODE", "possible"),
        ("NOT_LISTENING", "possible"),
    ]


def test_the_containers_own_health_check_gives_the_right_path_and_the_command_that_sets_it():
    finding = checking.health_code(unhealthy(task_definition=a_definition(command=OWN_CHECK)))
    assert finding.likelihood == "likely"
    assert '{"key": "lattice.health.path", "value": "/livez"}' in str(finding.commands[0])


def test_named_routes_share_their_health_check_so_no_command_sets_it_for_one_of_them():
    named = dataclasses.replace(CASES["HEALTH_CODE"].subject, route="admin")
    finding = checking.health_code(dataclasses.replace(CASES["HEALTH_CODE"], subject=named))
    assert "tag-resource" not in " ".join(map(str, finding.commands))


def test_labels_have_the_stacks_prefix():
    finding = checking.health_code(dataclasses.replace(CASES["HEALTH_CODE"], label_prefix="mesh"))
    assert "mesh.health.path" in finding.advice
    assert '"mesh.health.path"' in str(finding.commands[0])


def test_a_container_that_checks_itself_on_another_port_listens_elsewhere():
    seen = unhealthy(task_definition=a_definition(command=("CMD", "curl", "http://127.0.0.1:3000/")))
    finding = checking.not_listening(seen)
    assert finding.likelihood == "likely"
    assert "http://localhost:3000/" in finding.seen


def test_a_port_that_the_task_definition_lacks_is_reported():
    seen = unhealthy(targets=some_targets("UNHEALTHY", port=9090), security=security(a_rule(9090)))
    assert "has no container port 9090; it has 8080" in checking.not_listening(seen).seen


@pytest.mark.parametrize(
    ("app_protocol", "version", "wrong"),
    [
        ("grpc", "HTTP1", True),
        ("grpc", "GRPC", False),
        ("http2", "HTTP1", True),
        ("http2", "HTTP2", False),
        ("http", "HTTP2", True),
        ("http", "HTTP1", False),
        ("", "HTTP1", False),
    ],
)
def test_the_protocol_of_the_port_mapping_is_compared(app_protocol, version, wrong):
    seen = unhealthy(group=a_group(protocol_version=version), task_definition=a_definition(app_protocol=app_protocol))
    assert (checking.wrong_protocol(seen) is not None) is wrong


@pytest.mark.parametrize(
    ("url", "wrong"),
    [("https://localhost:8080/", True), ("http://localhost:8080/", False), ("https://localhost:9/", False)],
)
def test_the_scheme_of_the_containers_own_health_check_is_compared(url, wrong):
    seen = unhealthy(task_definition=a_definition(command=("CMD-SHELL", f"curl -kf {url}")))
    assert (checking.wrong_protocol(seen) is not None) is wrong


def test_a_port_usual_for_tls_makes_plain_http_possibly_wrong():
    seen = unhealthy(targets=some_targets("UNHEALTHY", port=8443), security=security(a_rule(8443)))
    assert checking.wrong_protocol(seen).likelihood == "possible"
    secure = dataclasses.replace(seen, group=a_group(protocol="HTTPS"))
    assert checking.wrong_protocol(secure) is None


def test_a_port_not_usual_for_tls_makes_https_possibly_wrong_unless_the_container_itself_uses_it():
    health = dataclasses.replace(HEALTH, protocol="HTTPS")
    seen = unhealthy(group=a_group(protocol="HTTPS", health=health))
    assert causes.diagnose(seen)[0].code == "WRONG_PROTOCOL"
    assert checking.wrong_protocol(seen).likelihood == "possible"
    assert "Port 8080 is not usually used for TLS." in checking.wrong_protocol(seen).seen
    own = a_definition(command=("CMD-SHELL", "curl -kf https://localhost:8080/"))
    assert checking.wrong_protocol(dataclasses.replace(seen, task_definition=own)) is None


def test_a_group_without_checks_has_no_failing_checks():
    seen = unhealthy(group=a_group(health=dataclasses.replace(HEALTH, enabled=False)))
    assert causes.diagnose(seen) == ()


def test_tasks_that_ecs_replaced_show_failing_health_checks_though_none_is_unhealthy_now():
    seen = evidence(targets=some_targets("INITIAL"), tasks=(a_task(1), a_task(7, **KILLED_BY_ECS)))
    assert [finding.code for finding in causes.diagnose(seen)] == ["HEALTH_CODE", "NOT_LISTENING"]
    well = dataclasses.replace(seen, targets=some_targets("HEALTHY"))
    assert causes.diagnose(well) == ()


@pytest.mark.parametrize(
    ("command", "requested"),
    [
        (("CMD-SHELL", "curl -f http://localhost:8080/livez || exit 1"), "http://localhost:8080/livez"),
        (("CMD", "wget", "-q", "https://127.0.0.1/ready?deep=1"), "https://localhost:443/ready"),
        (("CMD-SHELL", "nc -z localhost:5432"), "http://localhost:5432/"),
        (("CMD-SHELL", "curl 'http://localhost:8080'"), "http://localhost:8080/"),
        (("CMD-SHELL", "pg_isready -h localhost"), None),
        (("CMD-SHELL", "test -f /tmp/ok"), None),
        ((), None),
    ],
)
def test_what_a_container_requests_from_itself(command, requested):
    found = container_health_check(ContainerDefinition("app", health_command=command))
    assert (str(found) if found else None) == requested


# Tasks.


def test_a_task_that_ecs_replaced_because_of_lattice_is_no_cause_by_itself():
    replaced = (a_task(7, **KILLED_BY_ECS, exit_code=137), a_task(8, **KILLED_BY_ECS, exit_code=0))
    seen = unhealthy(tasks=(a_task(1), *replaced))
    assert tasks.task_restarting(seen) is tasks.task_stopped(seen) is tasks.out_of_memory(seen) is None


def test_a_scaling_activity_is_no_cause():
    scaled = a_task(
        7, stop_code="ServiceSchedulerInitiated", reason="Scaling activity initiated by (deployment ecs-svc/1)"
    )
    assert causes.diagnose(evidence(tasks=(a_task(1), scaled, dataclasses.replace(scaled)))) == ()


def test_one_crash_is_a_stopped_task_and_two_are_a_restarting_one():
    once = evidence(targets=(), tasks=(a_task(7, **CRASH, exit_code=1),))
    assert (tasks.task_stopped(once).code, tasks.task_restarting(once)) == ("TASK_STOPPED", None)
    twice = evidence(targets=(), tasks=(a_task(7, **CRASH), a_task(8, **CRASH)))
    assert (tasks.task_stopped(twice), tasks.task_restarting(twice).code) == (None, "TASK_RESTARTING")


def test_a_failed_container_health_check_is_a_crash():
    failed = {"stop_code": "ServiceSchedulerInitiated", "reason": "Task failed container health checks"}
    seen = evidence(targets=(), tasks=(a_task(7, **failed), a_task(8, **failed)))
    assert tasks.task_restarting(seen).likelihood == "certain"


@pytest.mark.parametrize(
    ("ago", "answering", "likelihood"),
    [(60, False, "certain"), (60, True, "likely"), (1200, False, "possible"), (1200, True, "possible")],
)
def test_what_happened_lately_while_no_target_answers_is_certain(ago, answering, likelihood):
    statuses = ("HEALTHY",) if answering else ("INITIAL",)
    seen = evidence(
        targets=some_targets(*statuses), tasks=(a_task(7, **CRASH, ago=ago), a_task(8, **CRASH, ago=ago + 9))
    )
    assert tasks.task_restarting(seen).likelihood == likelihood


def test_what_is_longer_ago_than_an_hour_does_not_count():
    old = (a_task(7, **CRASH, ago=3700), a_task(8, **CRASH, ago=4000))
    assert causes.diagnose(evidence(tasks=(a_task(1), *old))) == ()


def test_exit_code_137_without_out_of_memory_is_only_possible():
    seen = evidence(targets=(), tasks=(a_task(7, **CRASH, exit_code=137),))
    assert tasks.out_of_memory(seen).likelihood == "possible"
    assert tasks.out_of_memory(evidence(tasks=(a_task(7, **CRASH, exit_code=1),))) is None


def test_out_of_memory_is_not_reported_again_as_restarting():
    killed = [
        a_task(n, **CRASH, exit_code=137, why="OutOfMemoryError: Container killed due to memory usage")
        for n in (7, 8, 9)
    ]
    seen = evidence(targets=(), tasks=tuple(killed))
    assert tasks.task_restarting(seen) is None
    assert "3 tasks stopped" in tasks.out_of_memory(seen).seen
    assert "256 MiB" in tasks.out_of_memory(seen).seen


@pytest.mark.parametrize(
    "code", ["TaskFailedToStart", "UserInitiated", "SpotInterruption", "TerminationNotice", "InfrastructureHealth"]
)
def test_tasks_that_were_stopped_from_outside_are_reported(code):
    assert tasks.task_stopped(evidence(tasks=(a_task(7, stop_code=code, reason="why"),))).code == "TASK_STOPPED"


def test_a_service_with_a_running_task_has_tasks():
    assert tasks.no_tasks(evidence(service=a_service(running=1))) is None
    assert tasks.no_tasks(evidence(service=a_service(running=0), tasks=(a_task(1),))) is None


def test_no_task_without_a_reason_from_ecs_is_only_likely():
    assert tasks.no_tasks(evidence(service=a_service(running=0), tasks=())).likelihood == "likely"
    assert tasks.no_tasks(evidence(service=a_service(running=0, status="INACTIVE"), tasks=())).title.endswith(
        "was deleted"
    )


# The target group.


def test_an_unused_target_beside_one_that_answers_is_no_cause():
    assert targets.target_unused(evidence(targets=some_targets("HEALTHY", "UNUSED"))) is None
    assert targets.target_unused(evidence(targets=some_targets("UNUSED"))).likelihood == "likely"
    assert targets.target_unused(evidence(targets=(), group=a_group(service_arns=()))) is None


def test_a_target_that_is_not_draining_rules_out_draining():
    assert targets.draining(evidence(targets=some_targets("DRAINING", "INITIAL"))) is None
    assert targets.draining(evidence(targets=())) is None


def test_a_task_that_has_just_started_may_not_be_registered_yet():
    young = dataclasses.replace(a_task(1), started_at=NOW - 100)
    assert targets.not_registered(evidence(targets=(), tasks=(young,))) is None
    assert targets.not_registered(evidence(targets=(), tasks=(a_task(1),))).likelihood == "likely"
    assert targets.not_registered(evidence(targets=some_targets("HEALTHY"), tasks=(a_task(1), a_task(2)))) is None
    leaving = some_targets("DRAINING", "DRAINING")
    assert targets.not_registered(evidence(targets=leaving, tasks=(a_task(3),))) is not None
    assert targets.not_registered(evidence(targets=leaving, tasks=(a_task(1),))) is None  # it was registered


def test_a_failed_registration_is_quoted_from_ecs():
    said = a_service(messages=("was unable to register (task x): denied",))
    finding = targets.not_registered(evidence(targets=(), service=said))
    assert finding.likelihood == "certain"
    assert "denied" in finding.seen


# A deployment.


@pytest.mark.parametrize("rollout", ["COMPLETED", "FAILED", None])
def test_a_deployment_that_has_ended_is_not_in_progress(rollout):
    assert deployment.deployment_in_progress(evidence(service=a_service(a_deployment(rollout=rollout)))) is None


def test_a_deployment_past_its_grace_with_unhealthy_targets_is_only_possible():
    service = a_service(a_deployment(rollout="IN_PROGRESS", created_at=NOW - 1000))
    assert deployment.deployment_in_progress(unhealthy(service=service)).likelihood == "possible"
    young = a_service(a_deployment(rollout="IN_PROGRESS", created_at=NOW - 100))
    assert deployment.deployment_in_progress(unhealthy(service=young)).likelihood == "likely"


def test_the_grace_period_is_the_longer_of_ecss_and_the_routes():
    service = a_service(a_deployment(rollout="IN_PROGRESS", created_at=NOW - 150), grace_period=None)
    seen = evidence(service=service, route=Route("default", "orders", "web", health_grace=300))
    assert seen.grace_ends_at == NOW + 150
    assert dataclasses.replace(seen, route=Route("default", "orders", "web", health_grace=100)).grace_ends_at == 0


def test_before_a_route_is_live_tasks_that_the_stack_has_not_attached_are_no_cause():
    """The status says what the stack waits for."""
    case = CASES["NOT_REGISTERED"]
    assert targets.not_registered(case)
    assert targets.not_registered(dataclasses.replace(case, is_live=False)) is None


def test_where_the_deployment_lists_the_group_only_its_own_tasks_are_missed():
    listed = evidence(targets=(), is_live=False)
    assert targets.not_registered(listed).likelihood == "likely"
    newer = a_service(a_deployment(id="ecs-svc/2", rollout="IN_PROGRESS", created_at=NOW - 30))
    assert targets.not_registered(dataclasses.replace(listed, service=newer)) is None
