"""The one logger of the application: JSON lines, level and service name from the environment (Powertools)."""

import logging

from aws_lambda_powertools import Logger

logger = Logger(service="ecs-lattice")

# Lambda's JSON logging lets every library speak at the level of the application. botocore tells of its credentials at each
# start, and at DEBUG of whole requests, signed URLs among them.
for _library in ("botocore", "urllib3"):
    logging.getLogger(_library).setLevel(logging.WARNING)
