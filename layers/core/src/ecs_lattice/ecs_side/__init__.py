"""The ECS side: turns what an ECS service declares into claims, and attaches its tasks to the target groups."""
