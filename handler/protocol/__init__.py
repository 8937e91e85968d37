"""The frontend's connections: messages in, replies out.

own_connections_loop.py     the loop of a process with connections of its own
shared_connections_loop.py  the loop of one worker of a pool
shared_connections.py       the connections that all workers of a pool have
connection_handover.py      connections on their way to the process that replaces this one
loaded_model.py             one model there
reply_to_frontend.py        what an answer becomes, with what user code set on its context
connection.py               one connection's buffers
wire_format.py              the frontend's messages as bytes
"""
