"""The image on this machine: its containers, by `docker`, and the scripts that make it."""

from byo.image.container import MODEL, Container, serving_container, training_container
from byo.image.engine import calling_user, require_image
from byo.image.models import Models, find_models
from byo.image.running import attached, run_training_container
from byo.image.scripts import find_script

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
