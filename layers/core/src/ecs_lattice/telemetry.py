"""The one logger of the application: JSON lines, level and service name from the environment (Powertools)."""

from aws_lambda_powertools import Logger

logger = Logger(service="ecs-lattice")
