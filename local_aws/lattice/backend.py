"""The whole of VPC Lattice of one account and region, and the one way into it: :meth:`LatticeBackend.perform`."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from moto.core.utils import camelcase_to_underscores

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
from local_aws.services import clock

ECS = "ecs.amazonaws.com"
"""The caller that the log of calls shows for what ECS does."""


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
    ``after_write`` holds what to call after each change, ``reaches`` and ``health_check_allowed`` are what security
    groups decide about requests and about health checks.
    """

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.data_plane = DataPlane(self)

    @property
    def timing(self) -> Timing:
        """How long things take; replace it to change that, also while things go on."""
        return self._timing

    @timing.setter
    def timing(self, timing: Timing) -> None:
        if "data_plane" in self.__dict__:
            self.data_plane.timing_changes()
        self._timing = timing

    def perform(self, operation: str, params: Mapping[str, Any], caller: str = "") -> View:
        """Do one operation (``CreateRule``) and give its answer, both checked against the service model.

        Raises LatticeError as the API does, AnswerLostError if a fault says so, BadAnswerError if the answer does not
        fit the model. Operations follow each other; nothing else happens meanwhile.
        """
        params = copy.deepcopy(dict(params))
        call = Call(operation, params, clock().time(), caller)
        with self.lock:
            self.calls.append(call)
            try:
                lose_answer = self.faults.before(operation)
                shapes.check_input(operation, params)
                answer = shapes.answer(operation, getattr(self, method_of(operation))(params))
            except LatticeError as error:
                call.error = error.code
                raise
        if call.writes:
            for hook in tuple(self.after_write):
                hook(call)
        if lose_answer:
            raise AnswerLostError(operation)
        return answer

    def routing_changed(self) -> None:
        self.refresh_targets()
        self.data_plane.configuration_changed()

    # ---- what ECS calls, without HTTP

    def register_targets(self, target_group_identifier: str, targets: Sequence[Mapping[str, Any]]) -> View:
        """RegisterTargets; the answer's ``unsuccessful`` holds targets that were refused."""
        params = {"targetGroupIdentifier": target_group_identifier, "targets": [dict(target) for target in targets]}
        return self.perform("RegisterTargets", params, ECS)

    def deregister_targets(self, target_group_identifier: str, targets: Sequence[Mapping[str, Any]]) -> View:
        """DeregisterTargets; targets drain, and are listed until that is over."""
        params = {"targetGroupIdentifier": target_group_identifier, "targets": [dict(target) for target in targets]}
        return self.perform("DeregisterTargets", params, ECS)

    def list_targets(self, target_group_identifier: str) -> list[View]:
        """All targets with ``id``, ``port``, ``status`` and ``reasonCode``. Not in the log of calls: ECS asks often."""
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
    """The method of the backend that does an operation."""
    return f"op_{camelcase_to_underscores(operation)}"


OPERATIONS = tuple(name for name in shapes.model()["operations"] if hasattr(LatticeBackend, method_of(name)))
"""The operations done here; moto does the others that it can."""
