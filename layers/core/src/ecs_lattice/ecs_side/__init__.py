"""The ECS side: what an ECS service declares becomes claims, and its tasks get attached to the groups that answer them."""
