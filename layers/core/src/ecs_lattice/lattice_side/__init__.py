"""The Lattice side: all claims on one Lattice service as one set, made to be what VPC Lattice has."""
