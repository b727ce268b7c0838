"""Which AWS objects are ours: the tags that every object carries that this stack made.

ecs-lattice:owner    the stack's ``Owner`` parameter (by default the stack name): whose object it is
ecs-lattice:holder   on Lattice services: who may claim it (``service/<cluster>/<name>``, ``cluster/<name>`` or ``account``)
ecs-lattice:cluster  on target groups: the cluster of the ECS service whose tasks are in it
ecs-lattice:service  on target groups: that ECS service's name
ecs-lattice:ingress  on security groups, put there by their owners: whether new rules are allowed (``on``, ``off``)
ecs-lattice:ingress:<id>  on security-group rules: the custom resource that needs it, and which ports
ecs-lattice:stem     the full identity that the object's name was shortened from (hashed when it is longer than a tag)

An object without our ``ecs-lattice:owner`` is never changed or deleted. Inside a Lattice service of ours, listeners and
rules are ours by name. Tag values hold at most 256 characters (VPC Lattice API, TagMap).
"""

OWNER = "ecs-lattice:owner"
HOLDER = "ecs-lattice:holder"
CLUSTER = "ecs-lattice:cluster"
SERVICE = "ecs-lattice:service"
STEM = "ecs-lattice:stem"
INGRESS_ALLOWED = "ecs-lattice:ingress"
INGRESS = "ecs-lattice:ingress:"
