"""The /opt/ml tree on this machine: what a job is shown in it, and what runs leave there.

job_tree.py        the configuration and data that SageMaker would have mounted
channels.py        data that a caller names, as a channel
run_record.py      whose model a tree holds, how the run ended, what byo wrote
earlier_models.py  the models of earlier runs: the last good one is never lost
model_to_serve.py  a tree around a model that lies elsewhere
folders.py         folders that are copied into, removed, and held by one command at a time
"""
