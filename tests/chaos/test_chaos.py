"""A minute of random faults on real processes, judged by the checker (the short form of scripts/chaos.sh), and that
the faults are what they say.
"""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

from chaos import disks
from chaos.run import run
from support.processes import REPOSITORY, Process, kill_hard, wait_until

SECONDS = 60
SEED = 20


@pytest.mark.timeout(400)
def test_A04_D01_what_was_acknowledged_survives_random_faults(data_dir):
    lines = []

    def say(text):
        lines.append(text)
        print(text, flush=True)

    well, kinds = run(SECONDS, SEED, None, data_dir, say=say)
    assert well, "\n".join(lines)
    assert len(kinds) >= 5, kinds


def test_a_run_that_is_terminated_leaves_no_process(data_dir):
    program = Process([sys.executable, REPOSITORY / "tests" / "chaos" / "run.py", "600", "--keep", data_dir / "run"],
                      data_dir / "run.log")
    try:
        wait_until(lambda: len(processes_of(data_dir / "run")) >= 6, 60, "the cluster's processes")
        program.stop()
        assert processes_of(data_dir / "run") == []
    finally:
        program.kill()
        for pid in processes_of(data_dir / "run"):
            kill_hard(pid)


def processes_of(directory):
    """The pids of nodes whose configuration lies below a directory."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = command.read_bytes().split(b"\0")
            if b"--config" in words and any(word.startswith(bytes(directory)) for word in words):
                found.append(int(command.parent.name))
    return found


@pytest.mark.long
def test_F27_F30_syncs_are_slow_and_fail_on_demand(data_dir):
    faults = disks.SyncFaults(data_dir / "faults")
    program = ["python3", "-c", "import os, sys; os.fsync(os.open(sys.argv[1], os.O_RDWR | os.O_CREAT))",
               str(data_dir / "file")]

    def sync():
        return subprocess.run(program, env=faults.environment, capture_output=True, text=True, timeout=30)

    assert sync().returncode == 0 and faults.counts() == (1, 0, 0)
    faults.set(delay_ms=50)
    assert sync().returncode == 0 and faults.counts() == (2, 1, 0)
    faults.set(error=5)
    failed = sync()
    assert failed.returncode != 0 and "Input/output error" in failed.stderr and faults.counts() == (3, 1, 1)


@pytest.mark.long
def test_F28_a_small_disk_fills_up_and_empties(data_dir):
    why_not = disks.SmallDisk.missing(data_dir)
    if why_not:
        pytest.skip(why_not)
    disk = disks.SmallDisk(data_dir / "disk", data_dir / "image", 16)
    try:
        before = disk.free_bytes()
        disk.fill()
        assert before > 8 << 20 and disk.free_bytes() == 0
        disk.empty()
        assert disk.free_bytes() == before
    finally:
        disk.remove()
