"""The settings of serving and of training, read once from an environment passed in.

Names that SageMaker's users know keep their meaning; where several exist for one thing, the
first that is set counts, in the order given here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contract import log_format
from contract.body_limits import BodyLimits
from contract.environment_reader import HIGHEST_NUMBER, Reader
from contract.hosting_standards import (
    AUTO_INSTALL,
    AUTO_RECOVERY,
    LOG_LEVEL,
    START_RETRIES,
    counting_log_level,
)
from contract.inference_output import VARIABLE as INFERENCE_OUTPUT_VARIABLE
from contract.machine import MEBIBYTE
from contract.model_pins import MODES as PIN_MODES
from contract.model_pins import VARIABLE as PINS_VARIABLE
from contract.model_server_variables import MAX_REQUEST_SIZE, QUEUE_SIZE, TIMEOUTS, WORKERS
from contract.paths import Paths

ALGORITHM_DIR_VARIABLE = "BYO_ALGORITHM_DIR"
LOG_LEVEL_VARIABLE = "SAGEMAKER_CONTAINER_LOG_LEVEL"
RELOAD_VARIABLE = "BYO_RELOAD"
SUBMIT_DIR_VARIABLE = "SAGEMAKER_SUBMIT_DIRECTORY"
MODEL_KEY_VARIABLE = "BYO_MODEL_KEY"
FORMATS_VARIABLE = "BYO_MODEL_FORMATS"
TRUSTED_VARIABLE = "BYO_SKOPS_TRUSTED"
HIDE_CREDENTIALS_VARIABLE = "BYO_HIDE_CREDENTIALS"
RUN_AS_ROOT_VARIABLE = "BYO_RUN_AS_ROOT"
# Set by `serve` itself where it has become another user, to that one's name.
DROPPED_ROOT_VARIABLE = "BYO_DROPPED_ROOT_FOR"
DEFAULT_ALGORITHM_DIR = "/opt/program"
BACKENDS = ("own", "shared", "stock")
FURTHER_COLUMNS = ("as-fitted", "refuse", "drop")
MODEL_FORMATS = ("joblib", "pickle", "skops")
RUN_AS_ROOT = ("auto", "true", "false")
# multi-model-server refuses ports from 32767 on, and Netty counts bytes in a Java int.
HIGHEST_PORT = 32766
HIGHEST_BYTES = HIGHEST_NUMBER


@dataclass(frozen=True)
class ServingSettings:
    """How ``serve`` and the handler behave.

    Args:
        paths: the /opt/ml tree (``SAGEMAKER_BASE_DIR``).
        algorithm_dir: the algorithm folder baked into the image (``BYO_ALGORITHM_DIR``).
        submit_dir: a folder of user code that SageMaker names (``SAGEMAKER_SUBMIT_DIRECTORY``).
        program: the user's module (``SAGEMAKER_PROGRAM``), or None for ``inference.py``.
        multi_model: whether models come and go at run time (``SAGEMAKER_MULTI_MODEL``).
        bind_address: the address to listen on (``BYO_BIND_ADDRESS``).
        port: the one port for pings and invocations (``SAGEMAKER_BIND_TO_PORT``).
        safe_port_range: where a second port may be opened (``SAGEMAKER_SAFE_PORT_RANGE``).
        workers: workers per model (``SAGEMAKER_MODEL_SERVER_WORKERS``,
            ``SAGEMAKER_NUM_MODEL_WORKERS``, ``MODEL_SERVER_WORKERS``); None for what the
            machine has.
        backend: what holds the models (``BYO_BACKEND``): ``own``, a process for each;
            ``shared``, a few processes for all; ``stock``, multi-model-server's own workers.
        fast_predictions: whether known models answer by a shorter way than their library's
            (``BYO_FAST_PREDICTIONS``).
        metrics: whether it is counted what is served (``BYO_METRICS``).
        metrics_models: how many models have a name of their own in that (``BYO_METRICS_MODELS``).
        metrics_emf: seconds between lines of the log that CloudWatch makes metrics of, 0 for none
            (``BYO_METRICS_EMF``).
        traces: whether spans of invocations are made for OpenTelemetry (``BYO_TRACES``).
        reload: whether a change of code or of a model is loaded at once (``BYO_RELOAD``).
        timeout: seconds an invocation may take (``SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS``,
            ``SAGEMAKER_MODEL_SERVER_TIMEOUT``, ``MODEL_SERVER_TIMEOUT``).
        startup_timeout: seconds a single model may take to load (``SAGEMAKER_STARTUP_TIMEOUT``).
        default_accept: what to answer with where a request accepts anything
            (``SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT``).
        max_payload: bytes of a request's body (``SAGEMAKER_MAX_PAYLOAD_IN_MB``; 0: no limit).
        queue_size: invocations that may wait per model (``SAGEMAKER_MODEL_JOB_QUEUE_SIZE``).
        jvm_arguments: more arguments for the JVM (``SAGEMAKER_MODEL_SERVER_VMARGS``).
        log_level: a level of Python's logging (``SAGEMAKER_CONTAINER_LOG_LEVEL``): a number or
            a name, in quotes or not; else ``LOG_LEVEL``, where that is one.
        log_format: the form of the log (``BYO_LOG_FORMAT``): ``text``, ``json``, or ``auto``, which
            is text on a terminal.
        installs_requirements: whether what requirements.txt ask for is installed
            (``STANDARD_AUTO_INSTALL_REQ``).
        recovers: whether a process that ends is replaced (``PROCESS_AUTO_RECOVERY``); else the
            server ends.
        start_retries: how often in a row a fork server that ends at its start is replaced
            (``PROCESS_MAX_START_RETRIES``).
        further_columns: what is done with columns of a request that the model does not know
            (``BYO_FURTHER_COLUMNS``): ``as-fitted``, as the model would itself; ``refuse``;
            ``drop``.
        inference_output: what a classifier answers for each row, by the words of
            ``contract/inference_output.py`` (``SAGEMAKER_INFERENCE_OUTPUT``); none for what the
            model's signature says.
        body_limits: what a body may hold and unpack to (``BYO_MAX_ROWS`` and its like).
        model_pins: what is made of ``SHA256SUMS`` beside a model (``BYO_MODEL_PINS``): ``check``
            it where it is there; ``require`` it; ``off``.
        model_key: the public key by which a model must be signed (``BYO_MODEL_KEY``); None for
            no signature.
        model_formats: the formats that models may have (``BYO_MODEL_FORMATS``).
        skops_trusted: the types beside skops' own that a skops file may hold
            (``BYO_SKOPS_TRUSTED``).
        hide_credentials: whether AWS credentials are kept out of the environment of users' code
            (``BYO_HIDE_CREDENTIALS``).
        run_as_root: whether root stays root (``BYO_RUN_AS_ROOT``): ``auto``, where nobody else
            could serve; ``true``; ``false``.

    Where multi-model-server has a variable of its own for one of these, it counts last.
    """

    paths: Paths = Paths()
    algorithm_dir: Path = Path(DEFAULT_ALGORITHM_DIR)
    submit_dir: Path | None = None
    program: str | None = None
    multi_model: bool = False
    bind_address: str = "0.0.0.0"
    port: int = 8080
    safe_port_range: tuple[int, int] | None = None
    workers: int | None = None
    backend: str = "own"
    fast_predictions: bool = True
    metrics: bool = True
    metrics_models: int = 200
    metrics_emf: int = 0
    traces: bool = False
    reload: bool = False
    timeout: int = 60
    startup_timeout: int = 600
    default_accept: str = "application/json"
    max_payload: int = 100 * MEBIBYTE
    queue_size: int = 100
    jvm_arguments: str = ""
    log_level: int = 20
    log_format: str = log_format.FORMATS[0]
    installs_requirements: bool = True
    recovers: bool = True
    start_retries: int = 20
    further_columns: str = FURTHER_COLUMNS[0]
    inference_output: tuple[str, ...] = ()
    body_limits: BodyLimits = BodyLimits()
    model_pins: str = PIN_MODES[0]
    model_key: Path | None = None
    model_formats: tuple[str, ...] = MODEL_FORMATS
    skops_trusted: tuple[str, ...] = ()
    hide_credentials: bool = False
    run_as_root: str = RUN_AS_ROOT[0]

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> ServingSettings:
        """Read the settings.

        Raises:
            SettingsError: a value can't be used; the message names its variable.
        """
        read = Reader(environ)
        submit = read.text(SUBMIT_DIR_VARIABLE)
        return cls(
            paths=Paths.from_environ(environ),
            algorithm_dir=algorithm_dir(environ),
            # The SDK puts an s3:// address here as well: `serve` makes it a folder first.
            submit_dir=Path(submit) if submit and "://" not in submit else None,
            program=read.text("SAGEMAKER_PROGRAM"),
            multi_model=read.flag("SAGEMAKER_MULTI_MODEL"),
            bind_address=read.text("BYO_BIND_ADDRESS") or "0.0.0.0",
            port=read.integer("SAGEMAKER_BIND_TO_PORT", default=8080, least=1, most=HIGHEST_PORT),
            safe_port_range=read.port_range("SAGEMAKER_SAFE_PORT_RANGE"),
            workers=read.optional_integer(
                "SAGEMAKER_MODEL_SERVER_WORKERS",
                "SAGEMAKER_NUM_MODEL_WORKERS",
                "MODEL_SERVER_WORKERS",
                WORKERS,
                least=1,
            ),
            backend=read.choice("BYO_BACKEND", BACKENDS),
            fast_predictions=read.choice("BYO_FAST_PREDICTIONS", ("on", "off")) == "on",
            metrics=read.choice("BYO_METRICS", ("on", "off")) == "on",
            metrics_models=read.integer("BYO_METRICS_MODELS", default=200, least=0),
            metrics_emf=read.integer("BYO_METRICS_EMF", default=0, least=0),
            traces=read.choice("BYO_TRACES", ("off", "on")) == "on",
            reload=read.flag(RELOAD_VARIABLE),
            timeout=read.integer(
                "SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS",
                "SAGEMAKER_MODEL_SERVER_TIMEOUT",
                "MODEL_SERVER_TIMEOUT",
                *TIMEOUTS,
                default=60,
                least=1,
            ),
            startup_timeout=read.integer("SAGEMAKER_STARTUP_TIMEOUT", default=600, least=1),
            default_accept=read.text("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or "application/json",
            max_payload=_max_payload(read),
            queue_size=read.integer(
                "SAGEMAKER_MODEL_JOB_QUEUE_SIZE", QUEUE_SIZE, default=100, least=1
            ),
            jvm_arguments=read.text("SAGEMAKER_MODEL_SERVER_VMARGS") or "",
            log_level=read.log_level(
                LOG_LEVEL_VARIABLE, default=counting_log_level(read.text(LOG_LEVEL))
            ),
            log_format=read.choice(log_format.VARIABLE, log_format.FORMATS),
            installs_requirements=read.switch(AUTO_INSTALL, default=True),
            recovers=read.switch(AUTO_RECOVERY, default=True),
            start_retries=read.integer(START_RETRIES, default=20, least=0, most=100),
            further_columns=read.choice("BYO_FURTHER_COLUMNS", FURTHER_COLUMNS),
            inference_output=read.inference_output(INFERENCE_OUTPUT_VARIABLE),
            body_limits=BodyLimits.from_reader(read),
            model_pins=read.choice(PINS_VARIABLE, PIN_MODES),
            model_key=Path(key) if (key := read.text(MODEL_KEY_VARIABLE)) else None,
            model_formats=read.choices(FORMATS_VARIABLE, MODEL_FORMATS),
            skops_trusted=read.words(TRUSTED_VARIABLE),
            hide_credentials=read.flag(HIDE_CREDENTIALS_VARIABLE),
            run_as_root=read.choice(RUN_AS_ROOT_VARIABLE, RUN_AS_ROOT),
        )

    def code_directories(self, model_dir: Path) -> list[Path]:
        """Where the user's module for a model may lie, in the order in which it counts.

        None twice: the SDK names the model's own folder as the submitted one.
        """
        submitted = [self.submit_dir] if self.submit_dir else []
        found: dict[Path, Path] = {}
        for directory in (model_dir / "code", *submitted, model_dir, self.algorithm_dir):
            found.setdefault(directory.resolve(), directory)
        return list(found.values())


@dataclass(frozen=True)
class TrainingSettings:
    """How the training entry behaves.

    Args:
        paths: the /opt/ml tree (``SAGEMAKER_BASE_DIR``).
        algorithm_dir: the algorithm folder baked into the image (``BYO_ALGORITHM_DIR``).
    """

    paths: Paths = Paths()
    algorithm_dir: Path = Path(DEFAULT_ALGORITHM_DIR)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> TrainingSettings:
        return cls(paths=Paths.from_environ(environ), algorithm_dir=algorithm_dir(environ))


def _max_payload(read: Reader) -> int:
    """Bytes of a request's body."""
    megabytes = read.optional_integer("SAGEMAKER_MAX_PAYLOAD_IN_MB", least=0)
    if megabytes is not None:
        return min(megabytes * MEBIBYTE or HIGHEST_BYTES, HIGHEST_BYTES)
    return read.integer(MAX_REQUEST_SIZE, default=100 * MEBIBYTE, least=1)


def algorithm_dir(environ: Mapping[str, str]) -> Path:
    """The algorithm folder baked into the image."""
    return Path(environ.get(ALGORITHM_DIR_VARIABLE) or DEFAULT_ALGORITHM_DIR)
