"""Serving: multi-model-server's frontend, and all that stands behind it.

One room for each process, or for each part of a request's way; imports go downwards only:

    service.py      the handler service that multi-model-server's own worker loads
    frontend/       a guard in front of multi-model-server's frontend, in Java
    serve/          the `serve` process: starts the frontend and the fork server, supervises, stops
    fork_server/    the process that imports once, and forks a host for each model
    host/           a process that holds models, and the pool of workers that it may fork
    protocol/       the frontend's connections: messages in, replies out
    invocation/     one request: decode, predict, encode, through the user's functions or ours
    codecs/         one file per content type
    processes/      what the processes of a server have in common and tell each other
"""
