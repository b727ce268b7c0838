"""IAM in the local AWS: roles are held to their policies.

:mod:`evaluation` decides, :mod:`ledger` remembers, :mod:`requests` says what a call has to be allowed, :mod:`enforcement`
asks at every call, :mod:`platform` for what AWS does in a role's name.
"""
