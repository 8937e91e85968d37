"""What is free is the least of what the machine has left and what each control group grants."""

from pathlib import Path

import pytest

from contract.free_memory import FreeMemory, free_memory, kills_file, memory_kills
from tests.contract.test_machine import UNLIMITED, lay_out

MEBIBYTE = 1024 * 1024
MACHINE = (
    "MemTotal: 8388608 kB\nMemFree: 1048576 kB\nMemAvailable: 4194304 kB\nSwapFree: 9999999 kB\n"
)
STAT_2 = f"anon {200 * MEBIBYTE}\ninactive_file {30 * MEBIBYTE}\nactive_file {10 * MEBIBYTE}\n"
STAT_1 = (
    f"inactive_file 1\nactive_file 1\n"
    f"total_inactive_file {30 * MEBIBYTE}\ntotal_active_file {10 * MEBIBYTE}\n"
)


def of_version_2(limit: int | str, used: int) -> dict[str, str]:
    return {"memory.max": f"{limit}\n", "memory.current": f"{used}\n", "memory.stat": STAT_2}


def of_version_1(limit: int, used: int) -> dict[str, str]:
    return {
        "memory.limit_in_bytes": f"{limit}\n",
        "memory.usage_in_bytes": f"{used}\n",
        "memory.stat": STAT_1,
    }


def below(folder: str, files: dict[str, str]) -> dict[str, str]:
    return {f"{folder}{name}": content for name, content in files.items()}


LIMIT, USED = 512 * MEBIBYTE, 300 * MEBIBYTE
LEFT = FreeMemory(LIMIT - USED + 40 * MEBIBYTE, LIMIT)
TREES = {
    "version 2, mounted as root": ("0::/\n", of_version_2(LIMIT, USED), LEFT),
    "version 2, limited from above": (
        "0::/outer/inner\n",
        {
            **below("outer/", of_version_2(LIMIT, USED)),
            **below("outer/inner/", of_version_2("max", USED)),
        },
        LEFT,
    ),
    "version 2, a wider group is fuller": (
        "0::/outer/inner\n",
        {
            **below("outer/", of_version_2(LIMIT, USED)),
            **below("outer/inner/", of_version_2(500 * MEBIBYTE, 10 * MEBIBYTE)),
        },
        LEFT,
    ),
    "version 1, mounted as root": (
        "9:memory:/docker/1\n8:cpu:/docker/1\n",
        below("memory/", of_version_1(LIMIT, USED)),
        LEFT,
    ),
    "version 1, under its path": (
        "9:memory:/docker/1\n0::/\n",
        {
            **below("memory/", of_version_1(UNLIMITED, 7 * 1024 * MEBIBYTE)),
            **below("memory/docker/1/", of_version_1(LIMIT, USED)),
        },
        LEFT,
    ),
    "the machine has less than the group": (
        "0::/\n",
        of_version_2(16 * 1024 * MEBIBYTE, USED),
        FreeMemory(4096 * MEBIBYTE, 8192 * MEBIBYTE),
    ),
    "no group": ("", {}, FreeMemory(4096 * MEBIBYTE, 8192 * MEBIBYTE)),
}


@pytest.mark.parametrize(("groups", "files", "expected"), TREES.values(), ids=TREES.keys())
def test_what_is_free(
    tmp_path: Path, groups: str, files: dict[str, str], expected: FreeMemory
) -> None:
    """Pages of files count as free, swap doesn't; of nested groups the fullest counts."""
    lay_out(tmp_path, groups, files)
    (tmp_path / "proc" / "meminfo").write_text(MACHINE)

    assert free_memory(tmp_path) == expected


def test_a_full_group_has_nothing_left(tmp_path: Path) -> None:
    """Never less than nothing, whatever the kernel counts."""
    lay_out(tmp_path, "0::/\n", of_version_2(LIMIT, LIMIT + 100 * MEBIBYTE))
    (tmp_path / "proc" / "meminfo").write_text(MACHINE)

    assert free_memory(tmp_path) == FreeMemory(0, LIMIT)


@pytest.mark.parametrize(
    ("groups", "files", "counted"),
    [
        ("0::/\n", {"memory.events": "low 0\noom 4\noom_kill 3\n"}, 3),
        (
            "0::/a/b\n",
            {"a/memory.events": "oom_kill 9\n", "a/b/memory.events": "oom_kill 2\n"},
            2,
        ),
        ("9:memory:/a\n", {"memory/memory.oom_control": "under_oom 0\noom_kill 5\n"}, 5),
        ("", {}, 0),
    ],
    ids=["version 2", "the innermost group", "version 1", "no group"],
)
def test_kills_for_lack_of_memory(
    tmp_path: Path, groups: str, files: dict[str, str], counted: int
) -> None:
    """As the kernel counts them for this group, and none for others around it."""
    lay_out(tmp_path, groups, files)

    assert memory_kills(tmp_path) == counted
    assert (kills_file(tmp_path) is None) == (not files)
