"""multi-model-server's Python side, ours: models load by fork, share memory and batch.

launcher.sh    what the frontend executes for a model: tells the template, then waits
template.py    imports once, forks a host for each model, and tells of every end
host.py        a model's process: loads it, then serves it, or forks workers that do
worker.py      the loop over the frontend's connections: read, answer together, write
connection.py  one connection's buffers
wire.py        the frontend's messages
"""
