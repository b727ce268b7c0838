"""The logger of the application: JSON lines, level and service name from the environment (Powertools)."""

import logging

from aws_lambda_powertools import Logger

logger = Logger(service="ecs-lattice")

# Lambda's JSON logging sets the application's level for every library. At each start botocore logs where its credentials
# are from, and at DEBUG whole requests with signed URLs.
for _library in ("boto3", "botocore", "urllib3"):
    logging.getLogger(_library).setLevel(logging.WARNING)
