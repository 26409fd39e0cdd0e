"""The records every compat client writes and must read back: a pure function of a record's number.

Record i goes to partition i % 3 and must come back at offset i // 3 with the same key, value, headers and
timestamp. The oddities are on purpose: null and empty keys, null values (tombstones), empty and null header
values, repeated header names, bytes that are no UTF-8. kafka-python alone cannot write null header values.
RecordsCheck.java has the same function.
"""

from typing import NamedTuple, Optional

PARTITIONS = 3
# 2026-01-01 00:00:00 UTC
TIMESTAMP_FIRST_MS = 1_767_225_600_000
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


class Record(NamedTuple):
    partition: int
    offset: int
    key: Optional[bytes]
    value: Optional[bytes]
    headers: list
    timestamp_ms: int


def expected(number, null_headers=True):
    key = None if number % 7 == 3 else b"" if number % 11 == 5 else b"key-%d" % (number % 1000)
    if number % 101 == 13:
        # Some clients refuse a record without key and value.
        key, value = b"tombstone", None
    else:
        value = b"value %d " % number + b"abcdefghij" * (number % 9) + bytes([number % 256, 255, 0])
    headers = [("number", b"%d" % number)]
    if number % 3 == 1:
        headers += [("repeated", b"\x00\xff"), ("repeated", b"")]
    if number % 5 == 2 and null_headers:
        headers.append(("null", None))
    return Record(number % PARTITIONS, number // PARTITIONS, key, value, headers,
                  TIMESTAMP_FIRST_MS + 7 * number)


class Checker:
    """Takes the records of all partitions as they come and compares each with what was written."""

    def __init__(self, count, null_headers=True):
        self.count = count
        self.null_headers = null_headers
        self.seen = 0
        self._next_offset = [0] * PARTITIONS

    def done(self):
        return self.seen == self.count

    def take(self, partition, offset, key, value, headers, timestamp_ms):
        want_offset = self._next_offset[partition]
        if offset != want_offset:
            raise AssertionError(f"partition {partition}: offset {offset} after {want_offset - 1}")
        want = expected(offset * PARTITIONS + partition, self.null_headers)
        got = Record(partition, offset, key, value, [tuple(header) for header in headers or ()],
                     timestamp_ms)
        if got != want:
            raise AssertionError(f"read {got}\nwrote {want}")
        self._next_offset[partition] += 1
        self.seen += 1
