"""The network between nodes, which can be cut: one process that passes every connection on, by who made it.

    links.py DIRECTORY PUBLIC=PRIVATE=NAME ...      ports on the loopback address, and the node that listens behind them

Commands come as JSON lines on standard input, each answered by one line: {"blocked": [[from, to], ...]} replaces the
set of directions in which nothing passes. The answer counts what was held up so far, by direction.
Laws: (1) what is blocked is held, not dropped: TCP would send it again; (2) the end of a connection is held too, so that
neither side learns of the cut; (3) a direction is a pair of nodes, whichever of them made the connection.
Who made a connection is read from /proc: the node whose process owns the socket, else "client". That takes a while, and
nodes that come back together make thousands of connections: it is read of those that are there when something is cut,
and of each new one while something is.
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

    def nodes_of(self, ends):
        """The node, or "client", of each (its port, the port it connected to)."""
        inodes = self._inodes()
        owners = self._owners()
        return {end: owners.get(inodes.get(end), CLIENT) for end in ends}

    @staticmethod
    def _inodes():
        """(local port, remote port) -> inode of all sockets."""
        inodes = {}
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                local, remote = (int(address.rpartition(":")[2], 16) for address in fields[1:3])
                inodes[local, remote] = fields[9]
        return inodes

    def _owners(self):
        """inode -> node of all sockets of nodes."""
        owners = {}
        for pid, name in self._nodes():
            try:
                for entry in os.scandir(f"/proc/{pid}/fd"):
                    target = os.readlink(entry.path)
                    if target.startswith("socket:["):
                        owners[target[len("socket:["):-1]] = name
            except OSError:
                continue
        return owners

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


class Connection:
    """Between the node that listens and the one that connected, which is None until it was looked up."""

    def __init__(self, port, public, listener):
        self.end = (port, public)
        self.listener = listener
        self.maker = None

    def direction(self, inward):
        return (self.maker, self.listener) if inward else (self.listener, self.maker)


class Links:
    """The connections and the cuts. Runs on one event loop."""

    def __init__(self, directory):
        self._processes = Processes(directory)
        self._connections = set()
        self._blocked = set()
        self._changed = asyncio.Event()
        self._held = Counter()

    async def listen(self, public, private, name):
        async def take(reader, writer):
            await self._take(reader, writer, public, private, name)
        await asyncio.start_server(take, "127.0.0.1", public, backlog=256)

    def block(self, pairs):
        self._blocked = {tuple(pair) for pair in pairs}
        if self._blocked:
            self._look_up(self._connections)
        self._changed.set()
        self._changed = asyncio.Event()
        return {f"{source}>{target}": count for (source, target), count in self._held.items()}

    def _look_up(self, connections):
        unknown = [connection for connection in connections if connection.maker is None]
        nodes = self._processes.nodes_of(connection.end for connection in unknown) if unknown else {}
        for connection in unknown:
            connection.maker = nodes[connection.end]

    async def _pass(self, connection, inward):
        """Returns once something may go that way."""
        if connection.direction(inward) in self._blocked:
            self._held[connection.direction(inward)] += 1
        while connection.direction(inward) in self._blocked:
            await self._changed.wait()

    async def _take(self, reader, writer, public, private, name):
        # Only where somebody listens: the dead are asked many times a second.
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", private)
        except OSError:
            writer.transport.abort()
            return
        connection = Connection(writer.get_extra_info("peername")[1], public, name)
        if self._blocked:
            self._look_up([connection])
        self._connections.add(connection)
        try:
            await asyncio.gather(self._pump(reader, there_writer, connection, True),
                                 self._pump(there_reader, writer, connection, False))
        finally:
            self._connections.remove(connection)

    async def _pump(self, reader, writer, connection, inward):
        try:
            while chunk := await reader.read(_CHUNK_BYTES):
                await self._pass(connection, inward)
                writer.write(chunk)
                await writer.drain()
            await self._pass(connection, inward)
            writer.close()
        except OSError:
            await self._pass(connection, inward)
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
