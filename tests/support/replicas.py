"""Reads a partition from one broker after another, follower or leader, byte for byte (Fetch v11 of the Kafka
protocol, written out by hand: no client reads from a replica it was not sent to)."""

import itertools
import operator
import socket
import struct

from support.processes import wait_until

_FETCH, _VERSION = 1, 11
_OFFSET_OUT_OF_RANGE = 1


class ReplicaReader:
    """One connection to one broker."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)), timeout=10)
        self._correlation = 0

    def close(self):
        self._socket.close()

    def fetch(self, topic, partition, offset, bytes_max=1 << 20):
        """(error code, high watermark, record batches) from `offset` on."""
        name = topic.encode()
        body = struct.pack(">iiiibii", -1, 0, 0, bytes_max, 0, 0, -1)
        body += struct.pack(">ih", 1, len(name)) + name
        body += struct.pack(">iiiqqi", 1, partition, -1, offset, -1, bytes_max)
        body += struct.pack(">ih", 0, 0)
        self._correlation += 1
        request = struct.pack(">hhih", _FETCH, _VERSION, self._correlation, -1) + body
        self._socket.sendall(struct.pack(">i", len(request)) + request)
        answer = self._read(struct.unpack(">i", self._read(4))[0])
        at = 4 + 4 + 2 + 4 + 4
        at += 2 + struct.unpack_from(">h", answer, at)[0] + 4
        _, error, watermark, _, _, aborted = struct.unpack_from(">ihqqqi", answer, at)
        at += 4 + 2 + 8 + 8 + 8 + 4 + 16 * max(0, aborted) + 4
        size = struct.unpack_from(">i", answer, at)[0]
        return error, watermark, answer[at + 4:at + 4 + max(0, size)]

    def _read(self, size):
        data = bytearray()
        while len(data) < size:
            part = self._socket.recv(size - len(data))
            if not part:
                raise ConnectionError("closed by the broker")
            data += part
        return bytes(data)


def read_replica(address, topic, partition):
    """(high watermark, all record batches) of the replica at `address`; raises on an error code."""
    reader = ReplicaReader(address)
    try:
        offset, data = 0, bytearray()
        while True:
            error, watermark, batches = reader.fetch(topic, partition, offset)
            if error:
                raise RuntimeError(f"{topic}-{partition} at {address}: error {error}")
            whole = batches[:_whole_size(batches)]
            if not whole or offset >= watermark:
                return watermark, bytes(data)
            data += whole
            offset = _end_offset(whole)
    finally:
        reader.close()


def differences(addresses, topic, partitions, timeout_s=30):
    """How the replicas of each partition differ below the high watermark, once all know the same one; [] if they do
    not (RELIABILITY D-24). For the time after the last record: a watermark that moves is waited for.
    """
    found = []
    for partition in range(partitions):
        copies = {}

        def same_watermark():
            try:
                copies.update({address: read_replica(address, topic, partition) for address in addresses})
            except ConnectionError:  # a broker that is still starting
                return False
            return len({watermark for watermark, _ in copies.values()}) == 1

        try:
            wait_until(same_watermark, timeout_s, "one high watermark on all replicas")
        except (TimeoutError, OSError, RuntimeError) as error:
            found.append(f"{topic}-{partition}: {error}, {_shown(copies)}")
            continue
        if len({data for _, data in copies.values()}) > 1:
            found.append(f"{topic}-{partition}: not the same bytes, {_shown(copies)}")
    return found


def _shown(copies):
    """High watermark, size and end offset by replica, and where the first bytes differ."""
    texts = [data for _, data in copies.values()]
    same = min((sum(1 for _ in itertools.takewhile(bool, map(operator.eq, texts[0], text))) for text in texts[1:]),
               default=0)
    return ", ".join(f"{address}: {watermark} {len(data)} bytes to offset {_end_offset(data)}"
                     for address, (watermark, data) in copies.items()) + f"; same up to byte {same}"


def _whole_size(batches):
    """Bytes up to the end of the last whole batch: an answer may end in a part of one, as those of Apache Kafka do."""
    at = 0
    while at + 12 <= len(batches):
        end = at + 12 + struct.unpack_from(">i", batches, at + 8)[0]
        if end > len(batches):
            break
        at = end
    return at


def _end_offset(batches):
    """The offset after the last record of whole record batches."""
    at = end = 0
    while at < len(batches):
        base, size = struct.unpack_from(">qi", batches, at)
        end = base + struct.unpack_from(">i", batches, at + 23)[0] + 1
        at += 12 + size
    return end
