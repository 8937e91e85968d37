"""The soak: the real server under load, churn, kills, slow clients and lack of memory at once.

``python -m tests.soak --minutes 30``; what the table at the end says is in docs/soak.md.

command.py       the command line, its exit code
server_run.py    one server from start to stop: rounds of load and kills, a rest after each
soak_models.py   the models, and what each has to answer
bodies.py        requests' bodies of every kind, good and bad
tally.py         what became of requests
clients.py       who asks: at full pace, slowly, going away, asking models to fail
raw_client.py    … those who don't keep to a whole request at once
churn.py         who loads and unloads models
schedule.py      what is killed when, drawn from the seed
killer.py        who does that, and writes it down
levels.py        what the server's processes hold, and whether that grows
evidence.py      what is kept of a request that nobody answers
verdict.py       the rows of the table, their bars
"""
