"""``byo check --url``: does a container that runs keep SageMaker's contract?"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from byo.cli.errors_to_exit_codes import say
from byo.cli.invoke import read_payload
from byo.cli.progress_and_colour import working
from byo.command_errors import CheckFailed, UsageError
from byo.container_rules import (
    Container,
    Mode,
    Rule,
    Verdict,
    all_rules,
    rules_for,
    run_rules,
    summary,
)
from byo.container_rules.container import TIMEOUT_SECONDS
from byo.junit_report import write_junit

# What counts with --url alone, and what without it.
WITH_URL = ("mode", "payload", "content_type", "accept", "model_url", "rule", "json", "junit")
WITHOUT_URL = ("directory", "channel", "no_round_trip", "image")


def add_url_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `byo check` for a container that runs."""
    group = parser.add_argument_group("a container that runs")
    group.add_argument("--url", metavar="URL", help="its address, such as http://127.0.0.1:8080")
    group.add_argument(
        "--mode",
        choices=[mode.value for mode in Mode],
        help="how SageMaker would use it (default: single)",
    )
    group.add_argument("--payload", metavar="FILE", help="a body that its model answers")
    group.add_argument(
        "--content-type", metavar="T", help="the payload's type (default: by the file's ending)"
    )
    group.add_argument("--accept", metavar="T", help="the answers' type (default: any)")
    group.add_argument(
        "--model-url",
        action="append",
        default=[],
        metavar="PLACE",
        help="in mode multi: a model's folder as the container sees it; twice for two models",
    )
    group.add_argument(
        "--rule", action="append", default=[], metavar="ID", help="this rule; may be repeated"
    )
    group.add_argument("--json", action="store_true", help="print what came out as JSON")
    group.add_argument(
        "--junit", type=Path, metavar="FILE", help="write what came out as JUnit's XML, too"
    )


def refuse_mixture(options: argparse.Namespace) -> None:
    """An option of a folder's check goes with no URL, and the other way round.

    Raises:
        UsageError: names the first that does not fit.
    """
    for name in WITHOUT_URL if options.url else WITH_URL:
        if getattr(options, name):
            option = "DIR" if name == "directory" else f"--{name.replace('_', '-')}"
            fits = "does not go with --url" if options.url else "needs --url"
            raise UsageError(f"{option} {fits}")


def check_url(options: argparse.Namespace) -> int:
    """Try the rules of a mode on a container, and say what came out.

    Raises:
        UsageError: an option can't be used.
        EndpointFailed: nothing answers at the URL.
        CheckFailed: a rule that a container must keep is not kept.
    """
    container = _container(options)
    rules = _rules(container, options.rule)
    verdicts = []
    with working(f"asking {container.url}"):
        for verdict in run_rules(container, rules):
            verdicts.append(verdict)
            if not options.json:
                say(str(verdict))
    if options.json:
        say(json.dumps(_document(container, verdicts), indent=2))
    else:
        say(summary(verdicts))
    if options.junit:
        suite = f"byo check --mode {container.mode}"
        write_junit(options.junit, suite, [verdict.as_case() for verdict in verdicts])
    broken = sum(verdict.breaks for verdict in verdicts)
    if broken:
        raise CheckFailed(
            f"{container.url} does not keep what SageMaker asks of a container in mode "
            f"{container.mode}: {broken} rule{'s' * (broken != 1)} failed"
        )
    return 0


def _container(options: argparse.Namespace) -> Container:
    mode = Mode(options.mode or Mode.SINGLE)
    if options.model_url and mode is not Mode.MULTI:
        raise UsageError("--model-url needs --mode multi")
    if options.content_type and not options.payload:
        raise UsageError("--content-type needs --payload")
    if len(options.model_url) > 2:
        raise UsageError("--model-url names two models at most")
    timeout = options.timeout or TIMEOUT_SECONDS
    given = {"accept": options.accept, "model_urls": tuple(options.model_url), "timeout": timeout}
    if not options.payload:
        return Container(options.url, mode, **given)
    payload, content_type = read_payload(options.payload, options.content_type)
    return Container(options.url, mode, payload, content_type, **given)


def _rules(container: Container, wanted: list[str]) -> list[Rule]:
    known = {rule.id: rule for rule in all_rules()}
    for name in wanted:
        if name not in known:
            raise UsageError(f"there is no rule {name!r}; these are: {', '.join(known)}")
        if container.mode not in known[name].modes:
            modes = ", ".join(sorted(known[name].modes))
            raise UsageError(f"rule {name} is none of mode {container.mode}, but of {modes}")
    return rules_for(container, wanted)


def _document(container: Container, verdicts: list[Verdict]) -> dict[str, object]:
    return {
        "url": container.url,
        "mode": container.mode.value,
        "rules": [verdict.as_json() for verdict in verdicts],
        "summary": summary(verdicts),
    }
