"""CloudFormation of the local AWS: SAM templates, refusal of what it cannot make, and the types that moto lacks.

``backend`` is the service, ``transform`` expands SAM, ``resources`` makes what moto does not, ``package`` brings built
artefacts in. A template that comes through the API (``sam deploy``) and one that is loaded from a build take one way.
"""

from local_aws.stack.backend import install
from local_aws.stack.package import StackError, load

__all__ = ["StackError", "install", "load"]
