"""multi-model-server's Python side, ours: models load by fork, share memory and batch.

From the frontend inwards:

    launcher.sh    what the frontend executes for a model: tells the template, then waits
    pipes.py       where launchers, the template and the supervisor meet
    launch.py      what a launcher tells

The template, which imports once and forks:

    template.py    the process
    preload.py     what it imports, and a rehearsal, so that hosts share it
    immortal.py    keeps what hosts share from being copied by its use
    children.py    forks that die with their parent, are watched and reaped
    hosted.py      a model that has a host of its own, and the launcher's slot
    registration.py  whether the frontend still has a model that lost its launcher
    shared.py      models that share a few hosts

The processes that hold models:

    host.py        one model: loads it, then serves it, or forks workers that do
    workers.py     the workers that it forks
    together.py    many models
    watch.py       what such a process tells its parent: until when it is busy, whether it loaded

What all of these serve with:

    worker.py      the loop over the frontend's connections: read, answer together, write
    served.py      one model there: messages in, replies out
    connection.py  one connection's buffers
    wire.py        the frontend's messages
"""
