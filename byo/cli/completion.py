"""``byo completion``: what makes a shell complete our commands and options."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from byo.cli.errors_to_exit_codes import say
from byo.prerequisites import require_module

DESCRIPTION = """\
Print a script for a shell, which completes commands, options, files and folders by itself:
byo does not run when you press TAB. Print it again after an upgrade.
"""
EXAMPLES = """\
examples:
  byo completion bash > ~/.local/share/bash-completion/completions/byo
  byo completion zsh > ~/.zfunc/_byo      # a folder in $fpath, before compinit
  byo completion fish > ~/.config/fish/completions/byo.fish
"""
SHELLS = ("bash", "zsh", "fish")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="the shell to write for")


def run(options: argparse.Namespace) -> int:
    require_module("shtab", "shtab")
    # Here, as completion alone needs the library, and all commands.
    import shtab

    from byo.cli.main import build_parser

    parser = build_parser()
    for action in _actions(parser):
        if action.metavar == "DIR":
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
        elif action.metavar == "FILE":
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif action.nargs == "*":  # what follows -- is docker's, and keeps zsh from completing ours
            action.help = argparse.SUPPRESS
    say(shtab.complete(parser, options.shell))
    return 0


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The arguments of a parser and of its subcommands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for subparser in action.choices.values():
                yield from _actions(subparser)
