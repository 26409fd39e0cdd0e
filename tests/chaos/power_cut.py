"""A power cut for real processes: after they were killed, only what they had synced is left of their directories.

power_cut.c, under each process, notes which bytes and which names are synced; cut() makes the directory anew from these notes.
It is harsher than a file system may be: a name that no fsync of its directory covered is gone, a removal that none
covered has not happened, and of bytes that no fsync covered not one is left.
"""

import os
import shutil
from pathlib import Path

from chaos.disks import library
from support.weir_cluster import preload


class PowerCut:
    """What is known of one node's directory. `environment` puts the library under its processes."""

    def __init__(self, directory):
        self.directory = Path(directory).absolute()
        self._notes = self.directory.with_name(self.directory.name + "-power-cut")
        self.environment = {**os.environ, "LD_PRELOAD": preload(library("power_cut")),
                            "WEIR_POWER_CUT_ROOT": str(self.directory), "WEIR_POWER_CUT_NOTES": str(self._notes)}
        self._note_everything()

    def _note_everything(self):
        """Whatever is there now is taken for synced."""
        shutil.rmtree(self._notes, ignore_errors=True)
        (self._notes / "kept").mkdir(parents=True)
        self.directory.mkdir(parents=True, exist_ok=True)
        with open(self._notes / "journal", "w", encoding="utf-8") as journal:
            for place, _, files in os.walk(self.directory):
                entries = [(entry.inode(), entry.name) for entry in os.scandir(place)]
                for name in files:
                    status = os.stat(Path(place) / name)
                    os.link(Path(place) / name, self._notes / "kept" / str(status.st_ino))
                    journal.write(f"F {status.st_ino} {status.st_size}\n")
                journal.write(f"D {os.stat(place).st_ino} {len(entries)}\n")
                journal.writelines(f"{inode} {name}\n" for inode, name in entries)
                journal.write(".\n")

    def cut(self):
        """To be called when no process uses the directory. Returns (bytes lost, names lost), RocksDB's log of what it
        does left out: that is never synced.
        """
        sizes, names = self._read_journal()
        before = _sizes(self.directory)
        fresh = self.directory.with_name(self.directory.name + "-fresh")
        fresh.mkdir()
        self._rebuild(os.stat(self.directory).st_ino, fresh, sizes, names)
        shutil.rmtree(self.directory)
        fresh.rename(self.directory)
        after = _sizes(self.directory)
        self._note_everything()
        lost = sum(max(0, size - after.get(name, size)) for name, size in before.items())
        return lost, len(before.keys() - after.keys())

    def _read_journal(self):
        """({inode of a file: bytes synced}, {inode of a directory: [(inode, name)]}); a torn last note says nothing."""
        sizes, names = {}, {}
        lines = (self._notes / "journal").read_text(encoding="utf-8").split("\n")[:-1]
        place = 0
        while place < len(lines):
            kind, inode, number = lines[place].split(" ")
            inode, number = int(inode), int(number)
            place += 1
            if kind == "F":
                sizes[inode] = number
            elif kind == "T":
                sizes[inode] = min(number, sizes.get(inode, 0))
            else:
                entries = lines[place:place + number + 1]
                place += number + 1
                if entries[-1:] == ["."] and len(entries) == number + 1:
                    names[inode] = [(int(line.split(" ", 1)[0]), line.split(" ", 1)[1]) for line in entries[:-1]]
        return sizes, names

    def _rebuild(self, directory_inode, target, sizes, names):
        for inode, name in names.get(directory_inode, []):
            kept = self._notes / "kept" / str(inode)
            if kept.exists():
                os.link(kept, target / name)
                os.truncate(target / name, min(kept.stat().st_size, sizes.get(inode, 0)))
            else:
                (target / name).mkdir()
                self._rebuild(inode, target / name, sizes, names)


def _sizes(directory):
    return {path.relative_to(directory): path.stat().st_size for path in directory.rglob("*") if path.is_file()}
