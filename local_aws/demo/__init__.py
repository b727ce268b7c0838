"""``python -m local_aws.demo``: deploys, updates, breaks and deletes ECS services and shows what ecs-lattice does."""
