"""What is told as text: Prometheus's format, or OpenMetrics where that is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable

from handler.metrics.families import Family, Labels

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_QUALITY = re.compile(r";\s*q=([0-9.]+)")


def content_type(accept: str) -> str:
    """The format for a header Accept."""
    weights = {"application/openmetrics-text": 0.0, "text/plain": 0.0}
    for part in accept.split(","):
        name = part.split(";")[0].strip().lower()
        quality = _QUALITY.search(part)
        if name in weights:
            weights[name] = max(weights[name], _weight(quality[1]) if quality else 1.0)
    wants_it = weights["application/openmetrics-text"] > weights["text/plain"]
    return OPENMETRICS if wants_it else PROMETHEUS


def text(families: Iterable[Family], form: str) -> str:
    """The families in one of the formats."""
    lines: list[str] = []
    for family in families:
        is_counter = family.kind == "counter" and form == PROMETHEUS
        name = family.name + ("_total" if is_counter else "")
        lines.append(f"# HELP {name} {_escaped(family.meaning, form)}")
        lines.append(f"# TYPE {name} {family.kind}")
        lines += (
            f"{family.name}{one.ending}{_labels(one.labels)} {_value(one.value)}"
            for one in family.samples
        )
    if form == OPENMETRICS:
        lines.append("# EOF")
    return "\n".join(lines) + "\n"


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_quoted(value)}"' for name, value in labels) + "}"


def _quoted(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _escaped(meaning: str, form: str) -> str:
    escaped = meaning.replace("\\", r"\\").replace("\n", r"\n")
    return escaped.replace('"', r"\"") if form == OPENMETRICS else escaped


def _value(value: float) -> str:
    return repr(int(value)) if float(value).is_integer() else repr(float(value))


def _weight(quality: str) -> float:
    try:
        return float(quality)
    except ValueError:
        return 0.0
