"""IAM in the local AWS: roles and users are held to their policies.

:mod:`evaluation` decides, :mod:`authorization_log` records, :mod:`requests` knows the permissions that a call needs,
:mod:`enforcement` authorizes every call, :mod:`service_principals` what AWS services do in a role, and :mod:`gateway`
denies calls to services without authorization.
"""
