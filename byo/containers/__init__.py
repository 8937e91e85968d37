"""The image on this machine: its containers, by `docker`, and the scripts that make it."""

from byo.containers.docker_engine import calling_user, require_image
from byo.containers.docker_run_options import (
    MODEL,
    Container,
    serving_container,
    training_container,
)
from byo.containers.docker_shell_scripts import find_script
from byo.containers.model_mounts import Models, find_models
from byo.containers.run_container import attached, run_training_container

__all__ = [
    "MODEL",
    "Container",
    "Models",
    "attached",
    "calling_user",
    "find_models",
    "find_script",
    "require_image",
    "run_training_container",
    "serving_container",
    "training_container",
]
