"""The providers, by service."""

from local_aws.stack.providers import compute, identity, lattice, messaging, network, observability, storage
from local_aws.stack.resources import Provider

ALL: tuple[Provider, ...] = (
    *compute.PROVIDERS,
    *identity.PROVIDERS,
    *lattice.PROVIDERS,
    *messaging.PROVIDERS,
    *network.PROVIDERS,
    *observability.PROVIDERS,
    *storage.PROVIDERS,
)
