"""A minute of random faults on real processes, judged by the checker (the short form of scripts/chaos.sh), and that
the faults are what they say.
"""

import subprocess

import pytest

from chaos import disks
from chaos.run import run

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
