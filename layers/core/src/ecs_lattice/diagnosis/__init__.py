"""From a signal that something is wrong to one message that names the cause and the command that shows or mends it."""
