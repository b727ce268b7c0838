"""Hooks Amazon ECS services up to Amazon VPC Lattice."""
