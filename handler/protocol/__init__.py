"""The frontend's connections: messages in, replies out.

worker_loop.py   the loop over connections: read, answer together, write
loaded_model.py  one model there
replies.py       what an answer becomes, with what user code set on its context
connection.py    one connection's buffers
wire_format.py   the frontend's messages as bytes
"""
