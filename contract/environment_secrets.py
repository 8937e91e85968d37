"""Keeps the values of secret environment variables out of the log: by their names they are known.

``…PASSWORD``, ``…TOKEN``, ``…SECRET…``, ``…CREDENTIALS``, ``…_KEY`` and the like. So are passwords
that a value names, as the options of a JVM may, or that stand in an address.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

MASK = "***"
_SECRET = re.compile(
    r"PASSWORD|PASSWD|TOKEN|SECRET|CREDENTIAL|(?:^|_)(?:API|ACCESS|PRIVATE)?_?KEY(?:_ID)?$"
)
# A shorter value, a number or a path says nothing that others could use, and occurs everywhere.
SHORTEST = 6
_PLAIN = re.compile(
    r"/.*|\d{1,9}|true|false|null|none|default|enabled|disabled", re.IGNORECASE | re.DOTALL
)


# Within a value: -Dstore.password=…, and the password of an address.
_WITHIN = re.compile(
    r"(?:PASSWORD|PASSWD|TOKEN|SECRET)[\w.-]*[=:]\s*[\"']?([^\s\"'&;,]+)|://[^/\s:@]*:([^/\s@]+)@",
    re.IGNORECASE,
)


class EnvironmentSecrets:
    """The secret values of an environment.

    Args:
        environ: the environment.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        found = {value for name, value in environ.items() if _SECRET.search(name.upper())}
        found |= {
            one for text in environ.values() for each in _WITHIN.findall(text) for one in each
        }
        found = {one for one in found if len(one) >= SHORTEST and not _PLAIN.fullmatch(one)}
        longest_first = sorted(found, key=len, reverse=True)
        pattern = "|".join(map(re.escape, longest_first))
        self._pattern = re.compile(pattern) if pattern else None
        # As a line of JSON may hold them.
        self._forms = [form for one in found for form in _forms(one)]

    def __bool__(self) -> bool:
        return self._pattern is not None

    def hide(self, text: str) -> str:
        """The text with ``***`` in place of each of them."""
        return self._pattern.sub(MASK, text) if self._pattern is not None else text

    def hide_in_json(self, line: bytes) -> bytes:
        """A line of JSON with ``***`` in place of each of them; it stays JSON."""
        if not any(form in line for form in self._forms):
            return line
        document = json.loads(line, parse_float=_finite)
        return json.dumps(self._hidden(document)).encode("ascii") + b"\n"

    def _hidden(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, dict):
            return {self.hide(name): self._hidden(one) for name, one in value.items()}
        return [self._hidden(one) for one in value] if isinstance(value, list) else value


def _finite(text: str) -> float | str:
    """A number that can be written as JSON again."""
    number = float(text)
    return number if math.isfinite(number) else text


def _forms(value: str) -> set[bytes]:
    texts = (value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    return {text.encode(errors="surrogateescape") for text in texts}
