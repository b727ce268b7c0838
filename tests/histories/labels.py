"""The labels that most histories begin with."""

from typing import Any

LABELS = {
    "lattice.service": "orders",
    "lattice.port": "web",
    "lattice.listener": "HTTP:80",
    "lattice.path.prefix": "/orders",
    "lattice.health.path": "/healthz",
}


def hooked_up(world, labels=None, *, family="orders", environment=None, ports=(("web", 8080),), **more: Any) -> str:
    """A service that was deployed and whose routes are live; its ARN."""
    arn = world.deploy(world.register(labels or LABELS, family, ports, environment), **more)
    world.run(1200)
    return arn
