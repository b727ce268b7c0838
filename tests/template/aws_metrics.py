"""The metrics of AWS that the dashboard shows: namespace, source, and the dimensions of each metric.

Only sets of dimensions that the dashboard uses are listed. A metric that is in no table does not exist: a graph of it would
stay empty for ever, and nobody would see why.
"""

from collections.abc import Mapping

SOURCES: Mapping[str, str] = {
    "AWS/VpcLattice": "VPC Lattice User Guide, CloudWatch metrics for Amazon VPC Lattice (monitoring-cloudwatch)",
    "AWS/SQS": "Amazon SQS Developer Guide, Available CloudWatch metrics for Amazon SQS",
    "AWS/Lambda": "AWS Lambda Developer Guide, Types of metrics for Lambda functions",
}

# VPC Lattice counts failed connections by target group only, and what a service has of it are requests that timed out.
# What a dimension has as its value (name or id) is not published.
_BOTH = (
    "TotalRequestCount",
    "RequestTime",  # milliseconds, to the last byte
    "HTTPCode_2XX_Count",
    "HTTPCode_3XX_Count",
    "HTTPCode_4XX_Count",
    "HTTPCode_5XX_Count",
)
_OF_TARGET_GROUPS = (
    "ConnectionErrorCount",
    "ConnectionTimeoutCount",
    "TLSConnectionErrorCount",
)

METRICS: Mapping[str, Mapping[tuple[str, ...], frozenset[str]]] = {
    "AWS/VpcLattice": {
        ("Service",): frozenset((*_BOTH, "RequestTimeoutCount")),
        ("TargetGroup",): frozenset((*_BOTH, *_OF_TARGET_GROUPS)),
    },
    "AWS/SQS": {("QueueName",): frozenset(("ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"))},
    "AWS/Lambda": {("FunctionName",): frozenset(("Duration", "Errors", "Invocations", "Throttles"))},
}
