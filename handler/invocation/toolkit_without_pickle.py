"""The sagemaker-inference toolkit, made safe for user code that calls it."""

from __future__ import annotations

import importlib.util
from typing import Any


def forbid_unpickling() -> None:
    """Replace the toolkit's reader of ``application/x-npy``, which unpickles what it is sent.

    A user's ``input_fn`` may well call ``sagemaker_inference.decoder.decode``: AWS's own
    examples do. It gets the very array that the toolkit would give, of any shape and type but
    Python objects.
    """
    if importlib.util.find_spec("sagemaker_inference") is None:
        return
    from sagemaker_inference import content_types, decoder

    decoder._decoder_map[content_types.NPY] = _decode_npy


def _decode_npy(body: bytes) -> Any:
    from handler.codecs.numpy_npy import load_raw

    return load_raw(bytes(body))
