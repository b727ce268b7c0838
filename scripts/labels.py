"""Print the reference of labels, docs/labels.md, from the table that the code validates with.

python scripts/labels.py > docs/labels.md
"""

import sys
from collections.abc import Iterable

from ecs_lattice.declaration.keys import GROUPS, KEYS, Key
from ecs_lattice.declaration.problems import CODES

INTRODUCTION = """\
# Labels

<!-- Made by scripts/labels.py from the table that the code validates with. Change that, not this page. -->

Write labels on an ECS task definition, deploy the service as always, and it is reachable through Amazon VPC Lattice.
This page is the reference of the labels.

## The smallest example

Give the port a name and name the Lattice service:

```json
{
  "name": "app",
  "portMappings": [{"name": "web", "containerPort": 8080}],
  "dockerLabels": {"lattice.service": "orders"}
}
```

That is all. The stack makes a Lattice service `orders` with an HTTPS listener on port 443, a target group with a health
check of `/`, and ECS registers the tasks in it. All that is not written has a default; the tables below say which.

## How labels work

- A label is one entry of `dockerLabels` of a container. It does not matter which container: the labels of all
  containers are one set. If one key has two values in two containers, that is a problem.
- Labels take effect when a deployment has **completed**. A failed release moves no traffic. A rollback takes its labels
  back.
- Every key begins with a prefix and a dot. The prefix is `lattice` unless the stack's parameter LabelPrefix says
  otherwise. Keys with another prefix are left alone.
- Upper and lower case in keys do not matter. Spaces around keys and values do not matter. Words such as `true`, `iam` or
  `https:443` may be written in any case. Everything else is taken as it is written.
- A key under the prefix that does not exist is a problem, never ignored. The message names the nearest key.
- All problems are reported together. A declaration with a problem changes nothing: what worked before goes on.
- Without any key under the prefix a service has not opted in, and nothing is done.

## Tags

The same keys may be tags of the ECS service.

- A tag stands above the label of the same key. `path.prefix` and `path.exact` count as one key here, and so do the three
  keys of one header.
- A tag takes effect at once, without deployment. A rollback does not take a tag back.
- A tag cannot hold every character: letters, digits, spaces and `_ . : / = + - @` only. The tables say where that
  matters. A label can hold all.
- The stack's parameter AllowTags can turn tags off. Then they count for nothing. A service that asks by tags only is told.

## Routes

A **route** is one port of the service behind one match. With plain keys there is one route. It is called `default`.

For several routes give each a name, with `lattice.routes.<name>.` before the key:

```ini
lattice.service = orders
lattice.port = web
lattice.routes.api.path.prefix = /api
lattice.routes.admin.path.prefix = /admin
lattice.routes.admin.port = admin
```

- Plain keys are then the defaults of all named routes. What a route says itself stands above them.
- The order is: tag of the route, label of the route, plain tag, plain label.
- Once a route has a name, there is no `default` route unless you write it: `lattice.routes.default.service = orders`.
  If the plain route already serves, leaving it out is a problem (DEFAULT_ROUTE_LOST), so that adding a route never
  takes the first one away.
- To take a route away on purpose, take its keys away, or write `lattice.routes.<name>.remove = true`.
- A route on a TLS_PASSTHROUGH listener does not inherit what it cannot have, such as a path.
- A name has 1 to 32 lower-case letters, digits, `-` and `_`, the first a letter or digit.

Some values belong to the Lattice service, or to a port on it. Say them once, on any of the routes: the others have them
too. Two different values are a problem.
"""

EXAMPLES = """\
## Examples

Three ports behind one name: a web page, an API, and an encrypted port that Lattice passes through untouched. The last
needs a Lattice service and a domain of its own.

```ini
lattice.routes.page.service = files
lattice.routes.page.port = admin
lattice.routes.page.network = platform
lattice.routes.api.service = files
lattice.routes.api.port = web
lattice.routes.api.path.prefix = /api/
lattice.routes.api.health.path = /healthz
lattice.routes.transfer.service = files-transfer
lattice.routes.transfer.port = transfer
lattice.routes.transfer.listener = TLS_PASSTHROUGH:443
lattice.routes.transfer.domain = transfer.example.com
lattice.routes.transfer.health.port = 9000
lattice.routes.transfer.health.path = /healthz
```

A custom domain over HTTPS, with signed requests only:

```ini
lattice.service = orders
lattice.port = web
lattice.domain = orders.example.com
lattice.certificate = arn:aws:acm:us-east-1:123456789012:certificate/0123abcd-0123-0123-0123-0123456789ab
lattice.auth = iam
```

Nine of ten requests to one ECS service, and one of ten to another. This is the first; the other one says the same with
`lattice.weight = 10`:

```ini
lattice.service = orders
lattice.port = web
lattice.path.prefix = /orders
lattice.weight = 90
```

A match on method and header, on two listeners:

```ini
lattice.service = orders
lattice.port = web
lattice.listener = HTTP:80 HTTPS:443
lattice.method = GET
lattice.header.x-tenant = blue
lattice.header-prefix.user-agent = Mozilla/5.0
```

gRPC, with a health check over HTTP on another port:

```ini
lattice.service = prices
lattice.port = grpc
lattice.protocol-version = GRPC
lattice.health.port = 9000
lattice.health.protocol-version = HTTP1
lattice.health.code = 200 204
```
"""

HEALTH = """\
Lattice checks HTTP1 targets unless told otherwise. HTTP2, GRPC and TCP targets are checked once a `health.` key is
written (`health.grace` aside). A check speaks HTTP, also where the port speaks TCP.

What is demanded of tasks on a port cannot change in one release: while it rolls, old and new tasks are checked by the
same target group. Such a release is reported (HOLDS_BACK). Let the new version answer both for one release, or use a new
port name.
"""


def page() -> str:
    """The whole page."""
    groups = [f"### {name}\n\n{about}\n\n{_keys(name)}" for name, about in GROUPS.items()]
    parts = [
        INTRODUCTION,
        f"## Keys\n\nEvery key is shown without its prefix: `service` is written `lattice.service`.\n\n{'\n'.join(groups)}",
        f"### More about health\n\n{HEALTH}",
        EXAMPLES,
        f"## Problems\n\nA problem says its code, the key, the value, where it stands and what is allowed.\n\n{_codes()}",
    ]
    return "\n".join(parts)


def _keys(group: str) -> str:
    rows = [_row(key) for key in KEYS if key.group == group]
    return _table(("Key", "Meaning", "Allowed", "Default", "Example", "As a tag"), rows)


def _row(key: Key) -> tuple[str, ...]:
    return f"`{key.name}`", key.description, key.allowed, key.default, f"`{key.example}`", key.in_tag or "yes"


def _codes() -> str:
    rows = [(f"`{code}`", meaning, mend) for code, (meaning, mend) in sorted(CODES.items())]
    return _table(("Code", "Meaning", "What to do"), rows)


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(page())
