"""What the process may use is the least of what the machine has and its control groups grant."""

import os
from pathlib import Path

import pytest

from contract.machine import this_machine

MEMORY = 512 * 1024 * 1024
UNLIMITED = 9223372036854771712
TREES = {
    "version 2, mounted as root": (
        "0::/\n",
        {"cpu.max": "100000 100000\n", "memory.max": f"{MEMORY}\n"},
    ),
    "version 2, under its path": (
        "0::/system.slice/docker-1.scope\n",
        {
            "system.slice/docker-1.scope/cpu.max": "50000 100000\n",
            "system.slice/docker-1.scope/memory.max": f"{MEMORY}\n",
        },
    ),
    "version 2, limited from above": (
        "0::/outer/inner\n",
        {
            "outer/cpu.max": "20000 100000\n",
            "outer/memory.max": f"{MEMORY}\n",
            "outer/inner/cpu.max": "max 100000\n",
            "outer/inner/memory.max": "max\n",
        },
    ),
    "version 1, mounted as root": (
        "9:memory:/docker/1\n8:cpu,cpuacct:/docker/1\n",
        {
            "memory/memory.limit_in_bytes": f"{MEMORY}\n",
            "cpu,cpuacct/cpu.cfs_quota_us": "100000\n",
            "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        },
    ),
    "version 1, under its path": (
        "9:memory:/docker/1\n8:cpu:/docker/1\n0::/\n",
        {
            "memory/memory.limit_in_bytes": f"{UNLIMITED}\n",
            "memory/docker/1/memory.limit_in_bytes": f"{MEMORY}\n",
            "cpu/docker/1/cpu.cfs_quota_us": "60000\n",
            "cpu/docker/1/cpu.cfs_period_us": "100000\n",
        },
    ),
}


@pytest.mark.parametrize(("groups", "files"), TREES.values(), ids=TREES.keys())
def test_limits_of_control_groups_count(tmp_path: Path, groups: str, files: dict[str, str]) -> None:
    """Both versions' limits are seen, wherever the group's folder is mounted."""
    lay_out(tmp_path, groups, files)

    machine = this_machine(tmp_path)

    assert (machine.cpus, machine.memory) == (1, MEMORY)
    assert str(machine) == "1 CPU, 512 MB of memory"


@pytest.mark.parametrize(
    ("groups", "files"),
    [
        ("", {}),
        ("0::/\n", {"cpu.max": "max 100000\n", "memory.max": "max\n"}),
        (
            "9:memory:/\n8:cpu:/\n",
            {
                "memory/memory.limit_in_bytes": f"{UNLIMITED}\n",
                "cpu/cpu.cfs_quota_us": "-1\n",
                "cpu/cpu.cfs_period_us": "100000\n",
            },
        ),
    ],
    ids=["no groups", "version 2", "version 1"],
)
def test_without_limits_the_machine_counts(
    tmp_path: Path, groups: str, files: dict[str, str]
) -> None:
    """Where nothing is limited, the answer is what the machine has."""
    lay_out(tmp_path, groups, files)

    machine = this_machine(tmp_path)

    assert machine.cpus == len(os.sched_getaffinity(0))
    assert machine.memory == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def lay_out(root: Path, groups: str, files: dict[str, str]) -> None:
    """Make the files of a machine with such control groups."""
    for name, content in {
        "proc/self/cgroup": groups,
        **{f"sys/fs/cgroup/{name}": content for name, content in files.items()},
    }.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
