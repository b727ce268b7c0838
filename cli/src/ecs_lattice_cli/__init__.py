"""The command `ecs-lattice`. It reads state only by requests to the stack's functions, whose answers have a schema number."""
