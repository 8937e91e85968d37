"""A transform job on a Dask cluster: files and ranges of rows, scored in the workers' processes.

`row_ranges.py` takes files apart, `cluster_job.py` hands the parts out and notes what is done,
`score_part.py` is what a worker does with one, by the model that `worker_model.py` has loaded there
once; `clusters.py` finds or starts the cluster. Outputs are parts, whose names are in order.
"""
