"""A container that runs, and what is known of the model that it serves."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field

from byo.body_values.read_values import essence, read_values
from byo.container_rules.rule import Mode, Need
from byo.content_types import CSV, JSON_LINES

# The types with a record in each line.
LINES = {CSV, JSON_LINES, "application/x-jsonlines", "application/jsonl", "text/libsvm"}
# SageMaker gives an invocation 60 s.
TIMEOUT_SECONDS = 60.0
# Records that are sent one by one.
MOST_RECORDS = 16


@dataclass(frozen=True)
class Container:
    """A container that is asked.

    Args:
        url: its address.
        mode: how SageMaker would use it.
        payload: a body that its model answers; None where none is known.
        content_type: the payload's.
        accept: the type to ask for; None to ask for none.
        model_urls: where the container finds models to LOAD.
        timeout: seconds that each answer may take, where a rule sets no bound of its own.
        run: what tells the names of this run's models from any other's.
    """

    url: str
    mode: Mode
    payload: bytes | None = None
    content_type: str = CSV
    accept: str | None = None
    model_urls: tuple[str, ...] = ()
    timeout: float = TIMEOUT_SECONDS
    run: str = field(default_factory=lambda: secrets.token_hex(16))

    def missing(self, need: Need) -> str | None:
        """Why a rule can't be tried for lack of something, or None where it is there."""
        if need is Need.MODEL_URL:
            return None if self.model_urls else "no --model-url names a model to LOAD"
        if self.payload is None:
            return "no --payload is given"
        if need is Need.HEADER and not self.header():
            return "the payload has no header line"
        return self._no_records() if need in (Need.RECORDS, Need.HEADER) else None

    def _no_records(self) -> str | None:
        if essence(self.content_type) not in LINES:
            return f"{self.content_type} has no record in each line"
        return None if len(self.records()) > 1 else "the payload has a single record"

    def lines(self) -> list[bytes]:
        """The payload's lines, each with its end, as SplitType Line makes records of them.

        A newline within quotes ends a line of CSV, too: SageMaker's rule is to have none.
        """
        lines = (self.payload or b"").splitlines()
        return [line + b"\n" for line in lines if line.strip()]

    def header(self) -> bytes:
        """The payload's line of column names; empty where it has none.

        A first line of CSV is one if none of its cells is a number, and a cell of the second is.
        """
        lines = self.lines()[:2]
        if essence(self.content_type) != CSV or len(lines) < 2:
            return b""
        first, second = (read_values(line, CSV)[0] for line in lines)
        named = all(isinstance(cell, str) for cell in first)
        return lines[0] if named and not all(isinstance(cell, str) for cell in second) else b""

    def records(self) -> list[bytes]:
        """The first of the payload's lines that hold data."""
        return self.lines()[bool(self.header()) :][:MOST_RECORDS]

    def model_name(self, of: str) -> str:
        """The name of one of the run's models: a hash, as SageMaker's names are."""
        return hashlib.sha256(f"{self.run} {of}".encode()).hexdigest()

    def variables(self, rule: str) -> dict[str, str]:
        """What names in braces stand for in a rule's requests."""
        multi = self.mode is Mode.MULTI
        loaded = self.model_name("")
        urls = self.model_urls or ("",)
        return {
            "invocations": f"/models/{loaded}/invoke" if multi else "/invocations",
            "content_type": self.content_type,
            "content_type_in_capitals": self.content_type.upper(),
            "accept": self.accept or "*/*",
            "longest_attributes": "trace=0123456789abcdef;".ljust(1024, "a"),
            "loaded": loaded,
            "name": self.model_name(f"{rule} 1"),
            "second": self.model_name(f"{rule} 2"),
            "url": urls[0],
            "second_url": urls[-1],
            "no_url": f"/opt/ml/models/{self.run}/model",
        }
