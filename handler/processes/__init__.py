"""What the processes of a server have in common, and what they tell each other.

capacity_plan.py          workers, connections, threads and heap: how the machine is divided
forked_children.py        forks that die with their parent, are watched and reaped
backoff.py                the pause before one is forked again
process_shared_memory.py  what a fork tells its parent
freed_memory.py           what large bodies took, given back to the machine
process_memory.py         what memory a process has
memory_notes.py           what models take, and why loads were refused, in the scratch folder
growth_bound.py           … so that it asks for no more than there is
kill_order.py             whom the kernel kills first where memory is out
invocation_time_limit.py  a bound on one invocation's time
process_watch.py          waiting for the end of a process, whoever's child it is
child_exit_status.py      how a process ended, in words
awake_clock.py            how long something took, apart from waiting for a CPU
host_orders.py            what the fork server tells hosts of which one replaces another
signal_socket.py          being woken by signals
launch_request.py         what a launcher asks for
launcher_pipes.py         … and the pipes through which it does
kept_sockets.py           sockets that outlive the fork server
model_load_events.py      what workers and the fork server tell `serve`
batch_transform_file.py   what GET /execution-parameters answers
"""
