"""A process that holds models.

one_model.py             one model: loads it, then serves it, or forks workers that share it
worker_pool.py           the workers that it forks
many_models.py           many models in one process
model_load_reporting.py  a load, told to the log and to `serve`
batch_transform_answer.py  what the user's code tells a batch transform job
load_memory.py           what a load needs, weighed against what is free, and measured
out_of_memory.py         how a load ends for which there is not enough memory
"""
