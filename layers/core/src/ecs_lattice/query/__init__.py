"""Answers to questions about the state of the stack, for the command and for whoever invokes the function by hand."""
