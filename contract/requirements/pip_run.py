"""How pip is asked: nobody answers its questions, and what it says of a failure is told.

One rule for training jobs, where sagemaker-training starts pip, and for endpoints, where `serve`
does: pip reads the file itself, so each line means what pip says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

# Nobody is there to be asked for a password, by pip or by what it starts.
UNATTENDED = {"PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "GIT_TERMINAL_PROMPT": "0"}
SSH_COMMAND_VARIABLE, UNATTENDED_SSH = "GIT_SSH_COMMAND", "ssh -o BatchMode=yes"
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+@")
_UNREACHABLE = re.compile(
    r"connection broken by|Could not fetch URL|ConnectTimeout|Failed to establish a new connection"
    r"|NameResolutionError|ProxyError|SSLError"
)
_CAUSE = re.compile(
    r"(\[Errno -?\d+\] [^'\"()]+|certificate verify failed|Tunnel connection failed: [^'\"()]+"
    r"|[Cc]onnection (?:timed out|refused|reset)[^'\"()]*|[Rr]ead timed out|[Cc]onnect timeout)"
)
_REFUSED = re.compile(r"(40[137]) (?:Client )?Error")
_INDEX = re.compile(r"Looking in indexes: ([^\s,]+)")
_UNTRUSTED = re.compile(r"repository located at (\S+) is not a trusted or secure host")
# What helps where no index answers.
_WAYS_ON = "let it reach one, name another by PIP_INDEX_URL, or have the packages in the image"
LONGEST_REASON = 300  # such as a list of all versions that there are
# What an installed package asks for, and does not get.
_CONFLICT = re.compile(
    r"^\S+ \S+ requires .+, (?:but you have .+ which is incompatible|which is not installed)\.$"
)
# What pip says last is not always why.
_NOTICE = "[notice]"
_EMPTY_WORDS = (
    "subprocess-exited-with-error",
    "metadata-generation-failed",
    "Failed to build",
    "(from versions: none)",
    " - skipping",
)


def unattended(environ: Mapping[str, str]) -> dict[str, str]:
    """What to set in pip's environment so that nothing waits for a person."""
    ssh = {} if SSH_COMMAND_VARIABLE in environ else {SSH_COMMAND_VARIABLE: UNATTENDED_SSH}
    return {**UNATTENDED, **ssh}


def without_credentials(text: str) -> str:
    """A text whose addresses show no user names and no passwords."""
    return _CREDENTIALS.sub("****@", text)


def why_pip_failed(output: str) -> list[str]:
    """Pip's own reasons, the most telling first, without credentials.

    Args:
        output: what it printed, or its log.
    """
    lines = [line.strip() for line in without_credentials(output).splitlines()]
    said = list(dict.fromkeys(reversed(list(_errors(lines)))))
    reasons = [reason[:LONGEST_REASON] for reason in (*_of_network(lines), *said)]
    others = [line for line in lines if line and not line.startswith(_NOTICE)]
    return reasons or [next(reversed(others), "pip gave no reason")]


def conflicts_told(output: str) -> list[str]:
    """What pip says of installed packages that what it has installed does not suit."""
    lines = map(str.strip, without_credentials(output).splitlines())
    return [line for line in lines if _CONFLICT.match(line)]


def _errors(lines: list[str]) -> Iterator[str]:
    for line in lines:
        for mark in ("ERROR: ", "error: ", "fatal: ", " Error: "):
            _, found, text = f" {line}".partition(mark)
            if found and not any(word in text for word in _EMPTY_WORDS):
                yield text.strip()
                break


def _of_network(lines: list[str]) -> Iterator[str]:
    """Why an index did not answer: pip then says that it knows no such package."""
    for line in lines:
        if _UNREACHABLE.search(line):
            cause = _CAUSE.search(line)
            because = f" ({cause.group(1).strip()})" if cause else ""
            yield f"it can't reach the package index{_index(lines)}{because}: {_WAYS_ON}"
            return
        untrusted = _UNTRUSTED.search(line)
        if untrusted:
            yield (
                f"it does not ask {untrusted[1]}, which is named by http: name it by https, or "
                "trust it by PIP_TRUSTED_HOST"
            )
            return
    for line in lines:
        refused = _REFUSED.search(line)
        if refused and ("WARNING" in line or "ERROR" in line):
            yield f"the package index refuses the credentials, or lacks them (HTTP {refused[1]})"
            return


def _index(lines: list[str]) -> str:
    """The address of the index that pip has told, if it has."""
    told = next(filter(None, map(_INDEX.search, lines)), None)
    return f" {told[1]}" if told else ""


def environment_for_pip(environ: Mapping[str, str]) -> dict[str, str]:
    """A whole environment for pip: unattended, and installing where its command line says."""
    elsewhere = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_DRY_RUN", "PIP_QUIET")
    kept = {name: value for name, value in environ.items() if name not in elsewhere}
    return {**kept, **unattended(environ), "PIP_USER": "0", "COLUMNS": "1000"}
