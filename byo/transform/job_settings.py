"""The settings of a transform job, by the names and within the bounds of CreateTransformJob.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from byo.command_errors import UsageError
from byo.content_types import CSV, JSON, JSON_LINES
from byo.transform.json_path import JsonPath
from contract.machine import MEBIBYTE

Split = Literal["None", "Line", "RecordIO", "TFRecord"]
Strategy = Literal["SingleRecord", "MultiRecord"]
Assembly = Literal["None", "Line"]

DEFAULT_PAYLOAD_MB = 6
# Of one payload, and of all that are under way together.
MOST_MB = 100
MOST_TIMEOUT = 3600
MOST_RETRIES = 3
MOST_HEADER = 256
PROCESSED = (CSV, JSON, JSON_LINES)


@dataclass(frozen=True)
class JobSettings:
    """What a job is asked to do; None where it is left to the container, or to a default.

    Args:
        split: how an object is taken apart (``SplitType``).
        strategy: one record in a request, or as many as fit (``BatchStrategy``).
        max_payload: the most megabytes of a request; 0 for a whole object in chunks
            (``MaxPayloadInMB``).
        max_concurrent: requests under way at once (``MaxConcurrentTransforms``); 0 is None.
        assemble: what stands between answers (``AssembleWith``).
        content_type, accept: of each request.
        input_filter: what of a record is sent (``InputFilter``).
        output_filter: what of an answer, or of what was joined, is kept (``OutputFilter``).
        join: whether the record comes before its answer (``JoinSource``: ``Input``).
        gzip: whether the objects are gzip files (``CompressionType``).
        timeout: seconds for each request (``InvocationsTimeoutInSeconds``).
        retries: how often a request that failed is sent again (``InvocationsMaxRetries``).

    Raises:
        UsageError: a value is out of bounds, or two of them can't go together.
    """

    split: Split = "None"
    strategy: Strategy | None = None
    max_payload: int | None = None
    max_concurrent: int | None = None
    assemble: Assembly = "None"
    content_type: str | None = None
    accept: str | None = None
    input_filter: str = "$"
    output_filter: str = "$"
    join: bool = False
    gzip: bool = False
    timeout: int = 600
    retries: int = MOST_RETRIES

    def __post_init__(self) -> None:
        _within("--max-payload (MaxPayloadInMB)", self.max_payload, 0, MOST_MB)
        _within("--max-concurrent (MaxConcurrentTransforms)", self.max_concurrent, 0, MOST_MB)
        _within("--timeout (InvocationsTimeoutInSeconds)", self.timeout, 1, MOST_TIMEOUT)
        _within("--retries (InvocationsMaxRetries)", self.retries, 0, MOST_RETRIES)
        _check_product(self.max_concurrent, self.max_payload)
        if self.strategy and self.split == "None":
            raise UsageError(
                "--batch-strategy (BatchStrategy) is about the records of an object: it needs "
                "--split-type line, recordio or tfrecord"
            )
        _check_header("--content-type", self.content_type)
        _check_header("--accept", self.accept)
        for path in (self.input_filter, self.output_filter):
            JsonPath.parse(path)
        if self.processes_records:
            _check_processing(self)

    @property
    def processes_records(self) -> bool:
        """Whether records are looked into: filtered, or joined."""
        return self.join or self.input_filter != "$" or self.output_filter != "$"

    def to_note(self) -> dict[str, Any]:
        """What of it decides the output, for the record of a job that may be resumed."""
        noted = asdict(self)
        for name in ("timeout", "retries", "max_concurrent"):
            del noted[name]
        return noted


@dataclass(frozen=True)
class Limits:
    """What holds for each request, once the container has been asked.

    Args:
        max_payload: megabytes; 0 for a whole object in chunks.
        max_concurrent: requests under way at once.
        strategy: how many records a request has.
    """

    max_payload: int
    max_concurrent: int
    strategy: Strategy

    @property
    def payload_bytes(self) -> int:
        return self.max_payload * MEBIBYTE

    def log_line(self) -> str:
        """What SageMaker's own log says of them."""
        strategy = "MULTI_RECORD" if self.strategy == "MultiRecord" else "SINGLE_RECORD"
        return (
            f"MaxConcurrentTransforms={self.max_concurrent}, MaxPayloadInMB={self.max_payload}, "
            f"BatchStrategy={strategy}"
        )


