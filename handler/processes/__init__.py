"""What the processes of a server have in common, and what they tell each other.

resource_plan.py    how CPUs and memory are divided among them
forked_children.py  forks that die with their parent, are watched and reaped
backoff.py          the pause before one is forked again
process_record.py   what a fork tells its parent, in memory that both share
time_limit.py       a bound on a computation's time, for forks
deadline.py         the same for multi-model-server's own workers
exit_status.py      how a process ended, in words
signal_socket.py    being woken by signals
launch_request.py   what a launcher asks for
launcher_pipes.py   … and the pipes through which it does
load_events.py      what a loading process tells `serve`
inflight_lock.py    whether any worker is at work, for a drain
"""
