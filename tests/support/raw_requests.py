"""Requests of the Kafka protocol to a broker of the caller's choice, written out by hand: clients look for the right one."""

import socket
import struct


def ask(address, api_key, version, body=b""):
    """The answer's body after its correlation id, to a request in a version whose headers have no tagged fields."""
    host, port = address.rsplit(":", 1)
    request = struct.pack(">hhih", api_key, version, 1, -1) + body
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.settimeout(10)
        connection.sendall(struct.pack(">i", len(request)) + request)
        with connection.makefile("rb") as answer:
            return answer.read(struct.unpack(">i", answer.read(4))[0])[4:]


def _text(text):
    data = text.encode()
    return struct.pack(">h", len(data)) + data


def commit_offset(address, group, topic, partition, offset):
    """OffsetCommit v2 of a group without members; returns the partition's error code."""
    place = struct.pack(">i", 1) + _text(topic) + struct.pack(">iiqh", 1, partition, offset, -1)
    answer = ask(address, 8, 2, _text(group) + struct.pack(">i", -1) + _text("") + struct.pack(">q", -1) + place)
    return struct.unpack(">h", answer[-2:])[0]


def committed_offset(address, group, topic, partition):
    """OffsetFetch v1: (error code, offset)."""
    answer = ask(address, 9, 1, _text(group) + struct.pack(">i", 1) + _text(topic) + struct.pack(">ii", 1, partition))
    offset = struct.unpack_from(">q", answer, 4 + len(_text(topic)) + 8)[0]
    return struct.unpack(">h", answer[-2:])[0], offset
