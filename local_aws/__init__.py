"""A development AWS: moto's server extended to what ecs-lattice needs. Never shipped, never imported by the product."""
