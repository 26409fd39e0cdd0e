"""The network between nodes, which can be cut: one process that passes every connection on, by who made it.

    links.py DIRECTORY PUBLIC=PRIVATE=NAME ...      ports on the loopback address, and the node that listens behind them

Commands come as JSON lines on standard input, each answered by one line: {"blocked": [[from, to], ...]} replaces the
set of directions in which nothing passes. The answer counts what was held up so far, by direction.
Laws: (1) what is blocked is held, not dropped: TCP would send it again; (2) the end of a connection is held too, so that
neither side learns of the cut; (3) a direction is a pair of nodes, whichever of them made the connection.
Who made a connection is read from /proc: the node whose process owns the socket, else "client".
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

_CHUNK_BYTES = 64 * 1024
_YOUNG_S = 3
CLIENT = "client"


class Processes:
    """Which node a local port belongs to. Nodes are found by their configuration file on the command line."""

    def __init__(self, directory):
        self._directory = directory.rstrip("/") + "/"
        self._known = {}  # pid -> (when it was first seen, its node or None)

    def node_of(self, port, server_port):
        inode = self._inode(port, server_port)
        if inode is None:
            return CLIENT
        wanted = f"socket:[{inode}]"
        for pid, name in self._nodes():
            try:
                for entry in os.scandir(f"/proc/{pid}/fd"):
                    if os.readlink(entry.path) == wanted:
                        return name
            except OSError:
                continue
        return CLIENT

    @staticmethod
    def _inode(port, server_port):
        local, remote = f":{port:04X}", f":{server_port:04X}"
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[1].endswith(local) and fields[2].endswith(remote):
                    return fields[9]
        return None

    def _nodes(self):
        """(pid, node) of all nodes that run. What a young process is may change: it has forked and not yet executed."""
        now = time.monotonic()
        pids = {entry.name for entry in os.scandir("/proc") if entry.name.isdigit()}
        self._known = {pid: known for pid, known in self._known.items() if pid in pids}
        for pid in pids:
            first_seen, name = self._known.get(pid, (now, None))
            if name is None and now - first_seen < _YOUNG_S:
                name = self._name_of(pid)
                self._known[pid] = (first_seen, name)
        return [(pid, name) for pid, (_, name) in self._known.items() if name]

    def _name_of(self, pid):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            return None
        found = [word for word in words if word.startswith(self._directory)]
        return found[-1][len(self._directory):].split("/")[0] if found else None


class Links:
    """The connections and the cuts. Runs on one event loop."""

    def __init__(self, directory):
        self._processes = Processes(directory)
        self._blocked = set()
        self._changed = asyncio.Event()
        self._held = Counter()

    async def listen(self, public, private, name):
        async def take(reader, writer):
            await self._take(reader, writer, public, private, name)
        await asyncio.start_server(take, "127.0.0.1", public, backlog=256)

    def block(self, pairs):
        self._blocked = {tuple(pair) for pair in pairs}
        self._changed.set()
        self._changed = asyncio.Event()
        return {f"{source}>{target}": count for (source, target), count in self._held.items()}

    async def _pass(self, source, target):
        """Returns once something may go from source to target."""
        if (source, target) in self._blocked:
            self._held[source, target] += 1
        while (source, target) in self._blocked:
            await self._changed.wait()

    async def _take(self, reader, writer, public, private, name):
        # Who asks is looked up only where somebody listens: the dead are asked many times a second.
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", private)
        except OSError:
            writer.transport.abort()
            return
        source = self._processes.node_of(writer.get_extra_info("peername")[1], public)
        await asyncio.gather(self._pump(reader, there_writer, source, name),
                             self._pump(there_reader, writer, name, source))

    async def _pump(self, reader, writer, source, target):
        try:
            while chunk := await reader.read(_CHUNK_BYTES):
                await self._pass(source, target)
                writer.write(chunk)
                await writer.drain()
            await self._pass(source, target)
            writer.close()
        except OSError:
            await self._pass(source, target)
            writer.transport.abort()


async def serve(directory, routes):
    links = Links(directory)
    for route in routes:
        public, private, name = route.split("=")
        await links.listen(int(public), int(private), name)
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands),
                                                       sys.stdin)
    print("{}", flush=True)
    while line := await commands.readline():
        print(json.dumps(links.block(json.loads(line)["blocked"])), flush=True)


class LinkProcess:
    """The other end: starts the process and tells it what to cut."""

    def __init__(self, directory, routes, log_path):
        with open(log_path, "ab") as log:
            self._child = subprocess.Popen([sys.executable, __file__, str(directory), *routes], text=True,
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        self._child.stdout.readline()

    def block(self, pairs):
        """Replaces the cuts; returns how often something was held so far, by "from>to"."""
        self._child.stdin.write(json.dumps({"blocked": [list(pair) for pair in pairs]}) + "\n")
        self._child.stdin.flush()
        return json.loads(self._child.stdout.readline())

    def stop(self):
        self._child.stdin.close()
        try:
            self._child.wait(5)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2:]))
