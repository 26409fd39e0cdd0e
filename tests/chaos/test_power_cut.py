"""That a power cut leaves what was synced, and nothing else."""

import subprocess
import sys

from chaos.power_cut import PowerCut

PROGRAM = """
import os
def sync(path):
    file = os.open(path, os.O_RDONLY)
    os.fsync(file)
    os.close(file)
def append(path, text, synced):
    with open(path, "a") as file:
        file.write(text)
    if synced:
        sync(path)
"""


def run(directory, cut, lines):
    program = [sys.executable, "-c", PROGRAM + lines]
    subprocess.run(program, cwd=directory, env=cut.environment, check=True, timeout=30)


def contents(directory):
    return {str(path.relative_to(directory)): path.read_text() for path in directory.rglob("*") if path.is_file()}


def test_D01_bytes_and_names_survive_if_they_were_synced(tmp_path):
    root = tmp_path / "data"
    cut = PowerCut(root)
    run(root, cut, """
os.mkdir("inner"); sync(".")
append("inner/synced", "kept", True); sync("inner")
append("inner/synced", " and lost", False)
append("inner/unsynced", "lost", False); sync("inner")
append("inner/unnamed", "lost", True)
""")
    assert cut.cut() == (13, 1)
    assert contents(root) == {"inner/synced": "kept", "inner/unsynced": ""}
    run(root, cut, 'append("inner/synced", " still", True); append("inner/synced", " gone", False)')
    cut.cut()
    assert contents(root) == {"inner/synced": "kept still", "inner/unsynced": ""}


def test_D06_renames_and_removals_wait_for_their_directory(tmp_path):
    root = tmp_path / "data"
    cut = PowerCut(root)
    run(root, cut, """
append("old", "first", True); append("dead", "was", True); sync(".")
append("new", "second", True); os.rename("new", "old"); os.unlink("dead")
""")
    cut.cut()
    assert contents(root) == {"old": "first", "dead": "was"}
    run(root, cut, """
append("new", "second", True); os.rename("new", "old"); os.unlink("dead"); sync(".")
""")
    cut.cut()
    assert contents(root) == {"old": "second"}


def test_what_was_cut_off_does_not_come_back(tmp_path):
    root = tmp_path / "data"
    cut = PowerCut(root)
    run(root, cut, """
append("log", "12345678", True); append("made", "12345678", True); sync(".")
file = os.open("log", os.O_RDWR); os.ftruncate(file, 4); os.close(file)
append("log", "abcd", False)
os.close(os.open("made", os.O_WRONLY | os.O_TRUNC))
append("made", "abcd", False)
""")
    cut.cut()
    assert contents(root) == {"log": "1234", "made": ""}
