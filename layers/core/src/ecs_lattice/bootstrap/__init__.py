"""The one place that knows the real collaborators: settings and clients in, workers out. Built once per environment.

One module a function, and :mod:`~ecs_lattice.bootstrap.common` for what they share: each function imports only its own
parts, because what is imported at a cold start is what a caller waits for.
"""
