"""Lambda's compute: built functions run in worker processes against a small Lambda Runtime API.

:class:`~local_aws.runtime.functions.Functions` is the entry; :mod:`~local_aws.runtime.lambda_service` puts it into moto.
"""
