"""Disks that fail: slow and failing syncs, or all calls, by a library under the process, and a small file system that fills up."""

import mmap
import os
import struct
import subprocess
from pathlib import Path

from support.processes import CACHE_DIR, making
from support.weir_cluster import preload

_LAYOUT = struct.Struct("<IIQQQ")  # delay_ms, error, syncs, delayed, failed: as in slow_disk.c
_SWITCH = struct.Struct("<QQ")  # failed, calls: as in failed_disk.c


@making("library")
def library(name):
    """NAME.c of this directory as a shared library, compiled when it changed."""
    source, target = Path(__file__).with_name(f"{name}.c"), CACHE_DIR / f"{name}.so"
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["cc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(target), str(source),
                        "-ldl"], check=True, timeout=60)
    return target


class SyncFaults:
    """What the syncs of one node's processes shall do. `environment` puts the library under a process."""

    def __init__(self, path):
        path.write_bytes(bytes(_LAYOUT.size))
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), _LAYOUT.size)
        self.environment = {**os.environ, "LD_PRELOAD": preload(library("slow_disk")), "WEIR_SYNC_FAULT": str(path)}

    def set(self, delay_ms=0, error=0):
        struct.pack_into("<II", self._map, 0, delay_ms, error)

    def counts(self):
        """(syncs, delayed, failed) so far."""
        return _LAYOUT.unpack_from(self._map)[2:]


class FailedDisk:
    """A directory of one node that can be made to fail with every call. `environment` puts it under the process."""

    def __init__(self, directory, switch):
        switch.write_bytes(bytes(_SWITCH.size))
        with open(switch, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), _SWITCH.size)
        self.environment = {**os.environ, "LD_PRELOAD": preload(library("failed_disk")),
                            "WEIR_FAILED_DISK": str(directory), "WEIR_FAILED_DISK_SWITCH": str(switch)}

    def set(self, failed):
        struct.pack_into("<Q", self._map, 0, int(failed))

    def calls_failed(self):
        return _SWITCH.unpack_from(self._map)[1]


class SmallDisk:
    """A file system of its own in a file, mounted at `directory`, that a ballast file can fill."""

    def __init__(self, directory, image, mib):
        self.directory, self.mib = Path(directory), mib
        self._image = Path(image)
        self._ballast = self.directory / "ballast"
        with open(image, "wb") as file:
            file.truncate(mib * 1024 * 1024)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-e", "remount-ro", str(image)], check=True, timeout=60)
        self.directory.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-o", "loop", str(image), str(directory)], check=True, timeout=60)

    @staticmethod
    def missing(directory):
        """Why none can be made here, or None."""
        if os.geteuid() != 0:
            return "mount needs root"
        trial = Path(directory) / "trial"
        try:
            SmallDisk(trial, Path(directory) / "trial.image", 4).remove()
        except (subprocess.SubprocessError, OSError) as error:
            return f"a loop device cannot be mounted: {error}"
        return None

    def free_bytes(self):
        status = os.statvfs(self.directory)
        return status.f_bavail * status.f_frsize

    def device(self):
        """Its name in /dev and /sys/fs/ext4."""
        return subprocess.run(["findmnt", "-n", "-o", "SOURCE", str(self.directory)], capture_output=True, text=True,
                              check=True).stdout.strip().removeprefix("/dev/")

    def fill(self, leave_bytes=0):
        """Takes all space that is left but so much."""
        with open(self._ballast, "ab") as file:
            while self.free_bytes() > leave_bytes:
                size = min(self.free_bytes() - leave_bytes, 64 * 1024 * 1024)
                try:
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), size)
                except OSError:
                    break

    def empty(self):
        self._ballast.unlink(missing_ok=True)

    def remove(self):
        subprocess.run(["umount", "-l", str(self.directory)], check=False, timeout=60)
        self._image.unlink(missing_ok=True)
