"""The layer of the fixture application."""
