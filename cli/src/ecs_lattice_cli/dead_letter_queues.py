"""The dead-letter queues of the stack by the names that people write."""

QUEUES = {
    "events": "EcsEventsDeadLetterQueueUrl",
    "ecs-services": "EcsServicesDeadLetterQueueUrl",
    "lattice-services": "LatticeServicesDeadLetterQueueUrl",
    "alarms": "AlarmsDeadLetterQueueUrl",
    "rejected": "DeadLetterQueueUrl",
}
"""The output of each dead-letter queue by what was in it. Those of the first four queues can be redriven; ``rejected`` holds events of an
unknown shape and failed invocations, which belong to no queue."""
