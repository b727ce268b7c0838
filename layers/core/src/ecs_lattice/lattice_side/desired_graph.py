"""From the claims and a reading to the desired graph: pure."""

import json

from ecs_lattice import ownership
from ecs_lattice.graph import Association, Group, Tags, Target, id_of
from ecs_lattice.lattice_side.desired_values import Desired, DesiredGroup, DesiredService, Timers
from ecs_lattice.lattice_side.listeners import ListenerBuilder
from ecs_lattice.lattice_side.matches import RuleAssignment
from ecs_lattice.lattice_side.ports import GroupSpec, ServiceSpec
from ecs_lattice.lattice_side.resolve import Resolution, Resolver
from ecs_lattice.lattice_side.seen import group_name, networks_of, tag_value

_CREATE_SECONDS, _DELETE_SECONDS, _DRAIN_SECONDS = 5, 10, 45


def build(court: Resolver, assignment: RuleAssignment, clocks: Timers) -> tuple[Desired, ListenerBuilder]:
    """The graph as it should be, and the routing that answers are read from."""
    routing = ListenerBuilder(court, assignment, clocks, court.settings.settle_seconds)
    listeners = routing.listeners() if _has_work(court) else ()
    groups = _groups(court, clocks)
    doomed, targets = _doomed(court, clocks)
    networks = _networks(court)
    _await_associations(court, clocks, networks)
    desired = Desired(
        service=_service(court),
        groups=groups,
        listeners=listeners,
        networks=networks,
        dropped_listeners=tuple(routing.dropped_listeners),
        dropped_associations=_dropped_associations(court, clocks),
        dropped_groups=doomed,
        dropped_targets=targets,
    )
    return desired, routing


def _has_work(court: Resolver) -> bool:
    return bool(court.in_order("kept")) or bool(court.seen.observed.listeners)


def _service(court: Resolver) -> DesiredService | None:
    """The Lattice service; None while no claim that stands needs one."""
    kept = court.in_order("kept")
    there = court.seen.observed.service
    if there is None and not kept:
        return None
    spec = _service_spec(court)
    tags: Tags = ((ownership.OWNER, court.settings.owner),)
    if holder := court.holder_tag():
        tags = (*tags, (ownership.HOLDER, holder))
    policy = None
    if (spec.auth or (there.auth if there else "NONE")) == "AWS_IAM":
        policy = _policy(court, there.account if there else kept[0].claim.service.account)
    return DesiredService(spec, tags, policy, there, tuple(s.record.key for s in kept))


def _service_spec(court: Resolver) -> ServiceSpec:
    """What the first claim that says so declares; what nobody declares stays as it is."""
    standings = court.in_order("kept", "paused", "held")
    first = {
        key: next((v for s in standings if (v := getattr(s.claim.route, key)) is not None), None)
        for key in ("domain", "certificate", "auth", "idle_timeout")
    }
    auth = first["auth"]
    if court.settings.minimum_auth == "iam":
        auth = "AWS_IAM"
    return ServiceSpec(court.seen.remembered.name, first["domain"], first["certificate"], auth, first["idle_timeout"])


def _policy(court: Resolver, account: str) -> str:
    """The auth policy, on one line (VPC Lattice API, PutAuthPolicy: no line breaks)."""
    if court.settings.service_auth_policy:
        return json.dumps(json.loads(court.settings.service_auth_policy))
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "vpc-lattice-svcs:Invoke",
        "Resource": "*",
        "Condition": {
            "StringEquals": {"aws:PrincipalAccount": account},
            "StringNotEqualsIgnoreCase": {"aws:PrincipalType": "anonymous"},
        },
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _groups(court: Resolver, clocks: Timers) -> tuple[DesiredGroup, ...]:
    wanted: dict[str, list[Resolution]] = {}
    for standing in court.in_order("kept"):
        if standing.claim.own_group is None:
            wanted.setdefault(group_name(standing.claim), []).append(standing)
    return tuple(_group(court, clocks, name, standings) for name, standings in sorted(wanted.items()))


