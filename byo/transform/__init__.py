"""Batch transform as SageMaker does it: objects in, an `.out` for each, by a container of any kind.

What a job does with bytes, pure functions:

    job_settings.py       what may be asked, by CreateTransformJob's names
    line_records.py       records that are lines
    framed_records.py     records in frames of RecordIO and TFRecord; crc32c.py their checksums
    mini_batches.py       an object as requests
    json_path.py          the operators of filters
    record_processing.py  filters and the join
    assembling.py         answers as an output

What it does with the world:

    input_objects.py      what a prefix or a manifest means
    outputs.py            outputs, whole or not at all
    finished_outputs.py   what is done already, for a second run
    served_model.py       the model and its code; container_environment.py what a container is told
    invoking.py           requests and retries; chunked_invocation.py an object as one stream
    one_object.py         an object from its bytes to its output
    batch_job.py          all objects
    explained.py          what would be sent, and what may bite
    on_cluster/           parts of objects on a Dask cluster
"""
