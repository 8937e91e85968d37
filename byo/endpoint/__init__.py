"""A local endpoint: the real server on this machine, and a client that talks to it."""

from byo.endpoint.client import Client, Response
from byo.endpoint.local_endpoint import LocalEndpoint, local_endpoint, serving_environ

__all__ = ["Client", "LocalEndpoint", "Response", "local_endpoint", "serving_environ"]
