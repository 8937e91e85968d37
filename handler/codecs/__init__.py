"""Bytes to data and predictions to bytes: one small file per content type.

To add a content type, write a file with a class like those beside it and add the class to
``ALL`` in registry.py.
"""

from handler.codecs.codec import Decoded
from handler.codecs.media_types import MediaType, preferences
from handler.codecs.registry import decode, encode, negotiate, readable, writable

__all__ = [
    "Decoded",
    "MediaType",
    "decode",
    "encode",
    "negotiate",
    "preferences",
    "readable",
    "writable",
]
