"""Which APIs a broker advertises: ApiVersions v0 of the Kafka protocol, written out by hand."""

import socket
import struct

CONSUMER_GROUP_HEARTBEAT = 68
_API_VERSIONS = 18


def api_versions(address):
    """{api key: (lowest version, highest version)} of the broker at HOST:PORT."""
    host, port = address.rsplit(":", 1)
    request = struct.pack(">hhih", _API_VERSIONS, 0, 1, -1)
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        with connection.makefile("rb") as answer:
            body = answer.read(struct.unpack(">i", answer.read(4))[0])
    _, error, count = struct.unpack_from(">ihi", body)
    if error:
        raise RuntimeError(f"{address} answers ApiVersions with error {error}")
    return {key: (lowest, highest) for key, lowest, highest in
            (struct.unpack_from(">hhh", body, 10 + 6 * number) for number in range(count))}
