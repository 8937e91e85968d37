"""What GET /execution-parameters says to a batch transform job, unless the user's code does."""

from __future__ import annotations

import json

from contract.machine import MEBIBYTE
from contract.settings import ServingSettings
from handler.processes.capacity_plan import CapacityPlan

# SageMaker's own default, and the most that all requests under way may have together.
USUAL_MEGABYTES = 6
MOST_MEGABYTES = 100


def document(settings: ServingSettings, plan: CapacityPlan) -> str:
    """The defaults as JSON."""
    return json.dumps(defaults(settings, plan))


def defaults(settings: ServingSettings, plan: CapacityPlan) -> dict[str, int | str]:
    """As many requests at a time as there are workers, within SageMaker's bounds.

    Their size is SageMaker's usual one, unless SAGEMAKER_MAX_PAYLOAD_IN_MB sets another.
    """
    allowed = settings.max_payload // MEBIBYTE
    megabytes = USUAL_MEGABYTES if allowed >= MOST_MEGABYTES else max(1, allowed)
    return {
        "MaxConcurrentTransforms": max(1, min(plan.workers, MOST_MEGABYTES // megabytes)),
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": megabytes,
    }
