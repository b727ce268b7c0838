"""Short ways to write a declaration in a test."""

from ecs_lattice.declaration import Bounds, declare
from ecs_lattice.facts import PortMapping, TaskDefinition
from ecs_lattice.model import Declaration
from ecs_lattice.outcome import Refused

ARN = "arn:aws:ecs:us-east-1:123456789012:task-definition/orders:7"
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/0123abcd"
WEB = PortMapping("web", 8080, None, "tcp", "app")
ADMIN = PortMapping("admin", 9000, None, "tcp", "app")
SYSLOG = PortMapping("syslog", 514, None, "udp", "app")


def keyed(text):
    """Lines of ``key = value`` as pairs; the prefix is added."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return tuple((f"lattice.{key.strip()}", value.strip()) for key, _, value in (line.partition("=") for line in lines))


def declared(labels, tags="", *, ports=(WEB, ADMIN), controller="ECS", bounds=None, containers=None, standing=()):
    """What comes of labels and tags, written as lines; ``containers`` gives labels of further containers by name."""
    written = tuple(("app", key, value) for key, value in keyed(labels))
    written += tuple((name, *pair) for name, text in (containers or {}).items() for pair in keyed(text))
    task_definition = TaskDefinition(ARN, "awsvpc", tuple(ports), written)
    return declare(task_definition, keyed(tags), controller, bounds or Bounds(), standing)


def routes(*arguments, **others):
    """The routes by name; the declaration must be accepted."""
    result = declared(*arguments, **others)
    assert isinstance(result, Declaration), "\n".join(map(str, result.problems))
    return {route.name: route for route in result.routes}


def route(*arguments, **others):
    """The only route."""
    (only,) = routes(*arguments, **others).values()
    return only


def refused(*arguments, **others):
    """The problems; the declaration must be refused."""
    result = declared(*arguments, **others)
    assert isinstance(result, Refused), result
    return result.problems


def codes(*arguments, **others):
    """The codes of the problems, in their order."""
    return [problem.code for problem in refused(*arguments, **others)]
