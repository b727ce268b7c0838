"""VPC Lattice of one account and Region, with its single entry point: :meth:`LatticeBackend.perform`."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from moto.core.utils import camelcase_to_underscores

from local_aws import cloudtrail
from local_aws.lattice import shapes
from local_aws.lattice.associations import AssociationOperations
from local_aws.lattice.dataplane import DataPlane
from local_aws.lattice.errors import AnswerLostError, LatticeError
from local_aws.lattice.faults import Call
from local_aws.lattice.listeners import ListenerOperations, RuleOperations
from local_aws.lattice.policies import PolicyOperations
from local_aws.lattice.quotas import Timing
from local_aws.lattice.services import ServiceOperations
from local_aws.lattice.state import View
from local_aws.lattice.tagging import TagOperations
from local_aws.lattice.target_groups import TargetGroupOperations
from local_aws.lattice.targets import TargetOperations
from local_aws.services import clock, current, events

_EVENT_SOURCE = "vpc-lattice.amazonaws.com"
ECS = "ecs.amazonaws.com"
"""The caller that the log of calls shows for ECS."""


class LatticeBackend(
    ServiceOperations,
    AssociationOperations,
    ListenerOperations,
    RuleOperations,
    TargetGroupOperations,
    TargetOperations,
    PolicyOperations,
    TagOperations,
):
    """State, rules and data plane.

    For tests and the demo: ``quotas``, ``timing`` and ``faults`` may be changed, ``calls`` is the log,
    ``after_write`` holds callbacks for changes, ``reaches`` and ``health_check_allowed`` are the decisions of security
    groups about requests and about health checks.
    """

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.data_plane = DataPlane(self)

    @property
    def timing(self) -> Timing:
        """Durations; replace it to change them, even while operations are in progress."""
        return self._timing

    @timing.setter
    def timing(self, timing: Timing) -> None:
        if "data_plane" in self.__dict__:
            self.data_plane.timing_changes()
        self._timing = timing

    def perform(self, operation: str, params: Mapping[str, Any], caller: str = "") -> View:
        """Perform one operation (``CreateRule``) and return its response; both are validated against the service model.

        Raises LatticeError as the API does, AnswerLostError if a fault requires it, BadAnswerError if the response
        violates the model. Operations are serialized.
        """
        params = copy.deepcopy(dict(params))
        call = Call(operation, params, clock().time(), caller)
        try:
            with self.lock:
                self.calls.append(call)
                lose_answer = self.faults.before(operation)
                shapes.check_input(operation, params)
                answer = shapes.answer(operation, getattr(self, method_of(operation))(params))
        except LatticeError as error:
            call.error = error.code
            self._publish(call, (error.code, str(error)))
            raise
        self._publish(call)
        if call.writes:
            for hook in tuple(self.after_write):
                hook(call)
        if lose_answer:
            raise AnswerLostError(operation)
        return answer

    def _publish(self, call: Call, failure: tuple[str, str] | None = None) -> None:
        """The call as CloudTrail sends it to EventBridge, if the account has a trail. ``responseElements`` are left out, and
        the parameters have the names of the API (assumption: no record of a call to VPC Lattice is published)."""
        if not (call.writes and current().has_trail):
            return
        account = self.account_id
        caller = (
            cloudtrail.service(ECS, account)
            if call.caller == ECS
            else cloudtrail.identity(account, call.caller or None)
        )
        detail = cloudtrail.detail_of(
            _EVENT_SOURCE, call.operation, call.parameters, None, failure, caller, self.region_name
        )
        events().publish("aws.vpc-lattice", cloudtrail.DETAIL_TYPE, [], detail)

    def routing_changed(self) -> None:
        self.refresh_targets()
        self.data_plane.configuration_changed()

    # ---- for ECS, without HTTP

    def register_targets(self, target_group_identifier: str, targets: Sequence[Mapping[str, Any]]) -> View:
        """RegisterTargets; the response's ``unsuccessful`` holds rejected targets."""
        params = {"targetGroupIdentifier": target_group_identifier, "targets": [dict(target) for target in targets]}
        return self.perform("RegisterTargets", params, ECS)

    def deregister_targets(self, target_group_identifier: str, targets: Sequence[Mapping[str, Any]]) -> View:
        """DeregisterTargets; targets drain, and are listed until then."""
        params = {"targetGroupIdentifier": target_group_identifier, "targets": [dict(target) for target in targets]}
        return self.perform("DeregisterTargets", params, ECS)

    def list_targets(self, target_group_identifier: str) -> list[View]:
        """All targets with ``id``, ``port``, ``status`` and ``reasonCode``. Not in the log of calls, because ECS polls."""
        with self.lock:
            group = self.target_group({"targetGroupIdentifier": target_group_identifier})
            return [target.view() for target in group.targets.values()]

    def get_rule(self, service_identifier: str, listener_identifier: str, rule_identifier: str) -> View:
        """GetRule."""
        params = {
            "serviceIdentifier": service_identifier,
            "listenerIdentifier": listener_identifier,
            "ruleIdentifier": rule_identifier,
        }
        return self.perform("GetRule", params, ECS)


def method_of(operation: str) -> str:
    """The backend's method for an operation."""
    return f"op_{camelcase_to_underscores(operation)}"


OPERATIONS = tuple(name for name in shapes.model()["operations"] if hasattr(LatticeBackend, method_of(name)))
"""The operations implemented here; moto implements some of the others."""
