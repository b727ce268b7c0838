"""The CloudFormation custom resource ``Custom::LatticeIngress``: its properties, its protocol, its life cycle."""