def _group(court: Resolver, clocks: Timers, name: str, standings: list[Resolution]) -> DesiredGroup:
    first = standings[0].claim
    there = court.seen.group(court.seen.reference(first))
    if there and there.status == "CREATE_IN_PROGRESS":
        clocks.wait(_CREATE_SECONDS, f"target group {name} is being created")
    if there and there.status.startswith("DELETE_IN"):
        clocks.wait(_DELETE_SECONDS, f"target group {name} is being deleted, and made again after that")
    spec = GroupSpec(
        name,
        first.placement.vpc_id,
        first.placement.family,
        first.placement.port,
        first.route.protocol,
        first.route.protocol_version if first.route.protocol != "TCP" else None,
        first.route.health,
    )
    tags = (
        (ownership.OWNER, court.settings.owner),
        (ownership.CLUSTER, first.service.cluster),
        (ownership.SERVICE, first.service.name),
        (ownership.STEM, tag_value(f"{first.service.arn}#{first.route.lattice_service}#{first.route.port_name}")),
    )
    return DesiredGroup(spec, tags, there, tuple(s.record.key for s in standings))


def _doomed(court: Resolver, clocks: Timers) -> tuple[tuple[Group, ...], tuple[tuple[Group, tuple[Target, ...]], ...]]:
    """The groups to delete now, and the targets to deregister before that."""
    staying = {court.seen.reference(s.claim) for s in court.in_order("kept", "held", "paused", "stopped")}
    doomed: list[Group] = []
    targets: list[tuple[Group, tuple[Target, ...]]] = []
    for group in court.seen.observed.groups:
        if not court.seen.is_ours(group):
            continue
        if group.id in staying and group.status != "CREATE_FAILED":
            continue
        if group.id in court.seen.referenced or not _may_go(court, clocks, group):
            continue
        if group.status.endswith("IN_PROGRESS"):
            clocks.wait(_DELETE_SECONDS, f"target group {group.name} is {group.status}")
        elif not group.targets:
            doomed.append(group)
        else:
            left = tuple(target for target in group.targets if target.status != "DRAINING")
            clocks.wait(_DRAIN_SECONDS, f"targets of {group.name} are draining")
            targets += [(group, left)] if left else []
    return tuple(doomed), tuple(targets)


def _may_go(court: Resolver, clocks: Timers, group: Group) -> bool:
    """Whether no deployment names the group. One that nobody claims goes once it is empty and has been for a while;
    one of an ECS service that has no claim here is left alone, because the registry may have been lost.
    """
    if group.status == "CREATE_FAILED":
        return True
    leaving = [s for s in court.in_order("leaving") if court.seen.reference(s.claim) == group.id]
    if leaving:
        return not any(standing.claim.named for standing in leaving)
    if court.seen.owner_of_group(group.id) not in court.seen.claimants:
        return False
    empty = f"empty:{group.id}"
    if group.targets:
        clocks.wait(_DRAIN_SECONDS, f"tasks are still registered in {group.name}, which was replaced")
        return False
    return clocks.has_lasted(empty, court.settings.settle_seconds, f"{group.name} was replaced just now")


def _networks(court: Resolver) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The networks to be associated with, by ARN, and who needs each."""
    wanted: dict[str, list[str]] = {}
    known = dict(court.seen.observed.networks)
    for standing in court.in_order("kept"):
        for word in networks_of(standing.claim, court.settings):
            for arn in known.get(word, ())[:1]:
                wanted.setdefault(arn, []).append(standing.record.key)
    return tuple((arn, tuple(keys)) for arn, keys in sorted(wanted.items()))


def _await_associations(court: Resolver, clocks: Timers, networks: tuple[tuple[str, tuple[str, ...]], ...]) -> None:
    wanted = {arn for arn, _ in networks}
    for one in court.seen.observed.associations:
        if one.network_arn in wanted and one.status.endswith("IN_PROGRESS"):
            clocks.wait(_CREATE_SECONDS, f"the association with {one.network_arn} is {one.status}")


def _dropped_associations(court: Resolver, clocks: Timers) -> tuple[Association, ...]:
    """Ours that no claim asks for any more, after the grace time; none while no claim stands or one is stopped."""
    if not court.in_order("kept") or court.in_order("stopped"):
        return ()
    known = dict(court.seen.observed.networks)
    words = {word for record in court.seen.records for word in networks_of(record.claim, court.settings)}
    wanted = {arn for word in words for arn in known.get(word, ())}
    return tuple(
        one
        for one in court.seen.observed.associations
        if one.ours
        and one.network_arn not in wanted
        and clocks.has_lasted(
            f"network:{id_of(one.network_arn)}", court.settings.grace_seconds, "a network is no longer asked for"
        )
    )
