"""Puts each function together (decision 29): adapters and settings in, consumers out.

Every function has a module of its own, so that it imports only its own parts: a caller waits for what a cold start
imports. :mod:`~ecs_lattice.bootstrap.common` has what they share. Each builds its parts from a
:class:`~ecs_lattice.bootstrap.common.Wiring`: the functions from that of their environment, tests from a simulated one.
"""

import gc

# A cold start creates some 75,000 objects that stay. With Python's threshold of 2,000 it spends a tenth of its time on
# collections that find nothing (decision 43).
gc.set_threshold(100_000)
