"""Lambda's compute: built functions run in worker processes against a small Lambda Runtime API.

:class:`~local_aws.runtime.functions.Functions` runs them, :class:`~local_aws.runtime.compute.Compute` adds asynchronous
invocations and metrics, :mod:`~local_aws.runtime.lambda_service` is Lambda's API in moto.
"""
