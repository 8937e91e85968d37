"""Batch transform as SageMaker does it: objects in, an `.out` for each, by a container of any kind.

What a job does with the bytes, pure functions: `job_settings.py` (what can be asked, and what
can't), `line_records.py`, `framed_records.py` with `crc32c.py`, and `mini_batches.py` (an object as
requests), `json_path.py` and `record_processing.py` (filters and joins), `assembling.py` (answers
as an output).
"""
