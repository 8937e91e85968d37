"""Copy an algorithm folder to where the image's build sees it, without what is not for an image.

    python3 stage_algorithm.py FOLDER TARGET

Version control, environments, caches, and what `byo train` leaves stay out, and so does what the
folder's own .dockerignore names, by docker's rules. A file that looks like a secret is left out
(.env) or refused, unless the .dockerignore takes it along by name: `!NAME`. Runs on any Python
from 3.8 on, with nothing installed.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

IGNORE_FILE = ".dockerignore"
EXIT_REFUSED = 2
LEFT_OUT = """
.git .hg .svn .venv .byo .env .env.* .aws .ssh __pycache__ *.pyc .ipynb_checkpoints .mypy_cache
.pytest_cache .ruff_cache .hypothesis .tox .nox node_modules .DS_Store ._* .idea .vscode
.dockerignore .gitignore
"""
SECRETS = """
id_rsa id_dsa id_ecdsa id_ed25519 *.p12 *.pfx *.jks *.ppk .netrc _netrc .pypirc .npmrc
.git-credentials .pgpass .htpasswd credentials credentials.json credentials.csv kaggle.json
service-account*.json service_account*.json secrets.* *.secret *.secrets
"""
PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
# A key is a small file: larger ones are data.
LARGEST_KEY = 64 * 1024
MOST_NAMES = 6


class Refused(Exception):
    """The folder can't go into an image as it is."""


class Pattern(NamedTuple):
    """A line of a .dockerignore."""

    matches: re.Pattern[str]
    text: str
    excludes: bool
    named: bool  # by the user, rather than by us


class Staged(NamedTuple):
    """What was copied, and what was not."""

    files: int
    size: int
    left_out: list[str]


def stage(folder: Path, target: Path) -> Staged:
    """Copy a folder.

    Args:
        folder: the algorithm folder.
        target: a folder that is there, and empty.

    Raises:
        Refused: there is something in it that should not be in an image, or can't be copied.
    """
    patterns = [Pattern(_regex(f"**/{name}"), name, True, False) for name in LEFT_OUT.split()]
    patterns += _read_patterns(folder / IGNORE_FILE)
    left_out: list[str] = []
    files, size = 0, 0
    secrets = []
    for relative, path in _walk(folder, patterns, left_out):
        copy = target / relative
        if path.is_dir():
            copy.mkdir(exist_ok=True)
            continue
        if not path.is_file():
            raise Refused(f"{path} is neither a file nor a folder, or a link that leads nowhere")
        if _looks_secret(path) and not _taken_along(relative, patterns):
            secrets.append(relative)
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(str(path), str(copy))
        files, size = files + 1, size + path.stat().st_size
    if secrets:
        raise Refused(
            f"{_some(secrets)} in {folder} may be a secret, and whoever has an image can read "
            f"it: add it to {folder / IGNORE_FILE} to leave it out, or add !{secrets[0]} to take "
            "it along"
        )
    return Staged(files, size, left_out)


def _walk(folder: Path, patterns: list[Pattern], left_out: list[str]) -> Iterator[tuple[str, Path]]:
    """What is to be copied, folders before what is in them; links are followed.

    What is left out is added to a list, unless it is of no interest to anybody.
    """
    seen: dict[str, str] = {}
    for root, folders, names in os.walk(str(folder), followlinks=True):
        here = Path(root)
        real = os.path.realpath(root)
        if real in seen:
            raise Refused(f"{here} leads to {seen[real]}, which is in the folder already")
        seen[real] = root
        for name in sorted(folders):
            relative = (here / name).relative_to(folder).as_posix()
            is_environment = (here / name / "pyvenv.cfg").is_file()
            if not (is_environment or _is_excluded(relative, patterns)):
                yield relative, here / name
            elif is_environment or not _may_hold_wanted(relative, patterns):
                folders.remove(name)
                left_out.append(relative)
        for name in sorted(names):
            relative = (here / name).relative_to(folder).as_posix()
            if _is_excluded(relative, patterns):
                left_out.append(relative)
            else:
                yield relative, here / name


def _is_excluded(relative: str, patterns: list[Pattern]) -> bool:
    """Docker's rule: the last pattern decides that matches the path or a folder above it."""
    last = _last_match(relative, patterns)
    return last is not None and last.excludes


def _may_hold_wanted(relative: str, patterns: list[Pattern]) -> bool:
    """Whether something in an excluded folder is taken along by a pattern."""
    return any(
        not each.excludes and each.text.startswith((f"{relative}/", "*")) for each in patterns
    )


def _taken_along(relative: str, patterns: list[Pattern]) -> bool:
    """Whether the user's own file names it as wanted."""
    last = _last_match(relative, patterns)
    return last is not None and last.named and not last.excludes


def _last_match(relative: str, patterns: list[Pattern]) -> Pattern | None:
    parts = relative.split("/")
    above = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
    for pattern in reversed(patterns):
        if any(pattern.matches.fullmatch(path) for path in above):
            return pattern
    return None


def _looks_secret(path: Path) -> bool:
    if any(_regex(name).fullmatch(path.name) for name in SECRETS.split()):
        return True
    if path.stat().st_size > LARGEST_KEY:
        return False
    return PRIVATE_KEY.search(path.read_bytes()) is not None


def _read_patterns(file: Path) -> list[Pattern]:
    if not file.is_file():
        return []
    patterns = []
    for line in file.read_text(encoding="utf-8-sig").splitlines():
        text = line.strip()
        if text and not line.startswith("#"):
            excludes = not text.startswith("!")
            text = text.lstrip("!").strip().strip("/")
            if text.startswith("./"):
                text = text[2:]
            if text:
                patterns.append(Pattern(_regex(text), text, excludes, True))
    return patterns


def _regex(pattern: str) -> re.Pattern[str]:
    """A pattern of docker's: `*` and `?` within a name, `[…]`, and `**` for any folders."""
    text, index = "", 0
    while index < len(pattern):
        if pattern.startswith("**/", index):
            text, index = text + "(?:.*/)?", index + 3
        elif pattern.startswith("**", index):
            text, index = text + ".*", index + 2
        elif pattern[index] == "*":
            text, index = text + "[^/]*", index + 1
        elif pattern[index] == "?":
            text, index = text + "[^/]", index + 1
        elif pattern[index] == "[" and "]" in pattern[index + 2 :]:
            end = pattern.index("]", index + 2)
            text, index = text + pattern[index : end + 1], end + 1
        else:
            index += pattern[index] == "\\" and index + 1 < len(pattern)
            text, index = text + re.escape(pattern[index]), index + 1
    return re.compile(text)


def _some(names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _human(size: int) -> str:
    for unit in ("bytes", "KB", "MB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024  # type: ignore[assignment]
    return f"{size:.1f} GB"


def main(arguments: list[str]) -> int:
    folder, target = map(Path, arguments)
    program = os.environ.get("STAGING_FOR", "stage_algorithm")
    try:
        staged = stage(folder, target)
    except (Refused, OSError) as error:
        sys.stderr.write(f"{program}: {error}\n")
        return EXIT_REFUSED
    without = f"; left out: {_some(staged.left_out)}" if staged.left_out else ""
    sys.stderr.write(
        f"{program}: {folder} goes into the image as /opt/program: {staged.files} files, "
        f"{_human(staged.size)}{without}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
