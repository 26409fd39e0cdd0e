"""A leader that is paused, and goes on when another has taken its place: it may not tell old news for the newest.

Its sockets are full of what was sent to it before: clients' questions and its followers' fetches.
"""

import contextlib
import os
import signal
import socket
import struct
import threading

import confluent_kafka
import pytest

from support.admin import Admin
from support.processes import wait_until

TOPIC, ROUNDS = "paused", 6
# Their requests wait on every shard.
CONNECTIONS = 16
_LIST_OFFSETS, _VERSION, _LATEST = 2, 1, -1


class OffsetAsker:
    """ListOffsets v1 of the Kafka protocol, written out by hand, so that the request goes to that broker only."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)), timeout=30)

    def ask(self):
        name = struct.pack(">h", len(TOPIC)) + TOPIC.encode()
        request = (struct.pack(">hhih", _LIST_OFFSETS, _VERSION, 1, -1) + struct.pack(">ii", -1, 1) + name
                   + struct.pack(">iiq", 1, 0, _LATEST))
        self._socket.sendall(struct.pack(">i", len(request)) + request)

    def answer(self):
        """(error code, offset after the last record)."""
        with self._socket.makefile("rb") as stream:
            body = stream.read(struct.unpack(">i", stream.read(4))[0])
        _, error, _, offset = struct.unpack_from(">ihqq", body, 8 + 2 + len(TOPIC) + 4)
        return error, offset

    def close(self):
        self._socket.close()


class Writer(threading.Thread):
    """Writes without a pause, so that followers fetch without one; knows the last acknowledged offset."""

    def __init__(self, bootstrap):
        super().__init__(daemon=True)
        self.acknowledged = -1
        self._stopping = threading.Event()
        self._producer = confluent_kafka.Producer({
            "bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 0, "reconnect.backoff.ms": 10,
            "reconnect.backoff.max.ms": 100, "socket.timeout.ms": 2000, "log_level": 2})

    def run(self):
        while not self._stopping.is_set():
            self._producer.produce(TOPIC, b"x" * 100, partition=0, on_delivery=self._told)
            self._producer.poll(0.001)

    def _told(self, error, message):
        if error is None:
            self.acknowledged = max(self.acknowledged, message.offset())

    def stop(self):
        self._stopping.set()
        self.join(60)


def leader_of(nodes):
    with Admin(nodes.admin) as admin:
        return admin.partitions(TOPIC)[0].leader_id


@pytest.mark.timeout(300)
def test_J02_C24_a_leader_that_was_paused_tells_no_old_end(nodes):
    with Admin(nodes.admin) as admin:
        admin.create_topic(TOPIC, partitions=1, replication_factor=3)
    writer = Writer(nodes.bootstrap)
    writer.start()
    try:
        for _ in range(ROUNDS):
            one_round(nodes, writer)
    finally:
        writer.stop()


def one_round(nodes, writer):
    wait_until(lambda: writer.acknowledged >= 0 and whole(nodes), 60, "every replica to be in sync")
    leader = nodes[f"broker-{leader_of(nodes)}"]
    with contextlib.ExitStack() as stack:
        askers = [stack.enter_context(contextlib.closing(OffsetAsker(leader.values["kafka.listen"])))
                  for _ in range(CONNECTIONS)]
        os.kill(leader.process.pid, signal.SIGSTOP)
        try:
            wait_until(lambda: leader_of(nodes) not in (-1, leader.node_id), 30, "another leader")
            before = writer.acknowledged
            wait_until(lambda: writer.acknowledged > before + 100, 60, "the next leader to take records")
            known = writer.acknowledged
            for asker in askers:
                asker.ask()
        finally:
            os.kill(leader.process.pid, signal.SIGCONT)
        for asker in askers:
            error, offset = asker.answer()
            assert error != 0 or offset > known, f"{leader.name} tells {offset}, {known} was acknowledged before"


def whole(nodes):
    with Admin(nodes.admin) as admin:
        return len(admin.partitions(TOPIC)[0].isr_ids) == 3
