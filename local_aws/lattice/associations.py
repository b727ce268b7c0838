"""Associations of service networks with services and with VPCs."""

from local_aws.lattice import errors, vpcs
from local_aws.lattice.core import LatticeState, Params
from local_aws.lattice.state import Resource, ServiceAssociation, ServiceNetwork, View, VpcAssociation


class AssociationOperations(LatticeState):
    """Create, read, update (VPC only), delete and list both."""

    # ---- service network and service

    def op_create_service_network_service_association(self, params: Params) -> View:
        operation = "CreateServiceNetworkServiceAssociation"
        return self.once(operation, params, lambda: self._new_service_association(params)).view()

    def _new_service_association(self, params: Params) -> ServiceAssociation:
        """One per pair, and none while the old one is being deleted (API reference)."""
        network, service = self.network(params), self.live(self.service(params))
        of_network = [
            association
            for association in self.service_network_service_associations.values()
            if association.network is network
        ]
        for other in of_network:
            if other.service is service:
                message = f"Service {service.id} is already associated with {network.id}, in status {other.status}"
                raise errors.conflict(message, other.id, other.kind)
        self._domain_is_free(network, service.custom_domain)
        self.within("service_associations_per_network", len(of_network) + 1, ServiceAssociation.kind, network.id)
        association = ServiceAssociation(
            **self.base("snsa", "servicenetworkserviceassociation", params),
            network=network,
            service=service,
            created_by=self.account_id,
        )
        self.service_network_service_associations[association.id] = association
        self.begin(association)
        return association

    def _domain_is_free(self, network: ServiceNetwork, domain: str | None) -> None:
        """A custom domain name is unique within a service network (User Guide, custom domain name); assumption: a second one is a
        ConflictException that names the other service, not an association in CREATE_FAILED."""
        for other in self.service_network_service_associations.values():
            if domain and other.network is network and other.service.custom_domain == domain:
                message = f"The custom domain name {domain} is used by {other.service.id} in {network.id}"
                raise errors.conflict(message, other.service.id, other.service.kind)

    def _service_association(self, params: Params) -> ServiceAssociation:
        identifier = params["serviceNetworkServiceAssociationIdentifier"]
        return self.find(self.service_network_service_associations, identifier, ServiceAssociation.kind)

    def op_get_service_network_service_association(self, params: Params) -> View:
        """With the failure, which the list leaves out (service model)."""
        association = self._service_association(params)
        failure = {"failureCode": association.failure_code, "failureMessage": association.failure_message}
        return {**association.view(), **failure}

    def op_delete_service_network_service_association(self, params: Params) -> View:
        association = self._service_association(params)
        self._settled(association)
        self.end(association, lambda: self._remove_service_association(association))
        return association.view()

    def _remove_service_association(self, association: ServiceAssociation) -> None:
        self.service_network_service_associations.pop(association.id, None)

    def op_list_service_network_service_associations(self, params: Params) -> View:
        """Network or service must be given (API reference)."""
        self._one_of(params, "serviceNetworkIdentifier", "serviceIdentifier")
        found = self.listed(self.service_network_service_associations, ServiceAssociation)
        if "serviceNetworkIdentifier" in params:
            network = self.network(params)
            found = [association for association in found if association.network is network]
        if "serviceIdentifier" in params:
            service = self.service(params)
            found = [association for association in found if association.service is service]
        return self.page([association.view() for association in found], params)

    # ---- service network and VPC

    def op_create_service_network_vpc_association(self, params: Params) -> View:
        operation = "CreateServiceNetworkVpcAssociation"
        return self.once(operation, params, lambda: self._new_vpc_association(params)).view()

    def _new_vpc_association(self, params: Params) -> VpcAssociation:
        """A VPC has at most one service network (User Guide, quotas); text as clients have observed it."""
        network, vpc_id = self.network(params), params["vpcIdentifier"]
        for other in self.service_network_vpc_associations.values():
            if other.vpc_id == vpc_id:
                message = "VPC has already been associated to a service network."
                raise errors.conflict(message, other.id, other.kind)
        self._vpc_exists(vpc_id)
        groups = list(dict.fromkeys(params.get("securityGroupIds", ())))
        self.within("security_groups_per_association", len(groups), VpcAssociation.kind)
        of_network = [
            association
            for association in self.service_network_vpc_associations.values()
            if association.network is network
        ]
        self.within("vpc_associations_per_network", len(of_network) + 1, VpcAssociation.kind, network.id)
        association = VpcAssociation(
            **self.base("snva", "servicenetworkvpcassociation", params),
            network=network,
            vpc_id=vpc_id,
            created_by=self.account_id,
            security_groups=groups,
            private_dns=params.get("privateDnsEnabled"),
            dns_options=params.get("dnsOptions"),
        )
        self.service_network_vpc_associations[association.id] = association
        self.begin(association)
        return association

    def _vpc_exists(self, vpc_id: str) -> None:
        """Reject a VPC that EC2 does not know, as soon as EC2 has any VPC besides the default one."""
        known = vpcs.known(self.account_id, self.region_name)
        if known and vpc_id not in known:
            raise errors.invalid(f"VPC {vpc_id} does not exist", ("vpcIdentifier", "does not exist"))

    def _vpc_association(self, params: Params) -> VpcAssociation:
        identifier = params["serviceNetworkVpcAssociationIdentifier"]
        return self.find(self.service_network_vpc_associations, identifier, VpcAssociation.kind)

    def op_get_service_network_vpc_association(self, params: Params) -> View:
        return self._vpc_association(params).view()

    def op_update_service_network_vpc_association(self, params: Params) -> View:
        """Replaces the security groups; an association with groups must keep at least one (API reference)."""
        association = self._vpc_association(params)
        self._settled(association)
        self.live(association)
        if "securityGroupIds" in params:
            association.security_groups = list(dict.fromkeys(params["securityGroupIds"]))
        association.private_dns = params.get("privateDnsEnabled", association.private_dns)
        association.dns_options = params.get("dnsOptions", association.dns_options)
        association.status = "UPDATE_IN_PROGRESS"
        self.touch(association)
        self.later(self.timing.associate, lambda: self._updated(association))
        return association.view()

    def _updated(self, association: VpcAssociation) -> None:
        if association.status == "UPDATE_IN_PROGRESS":
            association.status = "ACTIVE"

    def op_delete_service_network_vpc_association(self, params: Params) -> View:
        association = self._vpc_association(params)
        self._settled(association)
        self.end(association, lambda: self._remove_vpc_association(association))
        return association.view()

    def _remove_vpc_association(self, association: VpcAssociation) -> None:
        self.service_network_vpc_associations.pop(association.id, None)

    def op_list_service_network_vpc_associations(self, params: Params) -> View:
        """Network or VPC must be given (API reference)."""
        self._one_of(params, "serviceNetworkIdentifier", "vpcIdentifier")
        found = self.listed(self.service_network_vpc_associations, VpcAssociation)
        if "serviceNetworkIdentifier" in params:
            network = self.network(params)
            found = [association for association in found if association.network is network]
        if "vpcIdentifier" in params:
            found = [association for association in found if association.vpc_id == params["vpcIdentifier"]]
        return self.page([association.view() for association in found], params)

    def op_list_service_network_vpc_endpoint_associations(self, params: Params) -> View:
        return self.page(self.vpc_endpoint_associations.get(self.network(params).id, ()), params)

    # ---- both

    def _settled(self, association: Resource) -> None:
        """An association that is being created or updated can be neither deleted nor updated (API reference)."""
        if association.status in {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"}:
            message = f"Association {association.id} is in status {association.status}"
            raise errors.conflict(message, association.id, association.kind)

    def _one_of(self, params: Params, first: str, second: str) -> None:
        if first not in params and second not in params:
            message = f"Give {first} or {second}"
            raise errors.invalid(message, (first, message), (second, message))
