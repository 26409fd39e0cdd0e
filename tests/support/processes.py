"""Processes, ports and conditions for tests and benchmarks. Standard library only.

Laws: (1) every process started here is ended by its pid; (2) nothing waits for time: every wait is for a
condition and has a deadline; (3) a failed wait says what was waited for and where the log is.
"""

import contextlib
import fcntl
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD_DIR = Path(os.environ.get("WEIR_BUILD_DIR", REPOSITORY / "build"))
CACHE_DIR = REPOSITORY / "build" / ".cache"

# Patience of every wait: sanitized binaries on a busy machine are ten times slower.
TIMEOUT_FACTOR = float(os.environ.get("WEIR_TEST_TIMEOUT_FACTOR", "1"))
# Where sanitizers leave their reports (scripts/run_tests.py); unset: no sanitizer runs.
SANITIZER_REPORTS = os.environ.get("WEIR_SANITIZER_REPORTS")

# Below Linux's ephemeral range, so that no outgoing connection takes a port between our look and its use.
# pytest's workers have a share each: what one has found free, another does not take.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_PORTS = 17_000 // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_PORT_FIRST = 14_000 + _WORKER * _PORTS
_PORT_LAST = _PORT_FIRST + _PORTS - 1
_POLL_INTERVAL_S = 0.005


@contextlib.contextmanager
def making(name):
    """Around what is made once in CACHE_DIR, also as a decorator: other test processes wait, and find it made."""
    CACHE_DIR.mkdir(parents=True, exist_ok=True)
    with open(CACHE_DIR / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def wait_until(condition, timeout_s, what):
    """Returns the first truthy value of `condition()`; raises TimeoutError naming `what` after `timeout_s`."""
    timeout_s *= TIMEOUT_FACTOR
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout_s} s")
        time.sleep(_POLL_INTERVAL_S)


def _is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count):
    """The first of `count` consecutive free TCP ports on the loopback address."""
    for _ in range(200):
        first = random.randint(_PORT_FIRST, _PORT_LAST - count)
        if all(_is_free(port) for port in range(first, first + count)):
            return first
    raise RuntimeError(f"no {count} consecutive free ports between {_PORT_FIRST} and {_PORT_LAST}")


def accepts(address):
    """Whether host:port accepts a TCP connection now."""
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=0.2).close()
        return True
    except OSError:
        return False


def is_running(pid):
    """Whether a process exists and has not ended (a zombie has)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in ("Z", "X")


def unwind_on_sigterm():
    """SIGTERM ends this program as an exception would: what it has started is stopped and its directories go."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def kill_hard(pid, timeout_s=10):
    """kill -9 and wait until the process is gone."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    wait_until(lambda: not is_running(pid), timeout_s, f"pid {pid} to end after SIGKILL")


class Process:
    """A child whose output goes to a file. `stop` is SIGTERM, then SIGKILL once the deadline has passed."""

    def __init__(self, command, log_path, cwd=None, env=None):
        self.command = [str(part) for part in command]
        self.log_path = Path(log_path)
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log_path, "ab") as log:
            self._child = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                           stderr=subprocess.STDOUT, cwd=cwd, env=env)
        self.pid = self._child.pid

    def running(self):
        return self._child.poll() is None

    def exit_code(self):
        return self._child.poll()

    def log_tail(self):
        return tail(self.log_path)

    def wait(self, timeout_s):
        return self._child.wait(timeout_s * TIMEOUT_FACTOR)

    def kill(self):
        if self.running():
            self._child.kill()
        self._child.wait(10)

    def stop(self, timeout_s=15):
        if not self.running():
            return self._child.returncode
        self._child.terminate()
        timeout_s *= TIMEOUT_FACTOR
        try:
            return self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise TimeoutError(f"{self.command[0]} (pid {self.pid}) did not end within {timeout_s} s of "
                               f"SIGTERM; log: {self.log_path}") from None


def tail(path, lines=25):
    """The last lines of a text file."""
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def cpu_seconds(pid):
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid):
    """Resident memory of a process in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
