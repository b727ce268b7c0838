"""From the claims and the observed graph to the desired graph: pure."""

import json
from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING

from ecs_lattice import ownership
from ecs_lattice.graph import Association, Group, Target, id_of
from ecs_lattice.lattice_side.claim_facts import tag_value
from ecs_lattice.lattice_side.desired_values import Desired, DesiredGroup, DesiredService
from ecs_lattice.lattice_side.forwarding import PlanContext
from ecs_lattice.lattice_side.listeners import desired_listeners
from ecs_lattice.lattice_side.ports import GroupSpec, ServiceSpec
from ecs_lattice.lattice_side.seen import ObservedIndex, Timers
from ecs_lattice.outcome import Problem
from ecs_lattice.settings import Settings

if TYPE_CHECKING:
    from ecs_lattice.lattice_side.resolutions import Resolution

_CREATE_SECONDS, _DELETE_SECONDS, _DRAIN_SECONDS = 5, 10, 45
_RETRY_SHARE = 0.5  # of the drift time: the resync spreads its reads over that time
INCOMPLETE_SECONDS = 900
"""What waits for a whole resync of the registry waits for about so long."""


def desired_graph(context: PlanContext) -> Desired:
    """The graph as it should be after this run."""
    listeners, dropped_listeners = desired_listeners(context)
    groups, targets = _deletable(context)
    return Desired(
        service=_service(context),
        groups=_groups(context),
        listeners=listeners,
        networks=_networks(context),
        dropped_listeners=dropped_listeners,
        dropped_associations=_dropped_associations(context) if context.index.observed.associations else (),
        dropped_groups=groups,
        dropped_targets=targets,
    )


def _service(context: PlanContext) -> DesiredService | None:
    """The Lattice service; None while no active claim needs one."""
    settings, there = context.settings, context.index.observed.service
    if there is None and not context.active:
        return None
    spec, holder = _service_spec(context), context.index.remembered.holder
    tags = {ownership.OWNER: settings.owner} | ({ownership.HOLDER: holder} if holder else {})
    policy = None
    if (spec.auth or (there and there.auth)) == "AWS_IAM":
        account = there.account if there else context.active[0].claim.service.account
        policy = _policy(settings.service_auth_policy, account)
    return DesiredService(spec, tuple(tags.items()), policy, there, tuple(claim.key for claim in context.active))


def _service_spec(context: PlanContext) -> ServiceSpec:
    """What its claims decide together; None for what is left to VPC Lattice or stays as it is."""
    values = {name: decided.value for name, decided in context.joint.items()}
    return ServiceSpec(context.index.remembered.name, **values)


def _policy(configured: str, account: str) -> str:
    """The auth policy, on one line (VPC Lattice API, PutAuthPolicy: no line breaks)."""
    if configured:
        return json.dumps(json.loads(configured))
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


def _groups(context: PlanContext) -> tuple[DesiredGroup, ...]:
    wanted: dict[str, list[Resolution]] = defaultdict(list)
    for resolution in context.active:
        if resolution.claim.own_group is None:
            wanted[resolution.group_name].append(resolution)
    groups: list[DesiredGroup] = []
    for name, resolutions in sorted(wanted.items()):
        first, keys = resolutions[0], tuple(resolution.key for resolution in resolutions)
        service, route, placement = first.claim.service, first.route, first.claim.placement
        there = context.index.groups.get(first.group_ref)
        if there and there.status == "CREATE_IN_PROGRESS":
            context.timers.wait(_CREATE_SECONDS, f"target group {name} is being created", keys)
        if there and there.status.startswith("DELETE_IN"):
            context.timers.wait(
                _DELETE_SECONDS, f"target group {name} is being deleted and will be created again", keys
            )
        version = route.protocol_version if route.protocol != "TCP" else None
        location = (placement.vpc_id, placement.family, placement.port)
        spec = GroupSpec(name, *location, route.protocol, version, route.health)
        tags = (
            (ownership.OWNER, context.settings.owner),
            (ownership.CLUSTER, service.cluster),
            (ownership.SERVICE, service.name),
            (ownership.STEM, tag_value(f"{service.arn}#{route.lattice_service}#{route.port_name}")),
        )
        groups.append(DesiredGroup(spec, tags, there, keys))
    return tuple(groups)


def _deletable(context: PlanContext) -> tuple[tuple[Group, ...], tuple[tuple[Group, tuple[Target, ...]], ...]]:
    """The groups to delete now, and the targets to deregister before that."""
    deletable: list[Group] = []
    targets: list[tuple[Group, tuple[Target, ...]]] = []
    for group in context.index.observed.groups:
        if group.id in context.index.referenced or not _may_be_deleted(context, group):
            continue
        keys = tuple(resolution.key for resolution in _claims_of(context, group))
        if group.status.endswith("IN_PROGRESS"):
            context.timers.wait(_DELETE_SECONDS, f"target group {group.name} is {group.status}", keys)
        elif not group.targets:
            deletable.append(group)
        else:
            registered = tuple(target for target in group.targets if target.status != "DRAINING")
            context.timers.wait(_DRAIN_SECONDS, f"targets of {group.name} are draining", keys)
            targets += [(group, registered)] if registered else []
    return tuple(deletable), tuple(targets)


