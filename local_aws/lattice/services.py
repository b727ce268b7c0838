"""Service networks and services."""

from local_aws.lattice import errors, ids
from local_aws.lattice.core import LatticeState, Params
from local_aws.lattice.state import Resource, Service, ServiceNetwork, View


class ServiceOperations(LatticeState):
    """Create, read, update, delete and list both."""

    # ---- service networks: no status, so created and deleted immediately (service model)

    def op_create_service_network(self, params: Params) -> View:
        return self._network_view(self.once("CreateServiceNetwork", params, lambda: self._new_network(params)))

    def _new_network(self, params: Params) -> ServiceNetwork:
        self.name_is_free(self.service_networks.values(), params["name"])
        self.within("service_networks", len(self.service_networks) + 1, ServiceNetwork.kind)
        network = ServiceNetwork(
            **self.base("sn", "servicenetwork", params),
            name=params["name"],
            auth_type=params.get("authType", "NONE"),
            sharing=params.get("sharingConfig"),
        )
        self.service_networks[network.id] = network
        return network

    def _network_view(self, network: ServiceNetwork) -> View:
        vpcs = [
            association
            for association in self.service_network_vpc_associations.values()
            if association.network is network
        ]
        services = [
            association
            for association in self.service_network_service_associations.values()
            if association.network is network
        ]
        return {
            **network.view(),
            "numberOfAssociatedVPCs": len(vpcs),
            "numberOfAssociatedServices": len(services),
            "numberOfAssociatedResourceConfigurations": 0,
        }

    def op_get_service_network(self, params: Params) -> View:
        return self._network_view(self.network(params))

    def op_update_service_network(self, params: Params) -> View:
        network = self.network(params)
        network.auth_type = params["authType"]
        self.touch(network)
        return self._network_view(network)

    def op_delete_service_network(self, params: Params) -> View:
        """Rejected while a service or a VPC is associated; also deletes auth policy and log subscriptions (API reference)."""
        network = self.network(params)
        view = self._network_view(network)
        for count, what in (("numberOfAssociatedVPCs", "VPC(s)"), ("numberOfAssociatedServices", "service(s)")):
            if view[count]:
                message = f"ServiceNetwork {network.id} has {what} associated"
                raise errors.conflict(message, network.id, network.kind)
        del self.service_networks[network.id]
        self._drop_what_hangs_on(network)
        self.forget(network)
        return {}

    def op_list_service_networks(self, params: Params) -> View:
        networks = self.listed(self.service_networks, ServiceNetwork)
        return self.page([self._network_view(network) for network in networks], params)

    # ---- services

    def op_create_service(self, params: Params) -> View:
        return self.once("CreateService", params, lambda: self._new_service(params)).view()

    def _new_service(self, params: Params) -> Service:
        self.name_is_free(self.services.values(), params["name"])
        self.within("services", len(self.services) + 1, Service.kind)
        base = self.base("svc", "service", params)
        domain = ids.domain_name(params["name"], base["id"], self.region_name)
        service = Service(
            **base,
            name=params["name"],
            dns={"domainName": domain, "hostedZoneId": ids.HOSTED_ZONE},
            auth_type=params.get("authType", "NONE"),
            custom_domain=params.get("customDomainName"),
            certificate=params.get("certificateArn"),
            idle_timeout=params.get("idleTimeoutSeconds", 60),
        )
        self.services[service.id] = service
        self.begin(service)
        return service

    def op_get_service(self, params: Params) -> View:
        return self.service(params).view()

    def op_update_service(self, params: Params) -> View:
        service = self.live(self.service(params))
        service.auth_type = params.get("authType", service.auth_type)
        service.certificate = params.get("certificateArn", service.certificate)
        service.idle_timeout = params.get("idleTimeoutSeconds", service.idle_timeout)
        self.touch(service)
        return service.view()

    def op_delete_service(self, params: Params) -> View:
        """Rejected while it is associated with a service network or being created.

        Also deletes listeners, rules, auth policy and log subscriptions (API reference, DeleteService).
        """
        service = self.service(params)
        if service.status == "CREATE_IN_PROGRESS":
            message = f"Service {service.id} is in status CREATE_IN_PROGRESS"
            raise errors.conflict(message, service.id, service.kind)
        if any(association.service is service for association in self.service_network_service_associations.values()):
            message = f"Service {service.id} is associated with a service network"
            raise errors.conflict(message, service.id, service.kind)
        self.end(service, lambda: self._remove_service(service))
        return service.view()

    def _remove_service(self, service: Service) -> None:
        self.services.pop(service.id, None)
        for listener in [known for known in self.listeners.values() if known.service is service]:
            for rule in [known for known in self.rules.values() if known.listener_id == listener.id]:
                del self.rules[rule.id]
            del self.listeners[listener.id]
        self._drop_what_hangs_on(service)
        self.routing_changed()

    def _drop_what_hangs_on(self, resource: Resource) -> None:
        self.auth_policies.pop(resource.id, None)
        self.resource_policies.pop(resource.arn, None)
        for subscription in [
            known for known in self.access_log_subscriptions.values() if known.resource_id == resource.id
        ]:
            del self.access_log_subscriptions[subscription.id]

    def op_list_services(self, params: Params) -> View:
        return self.page([service.view() for service in self.listed(self.services, Service)], params)
