"""What carries events to where they are wanted: queues, event source mappings, EventBridge rules and schedules."""