def limits_of(settings: JobSettings, said: Mapping[str, Any]) -> Limits:
    """What the job asks for, else what the container suggests, else SageMaker's own defaults.

    Args:
        settings: the job's.
        said: the container's ``GET /execution-parameters``; empty where it has none.

    Raises:
        UsageError: the container suggests what can't be, or what can't go with the job's own.
    """
    payload = settings.max_payload
    if payload is None:
        payload = _suggested(said, "MaxPayloadInMB", DEFAULT_PAYLOAD_MB, 0)
    concurrent = settings.max_concurrent or _suggested(said, "MaxConcurrentTransforms", 1, 1)
    _check_product(concurrent, payload)
    if payload == 0:
        _check_processing(replace(settings, max_payload=0))
    return Limits(payload, concurrent, settings.strategy or _suggested_strategy(said))


def _suggested(said: Mapping[str, Any], name: str, default: int, least: int) -> int:
    value = said.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST_MB:
        raise UsageError(
            f"the container's /execution-parameters has {name}={value!r}, which is no number from "
            f"{least} to {MOST_MB}: set it by an option of this command"
        )
    return value


def _suggested_strategy(said: Mapping[str, Any]) -> Strategy:
    known: dict[str, Strategy] = {name.lower(): name for name in get_args(Strategy)}
    value = said.get("BatchStrategy", "MULTI_RECORD")
    found = known.get(str(value).replace("_", "").lower())
    if found is None:
        raise UsageError(
            f"the container's /execution-parameters has BatchStrategy={value!r}, which is neither "
            "SINGLE_RECORD nor MULTI_RECORD: set --batch-strategy"
        )
    return found


def _within(name: str, value: int | None, least: int, most: int) -> None:
    if value is not None and not least <= value <= most:
        raise UsageError(f"{name} is {value}: SageMaker takes {least} to {most}")


def _check_header(option: str, value: str | None) -> None:
    if value is not None and not (
        len(value) <= MOST_HEADER and value.isascii() and value.isprintable()
    ):
        raise UsageError(f"{option} is a line of {MOST_HEADER} ASCII characters at most")


def _check_product(concurrent: int | None, payload: int | None) -> None:
    if concurrent and payload and concurrent * payload > MOST_MB:
        raise UsageError(
            f"MaxConcurrentTransforms={concurrent} times MaxPayloadInMB={payload} is "
            f"{concurrent * payload}: SageMaker takes {MOST_MB} at most, so set --max-concurrent "
            f"{max(1, MOST_MB // payload)} or --max-payload {max(1, MOST_MB // concurrent)}"
        )


def _check_processing(settings: JobSettings) -> None:
    """Refuse what SageMaker refuses of filters and joins, and what could not be done at all."""
    if not settings.processes_records:
        return
    if settings.max_payload == 0:
        raise UsageError(
            "--input-filter, --output-filter and --join look into records, and --max-payload 0 "
            "sends an object as one stream: set a size of 1 to 100"
        )
    looked_at = {"--content-type": kind_of(settings.content_type)}
    if settings.join or settings.output_filter != "$":
        looked_at["--accept"] = kind_of(settings.accept)
    for option, kind in looked_at.items():
        if kind not in PROCESSED:
            raise UsageError(
                f"filters and --join need {option} to be one of {', '.join(PROCESSED)}, "
                f"not {kind or 'unset'}"
            )
    if settings.split not in ("None", "Line"):
        raise UsageError(
            f"filters and --join take CSV and JSON apart: --split-type {settings.split.lower()} "
            "holds neither"
        )
    _check_alike(settings)
    for option, path in (
        ("--input-filter", settings.input_filter), ("--output-filter", settings.output_filter),
    ):  # fmt: skip
        is_of = looked_at.get("--accept" if option == "--output-filter" else "--content-type")
        if is_of == CSV and not JsonPath.parse(path).is_of_columns:
            raise UsageError(
                f"{option} {path}: the columns of CSV are chosen by their numbers, as in "
                "$[1:] or $[0,-1]"
            )


def _check_alike(settings: JobSettings) -> None:
    """What is read line by line is joined and written line by line, in the same form."""
    content_type, accept = kind_of(settings.content_type), kind_of(settings.accept)
    if settings.join and content_type != accept:
        raise UsageError(
            f"--join input needs --content-type and --accept to be the same, not {content_type} "
            f"and {accept}"
        )
    if settings.join and settings.split != settings.assemble:
        raise UsageError(
            f"--join input needs --split-type and --assemble-with to be the same, not "
            f"{settings.split.lower()} and {settings.assemble.lower()}"
        )
    if content_type in (CSV, JSON_LINES) and settings.split != "Line":
        raise UsageError(
            f"filters and --join take {content_type} by its lines: add --split-type line"
            + (" --assemble-with line" if settings.assemble != "Line" else "")
        )


def kind_of(content_type: str | None) -> str:
    """A content type without its parameters, in lower case; "" for none."""
    return (content_type or "").partition(";")[0].strip().lower()
