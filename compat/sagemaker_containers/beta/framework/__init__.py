"""The modules that scripts import from here by name."""

from sagemaker_containers.beta.framework import (
    content_types,
    encoders,
    env,
    modules,
    transformer,
    worker,
)

__all__ = ["content_types", "encoders", "env", "modules", "transformer", "worker"]
