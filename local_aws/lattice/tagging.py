"""Tags, through VPC Lattice's own operations and through the Resource Groups Tagging API."""

from collections.abc import Iterator, Mapping

from moto.core.resource_tagging import TaggedResource

from local_aws.lattice import errors
from local_aws.lattice.core import LatticeState, Params
from local_aws.lattice.state import (
    AccessLogSubscription,
    Listener,
    Resource,
    Rule,
    Service,
    ServiceAssociation,
    ServiceNetwork,
    TargetGroup,
    View,
    VpcAssociation,
)


class TagOperations(LatticeState):
    """TagResource, UntagResource, ListTagsForResource, and the resources for GetResources."""

    def op_tag_resource(self, params: Params) -> View:
        """Keys that begin with ``aws:`` are AWS's own (User Guide, tags)."""
        tags = params["tags"]
        if reserved := [key for key in tags if key.lower().startswith("aws:")]:
            message = f"Tag keys must not begin with aws: {', '.join(reserved)}"
            raise errors.invalid(message, ("tags", message))
        self._tagged(params["resourceArn"]).tags.update(tags)
        return {}

    def op_untag_resource(self, params: Params) -> View:
        """Keys that the resource does not have are no error."""
        tags = self._tagged(params["resourceArn"]).tags
        for key in params["tagKeys"]:
            tags.pop(key, None)
        return {}

    def op_list_tags_for_resource(self, params: Params) -> View:
        return {"tags": dict(self._tagged(params["resourceArn"]).tags)}

    def _by_type(self) -> Iterator[tuple[str, type[Resource], Mapping[str, Resource]]]:
        yield "service", Service, self.services
        yield "targetgroup", TargetGroup, self.target_groups
        yield "servicenetwork", ServiceNetwork, self.service_networks
        yield "listener", Listener, self.listeners
        yield (
            "rule",
            Rule,
            {**self.rules, **{listener.default.id: listener.default for listener in self.listeners.values()}},
        )
        yield "servicenetworkserviceassociation", ServiceAssociation, self.service_network_service_associations
        yield "servicenetworkvpcassociation", VpcAssociation, self.service_network_vpc_associations
        yield "accesslogsubscription", AccessLogSubscription, self.access_log_subscriptions

    def _tagged(self, arn: str) -> Resource:
        tail = arn.rsplit("/", 1)[-1]
        for _, _, resources in self._by_type():
            if (found := resources.get(tail)) and found.arn == arn:
                return found
        raise errors.not_found(arn, "RESOURCE")

    # ---- Resource Groups Tagging API: moto calls these for every service

    def iter_tagged_resources(self) -> Iterator[TaggedResource]:
        """All resources with their tags; moto filters. It lags like lists (``faults.list_lag``)."""
        with self.lock:
            found = [
                TaggedResource(arn=resource.arn, tags=dict(resource.tags), resource_type=f"vpc-lattice:{name}")
                for name, kind, resources in self._by_type()
                for resource in self.listed(resources, kind)
            ]
        yield from found

    def tag_resource(self, resource_arn: str, tags: dict[str, str]) -> None:
        self._tagged(resource_arn).tags.update(tags)

    def untag_resource(self, resource_arn: str, tag_keys: list[str]) -> None:
        for key in tag_keys:
            self._tagged(resource_arn).tags.pop(key, None)
