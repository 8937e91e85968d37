"""What is counted of many models, by the names that SageMaker has in CloudWatch.

Times are in microseconds, as CloudWatch has them. ``ModelCacheHit`` is 1 for an invocation whose
model was loaded and 0 for another, so its sum by its count is the hit rate, as CloudWatch's average
is.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge, Histogram, Summary

DIMENSIONS = ("EndpointName", "VariantName")
BUCKETS = (
    1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000,
    5_000_000, 10_000_000, 20_000_000, 60_000_000, 360_000_000,
)  # fmt: skip
MICROSECONDS = 1e6


class CacheMetricFamilies:
    """The families of metrics, for all variants that have many models.

    Args:
        registry: what they join; one that has them already is refused by it.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self.loading_wait = self._times(
            "ModelLoadingWaitTime",
            "Microseconds that an invocation waited for its model to be downloaded and loaded",
        )
        self.loading = self._times(
            "ModelLoadingTime", "Microseconds that the container took to load a model"
        )
        self.downloading = self._times(
            "ModelDownloadingTime", "Microseconds that it took to download and unpack a model"
        )
        self.unloading = self._times(
            "ModelUnloadingTime", "Microseconds that the container took to unload a model"
        )
        self.cache_hit = Summary(
            "ModelCacheHit",
            "Whether the model of an invocation was loaded: 1, or 0",
            DIMENSIONS,
            registry=registry,
        )
        self.loaded = Gauge(
            "LoadedModelCount", "Models that are loaded", DIMENSIONS, registry=registry
        )

    def of_variant(self, endpoint: str, variant: str) -> CacheMetrics:
        """The metrics of one variant."""
        return CacheMetrics(self, endpoint, variant)

    def _times(self, name: str, what: str) -> Histogram:
        return Histogram(name, what, DIMENSIONS, buckets=BUCKETS, registry=self._registry)


class CacheMetrics:
    """One variant's metrics; each is there from the beginning, as 0.

    What is handed to its methods is in seconds.
    """

    def __init__(self, families: CacheMetricFamilies, endpoint: str, variant: str) -> None:
        labels = (endpoint, variant)
        self._loading_wait = families.loading_wait.labels(*labels)
        self._loading = families.loading.labels(*labels)
        self._downloading = families.downloading.labels(*labels)
        self._unloading = families.unloading.labels(*labels)
        self._cache_hit = families.cache_hit.labels(*labels)
        self._loaded = families.loaded.labels(*labels)
        self.hits = self.misses = 0

    def hit(self) -> None:
        """Count an invocation whose model was loaded."""
        self.hits += 1
        self._cache_hit.observe(1)

    def missed(self) -> None:
        """Count an invocation whose model was not."""
        self.misses += 1
        self._cache_hit.observe(0)

    def waited(self, seconds: float) -> None:
        """Note how long an invocation waited for its model."""
        self._loading_wait.observe(seconds * MICROSECONDS)

    def loading(self, seconds: float) -> None:
        """Note how long a LOAD took."""
        self._loading.observe(seconds * MICROSECONDS)

    def downloading(self, seconds: float) -> None:
        """Note how long it took to bring a model to the disk."""
        self._downloading.observe(seconds * MICROSECONDS)

    def unloading(self, seconds: float) -> None:
        """Note how long an UNLOAD took."""
        self._unloading.observe(seconds * MICROSECONDS)

    def loaded(self, count: int) -> None:
        """Note how many models are loaded."""
        self._loaded.set(count)
