"""The custom resource ``Custom::LatticeIngress``: CloudFormation's requests in, its answers out."""
