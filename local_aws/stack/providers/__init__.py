"""The providers by service, and how moto's CloudFormation learns about them."""

from typing import Any

from moto.cloudformation.parsing import get_model_list, get_model_map, get_name_type_map
from moto.core.common_models import CloudFormationModel
from moto.logs.models import LogGroup

from local_aws.stack.providers import compute, identity, lattice, messaging, network, observability, storage
from local_aws.stack.resources import Provider, model_of

ALL: tuple[Provider, ...] = (
    *compute.PROVIDERS,
    *identity.PROVIDERS,
    *lattice.PROVIDERS,
    *messaging.PROVIDERS,
    *network.PROVIDERS,
    *observability.PROVIDERS,
    *storage.PROVIDERS,
)


_moto_log_group_attribute = LogGroup.get_cfn_attribute


def _log_group_attribute(group: LogGroup, name: str) -> str:
    """The ARN ends in ``:*``, so that it covers the streams in policies (Template Reference, AWS::Logs::LogGroup, Arn)."""
    value = _moto_log_group_attribute(group, name)
    return f"{value.removesuffix(':*')}:*" if name == "Arn" else value


_installed: list[type[CloudFormationModel]] = []


def install() -> None:
    """Register the providers' types with moto's CloudFormation, before moto's own types. Installing again is harmless."""
    log_group: Any = LogGroup
    log_group.get_cfn_attribute = _log_group_attribute
    if not _installed:
        _installed.extend(model_of(provider) for provider in ALL)
        for cached in (get_model_list, get_model_map, get_name_type_map):
            cached.cache_clear()
