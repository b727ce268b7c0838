"""Connects Amazon ECS services to Amazon VPC Lattice."""
