"""The frontend's configuration: its properties file, its addresses and its log."""

from __future__ import annotations

import os
from pathlib import Path
from string import Template
from xml.sax.saxutils import escape

from contract.machine import MEBIBYTE
from contract.settings import HIGHEST_BYTES, ServingSettings
from handler.processes.capacity_plan import CapacityPlan
from handler.serve.pick_free_port import UNPRIVILEGED_PORTS, free_port

# Of an exception, its cause and where that was thrown, in one line. The rest are the frontend's own
# layers, thirty for each client that goes away in the midst of a request.
_CAUSE = r"%replace{%rEx{1}}{[\r\n]+}{}"
_PLACE = r"%replace{%rEx{3}}{[\r\n]+\s*}{ | }"
_TEXT_LAYOUTS = {
    "frontend": "%d{ISO8601} [%-5p] %c{1} - %notEmpty{[%X{request_id}] }%m" + _PLACE + "%n",
    "worker": "%d{ISO8601} [%t] %m%n",
    "access": "%d{ISO8601} [access] %m%n",
}
_JSON_LINE = (
    '{"time":"%d{yyyy-MM-dd\'T\'HH:mm:ss.SSS}{UTC}Z","level":"%p{WARN=WARNING,FATAL=CRITICAL}",'
    '"logger":"%enc{%c{1}}{JSON}","message":"%enc{%m' + _CAUSE + '}{JSON}"'
    '%notEmpty{,"request_id":"%enc{%X{request_id}}{JSON}"},"pid":${sys:byo.pid:-0}'
    '%notEmpty{,"exception":"%enc{%rEx{8}}{JSON}"}}%n'
)
# What workers print is JSON by itself, or is wrapped where it leaves `serve` (log_relay.py).
_JSON_LAYOUTS = {"frontend": _JSON_LINE, "worker": "%m%n", "access": _JSON_LINE}

HANDLER = "handler.service:handle"
LOG_LAYOUT = Path(__file__).parent / "log4j2.xml"
# The frontend answers a body beyond its own limit with an empty 413. Ours is meant to be
# reached first, since it says what the limit is.
REQUEST_MARGIN = 16 * MEBIBYTE


def properties(settings: ServingSettings, plan: CapacityPlan, scratch: Path) -> str:
    """The text of the frontend's configuration file."""
    values = {
        "inference_address": inference_address(settings),
        "management_address": management_address(settings, scratch),
        "model_store": "/",
        "default_service_handler": HANDLER,
        "default_workers_per_model": plan.connections,
        "number_of_netty_threads": plan.client_threads,
        "netty_client_threads": plan.worker_threads,
        "default_response_timeout_seconds": frontend_timeout(settings),
        "job_queue_size": settings.queue_size,
        "max_request_size": min(settings.max_payload + REQUEST_MARGIN, HIGHEST_BYTES),
        "max_response_size": HIGHEST_BYTES,
        "decode_input_request": "false",
        # What is sent to a worker is written where the kernel takes it from, and not copied there.
        "prefer_direct_buffer": "true",
        # Each collection starts a Python interpreter, and nobody reads the figures.
        "metric_time_interval": 3600,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


def inference_address(settings: ServingSettings) -> str:
    """Where pings and invocations are taken."""
    return f"http://{settings.bind_address}:{settings.port}"


def management_address(settings: ServingSettings, scratch: Path) -> str:
    """Where models are loaded and unloaded: whoever reaches it can run code.

    SageMaker manages the models of a multi-model endpoint through the port it invokes them on.
    Where there is one model only, the address is a unix socket in the scratch folder. For one
    the JVM needs a library that it unpacks there; where nothing may be executed from that
    folder, such as in a container's tmpfs, the address is a port of the loopback interface.
    """
    if settings.multi_model:
        return inference_address(settings)
    if os.statvfs(scratch).f_flag & os.ST_NOEXEC:
        return f"http://127.0.0.1:{free_port(settings.safe_port_range or UNPRIVILEGED_PORTS)}"
    return f"unix:{scratch}/management.sock"


def frontend_timeout(settings: ServingSettings) -> int:
    """Seconds the frontend waits for a worker, be it for an answer or for a model to load.

    It has one number for both. A load may take minutes, so this is the longer; the handler
    itself ends an invocation that takes too long.
    """
    return max(settings.startup_timeout, 2 * settings.timeout)


def log_configuration(settings: ServingSettings) -> str:
    """The text of the frontend's log4j configuration: one stream, the container's own."""
    template = Template(LOG_LAYOUT.read_text(encoding="utf-8"))
    level = next(
        name
        for bound, name in ((10, "debug"), (20, "info"), (30, "warn"), (40, "error"), (50, "fatal"))
        if settings.log_level <= bound
    )
    # What the frontend tells of itself at the level of information is of use to its makers alone.
    root = "warn" if level == "info" else level
    everything = "info" if level == "debug" else "off"
    layouts = _JSON_LAYOUTS if settings.log_format == "json" else _TEXT_LAYOUTS
    return template.substitute(
        level=level,
        root=root,
        everything=everything,
        **{name: _layout(pattern) for name, pattern in layouts.items()},
    )


def _layout(pattern: str) -> str:
    shown = escape(pattern, {'"': "&quot;"})
    return f'<PatternLayout charset="UTF-8" alwaysWriteExceptions="false" pattern="{shown}"/>'
