"""What a training job does before the user's script starts.

classic_tree.py      what a tree made for a container of the classic kind lacks
job_folders.py       the job's folders, and the files that an earlier run left there
failure_file.py      why the job failed, for which room on the disk is held back
log_level.py         the job's log level, in whatever form it is sent
other_hosts.py       the wait for the job's other hosts
job_requirements.py  the script's own requirements.txt
stop_requests.py     a request to stop that comes that early
"""
