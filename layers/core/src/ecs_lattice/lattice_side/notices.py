"""What the people of a route should know about its Lattice service, though nothing is wrong with the route: pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from ecs_lattice.bounds import listed
from ecs_lattice.claims import ASSOCIATION_MISSING, AUTH_ALLOWS_NOBODY, DOMAIN_TAKEN, NETWORK_ALLOWS_NOBODY, Notice
from ecs_lattice.lattice_side.auth_policies import has_allow
from ecs_lattice.lattice_side.desired_graph import wanted_networks
from ecs_lattice.lattice_side.forwarding import PlanContext
from ecs_lattice.lattice_side.joint_settings import Decided, follows
from ecs_lattice.lattice_side.resolutions import STAYING, Resolution, asks_for_network
from ecs_lattice.lattice_side.succession import standby_notices
from ecs_lattice.matching import has_query

_NAMES = 3
_ASSOCIATED = {"ACTIVE", "CREATE_IN_PROGRESS", "DELETE_FAILED"}


def notices(context: PlanContext) -> dict[str, tuple[Notice, ...]]:
    """The notices by claim key; claims that may not speak get none."""
    of_all = (*_without_network(context), *_unexplained_associations(context), *_listeners(context))
    found: dict[str, tuple[Notice, ...]] = {}
    for resolution in context.assignment.resolutions:
        if resolution.speaks and (resolution.mode in STAYING or resolution.was_live):
            own = (
                *(_cut_off(context, resolution) if resolution.receives else ()),
                *_domain_taken(resolution),
                *_unattached(context, resolution),
                *_path(context, resolution),
                *_settings(context, resolution),
                *_networks(context, resolution),
            )
            found[resolution.key] = (*own, *of_all)
    for key, notice in standby_notices(context.assignment.resolutions):
        found[key] = (notice, *found.get(key, ()))
    return found


def _cut_off(context: PlanContext, resolution: Resolution) -> Iterator[Notice]:
    """What keeps requests from a route that receives them."""
    yield from _not_associated(context, resolution)
    yield from _allows_nobody(context)
    yield from _network_allows_nobody(context, resolution)


def _not_associated(context: PlanContext, resolution: Resolution) -> Iterator[Notice]:
    """The associations that a live route needs and that somebody has deleted, or that failed; one that is being made is
    none of them."""
    there = {each.network_arn for each in context.index.observed.associations if each.status in _ASSOCIATED}
    if gone := sorted(_arns(context, [resolution]) - there):
        failures = {each.network_arn: each.failure for each in context.index.observed.associations if each.failure}
        why = listed([failures[arn] for arn in gone if arn in failures], _NAMES)
        yield Notice(
            ASSOCIATION_MISSING,
            f"The Lattice service {context.index.remembered.name} is not associated with {listed(gone, _NAMES)}: requests from "
            f"there do not reach the route{f' ({why})' if why else ''}. The association is made anew as soon as VPC Lattice "
            "allows it.",
        )


def _domain_taken(resolution: Resolution) -> Iterator[Notice]:
    if resolution.mode == "active" and resolution.code == DOMAIN_TAKEN:
        yield Notice(resolution.code, resolution.message)


def _unattached(context: PlanContext, resolution: Resolution) -> Iterator[Notice]:
    """The service networks of the route in which there is no client."""
    unattached = {arn for arn, network in context.seen_networks.items() if network.attached is False}
    if alone := sorted(_arns(context, [resolution]) & unattached):
        yield Notice(
            "NETWORK_UNATTACHED",
            f"No VPC and no VPC endpoint is associated with {listed(alone, _NAMES)}: nobody can reach the route from there. "
            "Associate the clients' VPC: aws vpc-lattice create-service-network-vpc-association "
            f"--service-network-identifier {alone[0]} --vpc-identifier <vpc> --security-group-ids <group>",
        )


def _allows_nobody(context: PlanContext) -> Iterator[Notice]:
    service, name = context.index.observed.service, context.index.remembered.name
    if service and service.auth == "AWS_IAM" and not has_allow(context.index.observed.policy):
        yield Notice(
            AUTH_ALLOWS_NOBODY,
            f"The Lattice service {name} requires IAM, and its auth policy has no Allow: VPC Lattice denies every request. "
            "See the stack's parameter ServiceAuthPolicy; a policy that was changed by hand is put back.",
        )


def _network_allows_nobody(context: PlanContext, resolution: Resolution) -> Iterator[Notice]:
    """The service networks of the route whose auth policy denies every request."""
    denying = {arn for arn, network in context.seen_networks.items() if network.allows is False}
    if found := sorted(_arns(context, [resolution]) & denying):
        yield Notice(
            NETWORK_ALLOWS_NOBODY,
            f"The service network {listed(found, _NAMES)} requires IAM, and its auth policy has no Allow: VPC Lattice denies every "
            "request that comes through it. To inspect: aws vpc-lattice get-auth-policy --resource-identifier "
            f"{found[0]}",
        )


def _without_network(context: PlanContext) -> Iterator[Notice]:
    """What was live before a missing service network was refused, or before its network went, stays as it is. Associations
    that others made are their way to say who may reach it."""
    associations, remembered = context.index.observed.associations, context.index.remembered
    if asks_for_network(context.assignment.resolutions) or not all(association.ours for association in associations):
        return
    prefix, state = context.settings.label_prefix, "is associated with no service network, so nobody can reach it"
    if associations:
        state = "keeps its last association, so that what is live can be reached"
    yield Notice(
        "NETWORK_MISSING",
        f"None of the routes of the Lattice service {remembered.name} names a service network, and the stack has no default: it "
        f"{state}. Write {prefix}.network = <name, id or ARN>, or set the stack's parameter DefaultNetworks.",
    )


def _path(context: PlanContext, resolution: Resolution) -> Iterator[Notice]:
    """What was live before a query in a path was refused stays as it is."""
    if has_query(resolution.match):
        key = f"{context.settings.label_prefix}.path.*"
        yield Notice(
            "PATH_WITH_QUERY",
            f"{resolution.match} never matches: VPC Lattice compares the path of a request, which ends before '?' and '#'. "
            f"Write the path alone in {key}; a query cannot be matched, a header can.",
        )


def _settings(context: PlanContext, resolution: Resolution) -> Iterator[Notice]:
    for name, decided in context.joint.items():
        if follows(resolution, decided, context.assignment.resolutions):
            key = f"{context.settings.label_prefix}.{name.replace('_', '-')}"
            yield (
                _unexplained(context, decided, key)
                if decided.is_unexplained
                else Notice(
                    "SETTING_FOLLOWS",
                    f"{key} of the whole Lattice service is {decided.text}, as {decided.asked_by} asks; this ECS service does "
                    "not write it.",
                )
            )


def _unexplained(context: PlanContext, decided: Decided, key: str) -> Notice:
    return Notice(
        "SETTING_UNEXPLAINED",
        f"{key} of the Lattice service {context.index.remembered.name} is {decided.text}, but no label asks for it and none "
        f"is known to have asked. It stays until a label says what it should be: {key} = <value> on every ECS service.",
    )


def _networks(context: PlanContext, resolution: Resolution) -> Iterator[Notice]:
    """The networks that only others ask for, with the first who does."""
    own = _arns(context, [r for r in context.assignment.resolutions if r.owner == resolution.owner])
    others: dict[str, str] = {}
    for other in context.active:
        others |= dict.fromkeys(_arns(context, [other]) - others.keys(), str(other.claim.service))
    by_asking: dict[str, list[str]] = defaultdict(list)
    for arn in sorted(others.keys() - own):
        by_asking[others[arn]].append(arn)
    for asking, asked in sorted(by_asking.items()):
        yield Notice(
            "NETWORK_FOLLOWS",
            f"The Lattice service is associated with {listed(asked, _NAMES)}, as {asking} asks: every route of it can be reached from "
            "there.",
        )


def _arns(context: PlanContext, resolutions: Iterable[Resolution]) -> set[str]:
    """The service networks for which claims ask."""
    networks = {network for resolution in resolutions for network in resolution.networks}
    return {arn for network in networks for arn in context.index.networks.get(network, ())[:1]}


def _unexplained_associations(context: PlanContext) -> Iterator[Notice]:
    known, wanted = {arn for _, arn in context.index.remembered.networks}, wanted_networks(context)
    for association in context.index.observed.associations:
        if association.ours and association.network_arn not in known | wanted:
            yield Notice(
                "ASSOCIATION_UNEXPLAINED",
                f"The Lattice service is associated with {association.network_arn}, but no label asks for it and none is "
                "known to have asked, so the association stays. To remove it: aws vpc-lattice delete-service-network-"
                f"service-association --service-network-service-association-identifier {association.arn}",
            )


def _listeners(context: PlanContext) -> Iterator[Notice]:
    for key in sorted(context.index.foreign_listeners):
        name = context.index.listeners[key].name
        text = f"This stack did not create listener {name} ({key}): its default action is left alone."
        yield Notice("FOREIGN_LISTENER", text)
