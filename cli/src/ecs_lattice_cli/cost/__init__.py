"""What the stack and its Lattice services cost a month, and what load balancers would."""
