"""Security groups: lets VPC Lattice in where somebody needs it, and takes away what nobody needs any more."""
