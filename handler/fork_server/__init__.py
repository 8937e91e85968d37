"""The fork server: the process that imports once and forks a host for each model.

launcher.sh            what the frontend executes for a model: asks for a host, then waits
fork_server_main.py    the process and its loop
preload.py             what it imports, and a rehearsal, so that hosts share it
standby_fork.py        forks the one that stands by, which shares all of it
immortal_objects.py    keeps what hosts share from being copied by its use
placement.py           which process holds which model
launcher_slot.py       a model's launcher and socket
after_serve.py         what is done where `serve` was killed
model_sockets.py       where the frontend connects to models, also after this process
launcher_output.py     what is printed where a launcher would, after its end
saved_requests.py      the models that are held, for the next fork server
own_host.py            a model with a host of its own: forked, watched, forked again
host_state_machine.py  … its states, and what leads from one to another
successor.py           … a process that loads it anew, to take the place of the one that serves it
host_forks.py          … the processes that it needs
load_guard.py          … ends one that takes more memory than there is while it loads
busy_turns.py          has the kernel kill first, for memory, who predicts for long
shared_host.py         a host that models share
shared_hosts.py        … the few that there are, and a model in one of them
registration_check.py  asks the frontend whether it still has a model
watchdog.py            compares all that it has with what lives
frontend_models.py     … asks it for its list
scratch_sweep.py       removes the files that the frontend leaves behind
"""
