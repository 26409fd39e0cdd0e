"""Which APIs a broker advertises: ApiVersions v0 of the Kafka protocol."""

import struct

from support.raw_requests import ask

CONSUMER_GROUP_HEARTBEAT = 68
_API_VERSIONS = 18


def api_versions(address):
    """{api key: (lowest version, highest version)} of the broker at HOST:PORT."""
    body = ask(address, _API_VERSIONS, 0)
    error, count = struct.unpack_from(">hi", body)
    if error:
        raise RuntimeError(f"{address} answers ApiVersions with error {error}")
    return {key: (lowest, highest) for key, lowest, highest in
            (struct.unpack_from(">hhh", body, 6 + 6 * number) for number in range(count))}
