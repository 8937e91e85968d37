"""SageMaker's Runtime on one's own machine: what it does between a client and a container.

The wire: `application.py` finds the operation of a request (`invoke_endpoint.py` and its like),
`wire_fields.py` has its headers and their limits, `wire_errors.py` what goes wrong, `calls.py` a
request and its answer, `control_plane.py` and `own_paths.py` answer what is no invocation. The
endpoints: `configuration.py` says what they are, `endpoint.py` has
their variants, `variant.py` the container that answers for one now, `instance.py` one container,
`start_instance.py` how it starts, `rolling_update.py` how another takes its place,
`container_watch.py` what SageMaker asks it, `models/` what it does where there are many models.
`serve_runtime.py` runs it all.
"""
