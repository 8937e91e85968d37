"""The platform's side of a multi-model container: download, LOAD, keep, unload.

`model_cache.py` is what an endpoint asks; it stands in front of any container that keeps to
SageMaker's contract for many models. `model_files.py` brings models to the disk (`target_model.py`,
`unpack_model.py`) and keeps them there, `load_model.py` has the container load one,
`loaded_models.py` knows which it has and has them go, `memory_room.py` and `container_memory.py`
what they take, `container_models.py` speaks to the container. `cached_model.py` is one model,
`cache_metrics.py` counts, `model_errors.py` says how it fails; what blocks runs by
`daemon_thread.py`.
"""

from byo.runtime.models.cache_metrics import CacheMetricFamilies, CacheMetrics
from byo.runtime.models.cached_model import ModelSnapshot, ModelState
from byo.runtime.models.model_cache import ModelCache
from byo.runtime.models.model_errors import (
    ModelDataFailed,
    ModelDataInvalid,
    ModelLoadFailed,
    ModelNotFound,
    ModelNotReady,
    ModelUnavailable,
)

__all__ = [
    "CacheMetricFamilies",
    "CacheMetrics",
    "ModelCache",
    "ModelDataFailed",
    "ModelDataInvalid",
    "ModelLoadFailed",
    "ModelNotFound",
    "ModelNotReady",
    "ModelSnapshot",
    "ModelState",
    "ModelUnavailable",
]
