"""Keeps the values of secret hyperparameters out of the log and the failure file.

The toolkit logs hyperparameters as they are, and as JSON, Python and shell write them. Which are
secret, their names say (``training_entry.hyperparameters.secret_names``).
"""

from __future__ import annotations

import json
import logging
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from training_entry.hyperparameters.secret_names import MASK, is_secret

TOOLKIT_LOGGER = "sagemaker-training-toolkit"
# These say nothing, and occur everywhere.
PLAIN = frozenset({"", "true", "false", "null", "none"})
# Of a shorter value only whole words are replaced: "1" is a part of too much.
SHORT = 4


class Secrets(logging.Filter):
    """The secret values of a job; as a filter, takes them out of log records.

    Args:
        hyperparameters: the job's hyperparameters by name.
    """

    def __init__(self, hyperparameters: Mapping[str, Any]) -> None:
        super().__init__()
        forms = {form for value in _secret_texts(hyperparameters) for form in _forms(value)}
        patterns = [_pattern(form) for form in sorted(forms, key=len, reverse=True)]
        self._pattern = re.compile("|".join(patterns)) if patterns else None

    @classmethod
    def in_file(cls, file: Path) -> Secrets:
        """The secrets in ``hyperparameters.json``; none where it can't be read."""
        try:
            document = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            document = {}
        return cls(document if isinstance(document, dict) else {})

    def keep_out_of_logs(self) -> None:
        """Redact what the toolkit logs, and what any library does by the handlers of today."""
        logging.getLogger(TOOLKIT_LOGGER).addFilter(self)
        for handler in (*logging.getLogger().handlers, logging.lastResort):
            if handler is not None:
                handler.addFilter(self)

    def hide(self, text: str) -> str:
        """The text with ``***`` in place of each secret."""
        return self._pattern.sub(MASK, text) if self._pattern is not None else text

    def filter(self, record: logging.LogRecord) -> bool:
        """Take the secrets out of a record's message and traceback; keeps every record."""
        if self._pattern is None:
            return True
        record.msg, record.args = self.hide(record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = self.hide(record.exc_text)
        return True


def _secret_texts(mapping: Mapping[str, Any]) -> Iterator[str]:
    """The texts of all values whose name, at any depth, says that they are secret."""
    for name, value in mapping.items():
        if is_secret(name):
            yield from _texts(value)
        elif isinstance(decoded := _decoded(value), Mapping):
            yield from _secret_texts(decoded)


def _texts(value: Any) -> Iterator[str]:
    """A value's text, and those of all that is in it."""
    yield value if isinstance(value, str) else json.dumps(value)
    decoded = _decoded(value)
    if isinstance(decoded, Mapping):
        decoded = list(decoded.values())
    if isinstance(decoded, list):
        for item in decoded:
            yield from _texts(item)
    elif decoded != value:
        yield str(decoded)


def _decoded(value: Any) -> Any:
    """A hyperparameter as the toolkit decodes it: as JSON, if it is any."""
    try:
        return json.loads(value)
    except (TypeError, ValueError):
        return value


def _forms(text: str) -> Iterator[str]:
    """A text as it may come up in a log: as it is, on one line, and quoted in three ways."""
    if text.strip().lower() in PLAIN:
        return
    yield text
    yield " ".join(text.split())
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield repr(text)[1:-1]
    yield shlex.quote(text)


def _pattern(form: str) -> str:
    escaped = re.escape(form)
    return rf"(?<!\w){escaped}(?!\w)" if len(form) < SHORT else escaped
