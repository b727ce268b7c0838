"""The main job, shown: ``python -m local_aws.demo`` deploys, rolls, changes and deletes a service and shows what followed."""
