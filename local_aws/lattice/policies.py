"""Auth policies and access log subscriptions of services and service networks."""

import json

from local_aws.lattice import errors, ids
from local_aws.lattice.core import LatticeState, Params
from local_aws.lattice.state import AccessLogSubscription, Policy, Service, ServiceNetwork, View
from local_aws.services import clock


class PolicyOperations(LatticeState):
    """Put, get and delete auth policies; create, get, update, delete and list log subscriptions."""

    def _holder(self, params: Params) -> Service | ServiceNetwork:
        identifier = params["resourceIdentifier"]
        if ids.tail(identifier).startswith("sn-"):
            return self.find(self.service_networks, identifier, ServiceNetwork.kind)
        return self.find(self.services, identifier, Service.kind)

    # ---- auth policies

    def op_put_auth_policy(self, params: Params) -> View:
        """JSON without newlines (API reference), within its quota of bytes."""
        holder, text = self._holder(params), params["policy"]
        problem = None
        if "\n" in text or "\r" in text:
            problem = "must not contain newlines or blank lines"
        try:
            json.loads(text)
        except ValueError as error:
            problem = problem or f"is not JSON: {error}"
        if problem:
            raise errors.invalid(f"policy {problem}", ("policy", problem))
        self.within("auth_policy_bytes", len(text.encode()), "AUTH_POLICY", holder.id)
        now = clock().now()
        before = self.auth_policies.get(holder.id)
        self.auth_policies[holder.id] = Policy(text, before.created_at if before else now, now)
        return self._policy_view(holder)

    def _policy_view(self, holder: Service | ServiceNetwork) -> View:
        """A policy is active only while the resource's auth type is AWS_IAM (service model)."""
        policy = self.auth_policies.get(holder.id)
        if policy is None:
            raise errors.not_found(holder.id, "AUTH_POLICY")
        state = "Active" if holder.auth_type == "AWS_IAM" else "Inactive"
        return {
            "policy": policy.text,
            "state": state,
            "createdAt": policy.created_at,
            "lastUpdatedAt": policy.updated_at,
        }

    def op_get_auth_policy(self, params: Params) -> View:
        return self._policy_view(self._holder(params))

    def op_delete_auth_policy(self, params: Params) -> View:
        """Allowed with AWS_IAM too: all requests are denied afterwards (API reference)."""
        holder = self._holder(params)
        if self.auth_policies.pop(holder.id, None) is None:
            raise errors.not_found(holder.id, "AUTH_POLICY")
        return {}

    # ---- access log subscriptions

    def op_create_access_log_subscription(self, params: Params) -> View:
        operation = "CreateAccessLogSubscription"
        return self.once(operation, params, lambda: self._new_subscription(params)).view()

    def _new_subscription(self, params: Params) -> AccessLogSubscription:
        """One per kind of destination and resource (User Guide, "Access logs")."""
        holder, destination = self._holder(params), params["destinationArn"]
        kind = destination.split(":")[2]
        if kind not in {"logs", "s3", "firehose"}:
            message = "must be a log group, a bucket or a delivery stream"
            raise errors.invalid(f"destinationArn {message}", ("destinationArn", message))
        for other in self.access_log_subscriptions.values():
            if other.resource_id == holder.id and other.destination.split(":")[2] == kind:
                message = f"{holder.id} has a subscription with a destination of type {kind} already: {other.id}"
                raise errors.conflict(message, other.id, other.kind)
        subscription = AccessLogSubscription(
            **self.base("als", "accesslogsubscription", params),
            resource_id=holder.id,
            resource_arn=holder.arn,
            destination=destination,
            log_type=params.get("serviceNetworkLogType", "SERVICE" if isinstance(holder, ServiceNetwork) else None),
        )
        self.access_log_subscriptions[subscription.id] = subscription
        return subscription

    def _subscription(self, params: Params) -> AccessLogSubscription:
        identifier = params["accessLogSubscriptionIdentifier"]
        return self.find(self.access_log_subscriptions, identifier, AccessLogSubscription.kind)

    def op_get_access_log_subscription(self, params: Params) -> View:
        return self._subscription(params).view()

    def op_update_access_log_subscription(self, params: Params) -> View:
        subscription = self._subscription(params)
        subscription.destination = params["destinationArn"]
        self.touch(subscription)
        return subscription.view()

    def op_delete_access_log_subscription(self, params: Params) -> View:
        subscription = self._subscription(params)
        del self.access_log_subscriptions[subscription.id]
        self.forget(subscription)
        return {}

    def op_list_access_log_subscriptions(self, params: Params) -> View:
        holder = self._holder(params)
        listed = self.listed(self.access_log_subscriptions, AccessLogSubscription)
        return self.page(
            [subscription.view() for subscription in listed if subscription.resource_id == holder.id], params
        )
