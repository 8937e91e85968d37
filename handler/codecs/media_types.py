"""Media types as Content-Type and Accept write them (RFC 9110, 8.3.1 and 12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_ESSENCE = re.compile(rf"\s*({_WORD})/({_WORD})\s*")
_PARAMETER = re.compile(rf';\s*(?:({_WORD})\s*=\s*("(?:[^"\\]|\\.)*"|[^;"\s]*)\s*)?')
_UNQUOTED_COMMA = re.compile(r',(?=(?:[^"]*"[^"]*")*[^"]*$)')


@dataclass(frozen=True)
class MediaType:
    """A media type or, in Accept, a range of them.

    Args:
        type: what comes before the slash, in lower case; ``*`` in a range.
        subtype: what comes after it, in lower case; ``*`` in a range.
        parameters: the parameters, their names in lower case.
    """

    type: str
    subtype: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> MediaType:
        """Read ``type/subtype; name=value; name="value"``.

        Raises:
            ValueError: it is not written like that.
        """
        return _parse(text)

    @cached_property
    def essence(self) -> str:
        """``type/subtype``, without parameters."""
        return f"{self.type}/{self.subtype}"

    @property
    def is_range(self) -> bool:
        return self.subtype == "*"

    def includes(self, essence: str) -> bool:
        """Whether a type, written without parameters, falls within this type or range."""
        if self.type == "*":
            return True
        return essence.startswith(f"{self.type}/") if self.is_range else essence == self.essence

    def __str__(self) -> str:
        return self._text

    @cached_property
    def _text(self) -> str:
        written = (f"; {name}={_quoted(value)}" for name, value in self.parameters.items())
        return self.essence + "".join(written)


@dataclass(frozen=True)
class Preference:
    """One member of Accept: a type or range, and how much it is wanted (q, 0 to 1)."""

    media: MediaType
    quality: float

    @property
    def precedence(self) -> tuple[int, float]:
        """Of all members that match a type, the highest precedence decides."""
        return (self.media.type != "*") + (not self.media.is_range), self.quality


def parse_accept(accept: str | None, default: str) -> list[Preference]:
    """The members of an Accept header, the most wanted first and ties as written.

    A member that can't be read is passed over; a header without any that can counts as
    missing, and a missing one asks for the default.
    """
    members = [member for part in _split(accept or "") if (member := _member(part))]
    if not members:
        return [Preference(MediaType.parse(default), 1.0)]
    return sorted(members, key=lambda member: -member.quality)


def preferences(accept: str | None, default: str) -> list[MediaType]:
    """The types that a client accepts, the most wanted first, whether or not a codec writes them.

    Args:
        accept: the Accept header.
        default: the type that stands for an empty header and for a wildcard that includes it.
    """
    standard = MediaType.parse(default)
    members = parse_accept(accept, default)
    wanted: list[MediaType] = []
    for member in members:
        media = member.media
        if media.is_range and decides(member, standard, members):
            media = standard
        if member.quality > 0 and media not in wanted:
            wanted.append(media)
    return wanted


def decides(member: Preference, offer: MediaType, members: list[Preference]) -> bool:
    """Whether of all members that match a type, this one has the say."""
    matching = [other for other in members if other.media.includes(offer.essence)]
    return member in matching and member.precedence == max(other.precedence for other in matching)


def _split(accept: str) -> list[str]:
    return _UNQUOTED_COMMA.split(accept) if '"' in accept else accept.split(",")


def _member(text: str) -> Preference | None:
    """One member of Accept, or None if it can't be read."""
    try:
        media = MediaType.parse(text)
        quality = float(media.parameters.get("q", 1))
    except ValueError:
        return None
    if not 0 <= quality <= 1:
        return None
    kept = {name: value for name, value in media.parameters.items() if name != "q"}
    return Preference(MediaType(media.type, media.subtype, kept), quality)


@lru_cache(maxsize=256)
def _parse(text: str) -> MediaType:
    head = _ESSENCE.match(text)
    if head is None or (head[1] == "*" and head[2] != "*"):
        raise ValueError(f"{text[:100]!r} is no media type")
    parameters: dict[str, str] = {}
    position = head.end()
    while position < len(text):
        parameter = _PARAMETER.match(text, position)
        if parameter is None:
            raise ValueError(f"{text[:100]!r} is no media type")
        if parameter[1]:
            parameters.setdefault(parameter[1].lower(), _unquoted(parameter[2]))
        position = parameter.end()
    return MediaType(head[1].lower(), head[2].lower(), parameters)


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value


def _quoted(value: str) -> str:
    if re.fullmatch(_WORD, value):
        return value
    return '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'