def _may_be_deleted(context: PlanContext, group: Group) -> bool:
    """Whether a group of this stack has no claim that stays, and no deployment names it. One without claims goes once it
    has been empty for a while; one of an ECS service without a claim here is left alone, because the registry may have
    been lost.
    """
    index = context.index
    if (group.name, group.arn) not in index.remembered.groups:
        return False
    if group.status == "CREATE_FAILED":
        return True
    if claims := _claims_of(context, group):
        return all(resolution.mode == "removing" and not resolution.claim.named for resolution in claims)
    if index.owners.get(group.id) not in index.claimants:
        return False
    if group.targets:
        context.timers.wait(_DRAIN_SECONDS, f"tasks are still registered in {group.name}, which was replaced")
        return False
    why = f"{group.name} was replaced just now"
    return context.timers.has_lasted(f"empty:{group.id}", context.settings.settle_seconds, why)


def _claims_of(context: PlanContext, group: Group) -> list["Resolution"]:
    return [resolution for resolution in context.assignment.resolutions if resolution.group_ref == group.id]


def _networks(context: PlanContext) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The service networks to associate with, by ARN, each with the claims that need it."""
    wanted: dict[str, list[str]] = defaultdict(list)
    for resolution in context.active:
        for network in resolution.networks:
            for arn in context.index.networks.get(network, ())[:1]:
                wanted[arn].append(resolution.key)
    for association in failed_associations(context.index, context.settings, context.timers):
        wanted.pop(association.network_arn, None)
    for association in context.index.observed.associations:
        if association.network_arn in wanted and association.status.endswith("IN_PROGRESS"):
            why = f"the association with {association.network_arn} is {association.status}"
            context.timers.wait(_CREATE_SECONDS, why, tuple(wanted[association.network_arn]))
    return tuple((arn, tuple(keys)) for arn, keys in sorted(wanted.items()))


def failed_associations(index: ObservedIndex, settings: Settings, timers: Timers) -> tuple[Association, ...]:
    """Those that VPC Lattice could not create, as long as they stay: what failed is tried again when a resync looks at drift,
    and no sooner, because nothing here is known to have changed."""
    retry_seconds = settings.drift_hours * 3600 * _RETRY_SHARE
    failed = (association for association in index.observed.associations if association.status == "CREATE_FAILED")
    return tuple(each for each in failed if timers.now - timers.since(f"failed:{id_of(each.arn)}") < retry_seconds)


def association_refusals(index: ObservedIndex, settings: Settings, timers: Timers) -> dict[str, Problem]:
    """The refusals of the claims that need a failed association, by claim key. What receives requests gets a notice instead
    (:mod:`.notices`)."""
    refused: dict[str, Problem] = {}
    for association in failed_associations(index, settings, timers):
        message = (
            f"VPC Lattice could not associate the Lattice service with {association.network_arn}: "
            f"{association.failure or 'it names no reason'}. It is tried again within {settings.drift_hours:g} hours, or as "
            "soon as you delete it: aws vpc-lattice delete-service-network-service-association "
            f"--service-network-service-association-identifier {association.arn}"
        )
        for facts in index.claims:
            asked = {arn for network in facts.networks for arn in index.networks.get(network, ())[:1]}
            if association.network_arn in asked and not facts.receives:
                refused[facts.key] = Problem("ASSOCIATION_FAILED", message)
    return refused


def _dropped_associations(context: PlanContext) -> tuple[Association, ...]:
    """Those of this stack that no claim with a say asks for any more, after the grace time; none while no claim is active, or
    none names a network: without any association nobody could reach what is live.
    The registry has to know that labels asked for them: what it cannot explain stays, with a notice (:mod:`.notices`)."""
    grace, why = context.settings.grace_seconds, "a service network is no longer declared"
    unwanted = _unwanted_associations(context) if context.active else ()
    if unwanted and not context.index.is_complete:
        context.timers.wait(
            INCOMPLETE_SECONDS, "the registry is being rebuilt; a service network is no longer declared"
        )
        return ()
    return tuple(
        association
        for association in unwanted
        if context.timers.has_lasted(f"network:{id_of(association.network_arn)}", grace, why)
    )


def _unwanted_associations(context: PlanContext) -> tuple[Association, ...]:
    wanted, known = wanted_networks(context), {arn for _, arn in context.index.remembered.networks}
    if not wanted:
        return ()
    associations = context.index.observed.associations
    return tuple(each for each in associations if each.ours and each.network_arn in known - wanted)


def wanted_networks(context: PlanContext) -> frozenset[str]:
    """The ARNs of the networks that claims with a say ask for. A claim that is rejected before it was ever live does not
    count, or it would keep the others in a network that they have left."""
    resolutions = context.assignment.resolutions
    asking = [r for r in resolutions if r.speaks and r.mode != "removing" and (r.mode != "rejected" or r.was_live)]
    networks = set(chain(*(resolution.networks for resolution in asking)))
    return frozenset(chain(*(context.index.networks.get(network, ()) for network in networks)))
