"""The environment variables by which SageMaker tells a container of a transform job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from byo.command_errors import UsageError
from byo.transform.job_settings import JobSettings

MOST_VARIABLES = 16


def transform_environ(
    environ: Mapping[str, str], settings: JobSettings, more: Sequence[str] = ()
) -> dict[str, str]:
    """An environment with what a transform job adds to it.

    What the job leaves to the container is not set, so that the container can tell.

    Args:
        environ: the caller's.
        settings: the job's.
        more: `NAME=VALUE` each (``Environment``).

    Raises:
        UsageError: there are more than SageMaker takes, or one is of another form.
    """
    if len(more) > MOST_VARIABLES:
        raise UsageError(f"--env: SageMaker takes {MOST_VARIABLES} variables, not {len(more)}")
    own = {"SAGEMAKER_BATCH": "true"}
    if settings.max_payload is not None:
        own["SAGEMAKER_MAX_PAYLOAD_IN_MB"] = str(settings.max_payload)
    if settings.strategy:
        words = {"SingleRecord": "SINGLE_RECORD", "MultiRecord": "MULTI_RECORD"}
        own["SAGEMAKER_BATCH_STRATEGY"] = words[settings.strategy]
    if settings.max_concurrent:
        own["SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"] = str(settings.max_concurrent)
    for each in more:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise UsageError(f"--env {each!r} is not NAME=VALUE")
        own[name] = value
    return {**environ, **own}
