"""EC2 of the local AWS: moto's, with security groups that decide and with the rules of AWS for their rules."""
