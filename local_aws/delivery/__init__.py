"""Event delivery: queues, event source mappings, EventBridge rules and schedules, SNS topics."""
