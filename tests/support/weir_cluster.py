"""A Weir cluster of real processes, for tests and benchmarks. Standard library only.

WeirDev is `weir dev`, whose contract (DESIGN.md §3) is what this class relies on: NODE lines, one READY line,
`weir dev restart`, children that end with their parent. Everything started is ended by pid.
"""

import json
import math
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

from support.processes import (BUILD_DIR, TIMEOUT_FACTOR, free_ports, is_running, kill_hard,
                               tail, wait_until)

_NODE_LINE = re.compile(r"^NODE (\S+) pid=(\d+)")
_READY_LINE = re.compile(r"^READY (.*)$")


def binary(name):
    path = BUILD_DIR / "bin" / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is not built; run scripts/build.sh")
    return path


def preload(library):
    """LD_PRELOAD that puts a library under Weir's processes; a sanitizer's runtime has to come first."""
    needed = subprocess.run(["ldd", binary("weir-broker")], capture_output=True, text=True, check=True).stdout
    return ":".join([*re.findall(r"lib[at]san\.so\.\d+", needed)[:1], str(library)])


class WeirDev:
    """`weir dev --nodes N --data DIR` on free ports. The ports stay the same over restarts."""

    name = "weir"

    def __init__(self, data_dir, nodes=1, arguments=()):
        self.data_dir = Path(data_dir)
        self.nodes = nodes
        self.arguments = list(arguments)
        first = free_ports(4 * nodes)
        self.kafka_port, self.admin_port, self.http_port = first, first + nodes, first + 2 * nodes
        self.ready = {}
        self.ready_line_count = 0
        self.ready_after_s = None
        self.lines = []
        self._pids = {}
        self._process = None
        self._reader = None

    @property
    def bootstrap(self):
        return self.ready["kafka"]

    @property
    def admin(self):
        return self.ready["admin"]

    @property
    def pid(self):
        return self._process.pid

    def ready_timeout(self):
        """The flag that gives `weir dev` the patience of the tests; none where it needs none."""
        if TIMEOUT_FACTOR == 1 or "--ready-timeout" in self.arguments:
            return []
        return ["--ready-timeout", str(math.ceil(30 * TIMEOUT_FACTOR))]

    def command(self):
        return [str(binary("weir")), "dev", "--nodes", str(self.nodes), "--data", str(self.data_dir),
                "--kafka-port", str(self.kafka_port), "--admin-port", str(self.admin_port),
                "--http-port", str(self.http_port), *self.ready_timeout(), *self.arguments]

    def start(self, timeout_s=30):
        """Starts it and returns once READY was printed; `ready_after_s` says after how long."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.ready, self._pids, self.lines, self.ready_line_count = {}, {}, [], 0
        started = time.monotonic()
        self._errors = self.data_dir / "weir-dev.stderr"
        with open(self._errors, "ab") as errors:
            self._process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL,
                                             stdout=subprocess.PIPE, stderr=errors, text=True)
        self._reader = threading.Thread(target=self._read, args=(self._process, started), daemon=True)
        self._reader.start()
        try:
            wait_until(lambda: self.ready or self._process.poll() is not None, timeout_s, "READY")
        except TimeoutError as error:
            self.stop()
            raise TimeoutError(f"{error}\n{self.log_tail()}") from None
        if not self.ready:
            raise RuntimeError(f"weir dev ended with {self._process.poll()}:\n{self.log_tail()}")
        return self

    def _read(self, process, started):
        for line in process.stdout:
            self.lines.append(line.rstrip("\n"))
            if node := _NODE_LINE.match(line):
                self._pids[node[1]] = int(node[2])
            elif ready := _READY_LINE.match(line.rstrip("\n")):
                self.ready_line_count += 1
                self.ready_after_s = time.monotonic() - started
                self.ready = dict(part.split("=", 1) for part in ready[1].split() if "=" in part)

    def log_tail(self):
        return "\n".join([*self.lines[-25:], tail(self._errors)])

    def pids(self):
        """Process id of every node, by name (controller-1, broker-1, ...)."""
        return dict(self._pids)

    def kill(self, node):
        """kill -9 of one node."""
        kill_hard(self._pids[node])

    def terminate(self, node, timeout_s=15):
        """SIGTERM to one node; returns when it has ended."""
        os.kill(self._pids[node], signal.SIGTERM)
        wait_until(lambda: not is_running(self._pids[node]), timeout_s, f"{node} to end")

    def restart(self, node, timeout_s=15):
        """`weir dev restart NODE`: starts a killed node again; returns its new pid."""
        result = subprocess.run([str(binary("weir")), "dev", "restart", node, "--data",
                                 str(self.data_dir)], capture_output=True, text=True,
                                timeout=timeout_s * TIMEOUT_FACTOR)
        found = [_NODE_LINE.match(line) for line in result.stdout.splitlines()]
        pids = [int(match[2]) for match in found if match and match[1] == node]
        if result.returncode != 0 or len(pids) != 1:
            raise RuntimeError(f"weir dev restart {node} ended with {result.returncode}: "
                               f"{result.stdout}{result.stderr}")
        self._pids[node] = pids[0]
        return pids[0]

    def kill_all(self):
        """kill -9 of every process, nodes first, then `weir dev` itself."""
        for pid in [*self._pids.values(), self._process.pid]:
            kill_hard_if_any(pid)
        self._process.wait(10)

    def stop(self, timeout_s=20):
        """SIGTERM to `weir dev`; fails if it or a child outlives it. Returns the exit code."""
        if self._process is None:
            return None
        if self._process.poll() is None:
            self._process.terminate()
        try:
            code = self._process.wait(timeout_s * TIMEOUT_FACTOR)
            wait_until(lambda: not self.living(), timeout_s, f"children {self.living()} to end")
            return code
        finally:
            self._process.kill()
            for pid in self._pids.values():
                kill_hard_if_any(pid)

    def living(self):
        return [name for name, pid in self._pids.items() if is_running(pid)]

    def remove(self):
        shutil.rmtree(self.data_dir, ignore_errors=True)


def kill_hard_if_any(pid):
    if is_running(pid):
        kill_hard(pid)


def run_json(run, *arguments):
    """What a `weir` command prints as JSON; `run` is the fixture of that name."""
    return json.loads(run(*arguments, "--format", "json").stdout)


def weir(*arguments, timeout_s=30, stdin=None):
    """Runs the `weir` command; returns the CompletedProcess."""
    return subprocess.run([str(binary("weir")), *map(str, arguments)], input=stdin, capture_output=True,
                          text=True, timeout=timeout_s * TIMEOUT_FACTOR)
