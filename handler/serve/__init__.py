"""The `serve` process: starts the frontend and the fork server, supervises them, and stops.

command.py                 the console script
serving.py                 … and what it does, step by step
exit_codes.py              what it ends with
startup_checks.py          what would fail later, and less clearly: a taken port, no model
scratch_folder.py          the one folder that serving writes to
submitted_code.py          user code that is named as an archive
model_requirements.py      what users' requirements.txt ask for
frontend_command.py        the JVM's command line, and what it executes for each model
log_relay.py               has nothing but JSON leave this process and those that it starts
frontend_configuration.py  multi-model-server's properties and its log (log4j2.xml)
stock_worker.py            multi-model-server's own worker, where that is asked for
java_runtime.py            where Java and multi-model-server are
single_model_registration.py  whether the frontend has taken the single model
pick_free_port.py          a port that nothing listens on
supervisor.py              the loop over all that can happen while serving
watched_files.py           the files that models are loaded from
change_watch.py            … and whether they have changed
controlling_terminal.py    whether SIGHUP means that the terminal has gone
frontend_process.py        the frontend: started, listening, stopped
fork_server_process.py     the fork server: started again when it dies
fork_server_start.py       … how one comes to be
standby.py                 … and what stands by to take its place
adopted_process.py         … which it did not start itself
model_load_watch.py        the processes that load a single model
model_health.py            … and those that hold it
readiness.py               what /ping says
slow_step.py               says that a step of the start still goes on
metrics_answers.py         what GET /metrics says
metrics_log.py             the same as lines for CloudWatch
batch_transform_defaults.py  what GET /execution-parameters says
orphans.py                 what a dead process leaves behind
cleanup_guard.py, .sh      what cleans up when this process itself dies
"""
