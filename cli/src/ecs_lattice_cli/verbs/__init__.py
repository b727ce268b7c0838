"""One module a verb: its click command, and pure functions that turn a result into lines."""
