"""From an alarm, an event or a refusal to one message that names the cause and the command that fixes or inspects it."""
