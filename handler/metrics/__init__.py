"""What `GET /metrics` tells: counted where it happens, added up and written where it is asked for.

Each process that answers for a model counts in a record of its own, a small file in the scratch
folder that it has in its memory: no lock, no system call. `serve` reads all of them when it is
asked, and keeps what those have counted whose processes have ended. What only the frontend sees
(answers by code, what is under way) its guard tells with each question.

layout.py          the memory of one record
model_record.py    a record, from the side of the process that counts
load_record.py     how loading a model is counted
answered.py        what is noted of an invocation once it is answered
user_figures.py    what user code measures by its context
restarts.py        why a process was replaced
figures.py         what was counted of one model, as numbers that can be added
record_files.py    the records of all processes, added up
stage_times.py     where the time of invocations went
label_cap.py       which models have a name of their own in what is told
model_memory.py    how much memory a model's processes take
collector.py       all of it, put together when it is asked for
families.py        names, labels and meanings of all that is told
exposition.py      … as text
trace_parent.py    which span of the caller's an invocation belongs to
traces.py          … and the spans that it is told as
emf.py             … and as lines of CloudWatch's embedded metric format
"""
