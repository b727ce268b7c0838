"""Security groups: opens them for VPC Lattice where a consumer requires it, and closes them when nobody does any more."""
