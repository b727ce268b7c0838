"""CloudFormation of the local AWS: SAM templates, rejection of unsupported ones, and resource types that moto lacks.

``backend`` is the service, ``transform`` expands SAM, ``providers`` create what moto does not, ``package`` uploads built
artifacts. Templates from the API (``sam deploy``) and from a build are processed in the same way.
"""

from local_aws.stack.backend import install
from local_aws.stack.package import StackError, load

__all__ = ["StackError", "install", "load"]
