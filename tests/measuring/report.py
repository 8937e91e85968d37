"""Tells how much of each package the tests have run: ``python -m tests.measuring.report FOLDER``.

Prints what was not run by file, and a table by package; fails where the total is below
``fail_under`` of ``pyproject.toml``.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from coverage import Coverage

# What of a file's summary is counted, and what of that was run.
COUNTED = {"lines": ("num_statements", "covered_lines"),
           "branches": ("num_branches", "covered_branches")}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Combine what the processes have saved, and print it; whether it is enough."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the processes have saved what they ran")
    parser.add_argument("--part", action="store_true", help="a part of the tests: fail for nothing")
    options = parser.parse_args(arguments)

    coverage = Coverage(data_file=str(options.folder / "data"))
    coverage.combine([str(options.folder)], keep=True)
    # A file that no process has imported counts as well.
    coverage.get_data().touch_files(map(str, sources(coverage)))
    coverage.report(show_missing=True, skip_covered=True, sort="cover")
    coverage.html_report(directory=str(options.folder / "html"))
    files = summaries(coverage)
    print()
    print("\n".join(table(files)))
    elsewhere = options.folder / "elsewhere"
    if elsewhere.exists():
        print(f"packages of the checkout were used by\n{elsewhere.read_text()}")
        return 1
    floor, total = coverage.get_option("report:fail_under"), share(files.values())
    if options.part or total >= floor:
        return 0
    print(f"coverage: {total:.1f} % is below the floor, {floor} % (fail_under in pyproject.toml)")
    return 1


def sources(coverage: Coverage) -> Iterator[Path]:
    """Every file of the packages, in the checkout, but for what isn't measured."""
    for folder in coverage.get_option("paths").values():
        for file in Path(folder[0]).rglob("*.py"):
            if "templates" not in file.parts:
                yield file.absolute()


def summaries(coverage: Coverage) -> Mapping[str, Mapping[str, Any]]:
    """The numbers of each file, by its path in the checkout."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.json"
        coverage.json_report(outfile=str(file))
        files = json.loads(file.read_text(encoding="utf-8"))["files"]
    return {name: found["summary"] for name, found in files.items()}


def table(files: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A line for each package, and for the total."""
    packages: dict[str, list[Mapping[str, Any]]] = {}
    for name, summary in files.items():
        packages.setdefault(Path(name).parts[0], []).append(summary)
    yield f"{'package':16}{'lines':>12}{'branches':>12}{'covered':>10}"
    for package, found in sorted(packages.items()):
        yield row(package, found)
    yield row("total", [*files.values()])


def row(name: str, found: Sequence[Mapping[str, Any]]) -> str:
    """A line of the table."""
    counts = (
        f"{sum(one[run] for one in found)}/{sum(one[all_] for one in found)}"
        for all_, run in COUNTED.values()
    )
    return f"{name:16}{''.join(f'{count:>12}' for count in counts)}{share(found):>8.1f} %"


def share(found: Any) -> float:
    """How much of lines and branches together was run, in percent."""
    found = [*found]
    every, run = (
        sum(one[names[place]] for one in found for names in COUNTED.values()) for place in (0, 1)
    )
    return 100 * run / every


if __name__ == "__main__":
    raise SystemExit(main())
