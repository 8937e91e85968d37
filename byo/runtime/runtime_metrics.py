"""What the Runtime counts, by the names that SageMaker has in CloudWatch.

The dimensions are CloudWatch's too: ``EndpointName`` and ``VariantName``. Prometheus' client adds
``_total`` to what is counted. What is known of many models is counted in `byo.runtime.models`, into
the same registry.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from byo.runtime.models import CacheMetricFamilies, CacheMetrics

DIMENSIONS = ("EndpointName", "VariantName")
# Microseconds, as CloudWatch has them.
BUCKETS = (
    250, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 5_000_000, 20_000_000, 60_000_000,
)  # fmt: skip
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class RuntimeMetrics:
    """The families of metrics, in a registry that others may join."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.invocations = self._counter("Invocations", "Requests that were sent to a container")
        self.client_errors = self._counter(
            "Invocation4XXErrors", "Requests that the container answered with 4xx"
        )
        self.server_errors = self._counter(
            "Invocation5XXErrors", "Requests that the container answered with 5xx"
        )
        self.model_errors = self._counter(
            "InvocationModelErrors",
            "Requests that were not answered with 2xx: 4xx, 5xx, timeouts, broken connections",
        )
        self.restarts = self._counter(
            "ContainerRestarts", "Containers that were started anew as they had failed"
        )
        self.many_models = CacheMetricFamilies(self.registry)
        self.model_latency = self._histogram(
            "ModelLatency", "Microseconds that the container took to answer"
        )
        self.overhead_latency = self._histogram(
            "OverheadLatency", "Microseconds that the Runtime added to that"
        )

    def of_variant(self, endpoint: str, variant: str) -> VariantMetrics:
        """The metrics of one variant."""
        return VariantMetrics(self, endpoint, variant)

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self.registry)

    def _counter(self, name: str, what: str) -> Counter:
        return Counter(name, what, DIMENSIONS, registry=self.registry)

    def _histogram(self, name: str, what: str) -> Histogram:
        return Histogram(name, what, DIMENSIONS, buckets=BUCKETS, registry=self.registry)


class VariantMetrics:
    """One variant's metrics; each is there from the beginning, as 0."""

    def __init__(self, all_of_them: RuntimeMetrics, endpoint: str, variant: str) -> None:
        labels = (endpoint, variant)
        self._invocations = all_of_them.invocations.labels(*labels)
        self._client_errors = all_of_them.client_errors.labels(*labels)
        self._server_errors = all_of_them.server_errors.labels(*labels)
        self._model_errors = all_of_them.model_errors.labels(*labels)
        self._model_latency = all_of_them.model_latency.labels(*labels)
        self._overhead_latency = all_of_them.overhead_latency.labels(*labels)
        self._many_models = all_of_them.many_models
        self._labels = labels
        self.restarts = all_of_them.restarts.labels(*labels)
        self.total = self.failed = 0

    def of_many_models(self) -> CacheMetrics:
        """The metrics of the variant's many models."""
        return self._many_models.of_variant(*self._labels)

    def answered(self, status: int, model_seconds: float, all_seconds: float) -> None:
        """Count an invocation that has ended.

        Args:
            status: the container's; 0 where it gave no whole answer.
            model_seconds: from when it was sent to the container until it was answered.
            all_seconds: from when the request arrived.
        """
        self.total += 1
        self._invocations.inc()
        self._model_latency.observe(model_seconds * 1e6)
        self._overhead_latency.observe(max(0.0, all_seconds - model_seconds) * 1e6)
        if 200 <= status < 300:
            return
        self.failed += 1
        self._model_errors.inc()
        if 400 <= status < 500:
            self._client_errors.inc()
        elif status >= 500:
            self._server_errors.inc()
