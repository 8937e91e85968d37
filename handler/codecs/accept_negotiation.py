"""The choice between the types of an Accept header (RFC 9110, 12.5.1)."""

from __future__ import annotations

from functools import lru_cache

from contract.errors import NotAcceptable
from handler.codecs.all_content_types import CODECS, offer, writable
from handler.codecs.media_types import MediaType, decides, parse_accept


@lru_cache(maxsize=256)  # clients say the same with every request
def negotiate(accept: str | None, default: str) -> MediaType:
    """The type to answer with: the one the client wants most, of those that a codec writes.

    Args:
        accept: the Accept header, with q-values, wildcards and parameters.
        default: the type for a header that is missing, empty or ``*/*``.

    Raises:
        NotAcceptable: nothing that is accepted can be written; lists what can be.
    """
    members = parse_accept(accept, default)
    standard = MediaType.parse(default)
    offers = [standard, *(MediaType.parse(essence) for essence in writable())]
    for member in members:
        for offered in offers if member.media.is_range else [member.media]:
            if (
                offered.essence in CODECS
                and member.quality > 0
                and decides(member, offered, members)
            ):
                return offered
    raise NotAcceptable(f"none of {(accept or default)[:200]!r} is written here; {offer()}")
