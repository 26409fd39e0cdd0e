"""kcat, an old librdkafka (2.0). It cannot write null headers or set timestamps, so that it writes lines of its own
kind; it reads, besides its own, what other clients wrote (--foreign), with -J, which shows all of a record.
"""

import json
import subprocess
import sys
import time

from clients.command import run
from clients.records import PARTITIONS, expected

DEADLINE_S = 60
_SEPARATOR = "\x1f"


def _line(number):
    return f"key-{number % 1000}{_SEPARATOR}kcat value {number} {'x' * (number % 50)}"


def _numbers(partition, count):
    return range(partition, count, PARTITIONS)


def _kcat(bootstrap, *arguments, stdin=None):
    result = subprocess.run(["kcat", "-b", bootstrap, *arguments], input=stdin, capture_output=True,
                            timeout=DEADLINE_S)
    assert result.returncode == 0, result.stderr.decode(errors="replace")
    return result.stdout


def produce(bootstrap, topic, codec, count):
    for partition in range(PARTITIONS):
        lines = "".join(_line(number) + "\n" for number in _numbers(partition, count))
        _kcat(bootstrap, "-P", "-t", topic, "-p", str(partition), "-z", codec, "-K", _SEPARATOR,
              "-H", "from=kcat", "-H", "empty=", "-X", "acks=all", "-X", "linger.ms=5",
              "-X", "enable.idempotence=true", stdin=lines.encode())


def _read(bootstrap, topic, partition):
    output = _kcat(bootstrap, "-C", "-t", topic, "-p", str(partition), "-o", "beginning", "-e", "-q",
                   "-J", "-X", "check.crcs=true", "-X", "fetch.wait.max.ms=50")
    # Values of other clients are arbitrary bytes; kcat prints them raw inside its JSON.
    return [json.loads(line, strict=False) for line in output.decode("latin-1").split("\n") if line]


def consume(bootstrap, topic, count):
    now_ms = time.time() * 1000
    for partition in range(PARTITIONS):
        records = _read(bootstrap, topic, partition)
        numbers = _numbers(partition, count)
        assert len(records) == len(numbers), f"{len(records)} of {len(numbers)} records came back"
        for offset, (number, record) in enumerate(zip(numbers, records)):
            key, value = _line(number).split(_SEPARATOR)
            got = (record["offset"], record["key"], record["payload"], record["headers"])
            assert got == (offset, key, value, ["from", "kcat", "empty", ""]), f"{got}"
            assert record["tstype"] == "create" and 0 < record["ts"] <= now_ms, f"{record}"


def consume_foreign(bootstrap, topic, count):
    """Reads what another client wrote: offsets, timestamps and header names of every record."""
    for partition in range(PARTITIONS):
        output = _kcat(bootstrap, "-C", "-t", topic, "-p", str(partition), "-o", "beginning", "-e",
                       "-q", "-f", "%o %T %K %S\n", "-X", "check.crcs=true",
                       "-X", "fetch.wait.max.ms=50").decode()
        lines = [tuple(map(int, line.split())) for line in output.split("\n") if line]
        want = []
        for number in _numbers(partition, count):
            record = expected(number)
            want.append((record.offset, record.timestamp_ms,
                         -1 if record.key is None else len(record.key),
                         -1 if record.value is None else len(record.value)))
        assert lines == want, f"partition {partition}: {len(lines)} lines, first difference " + str(
            next(((got, wanted) for got, wanted in zip(lines, want) if got != wanted), "is the count"))


if __name__ == "__main__":
    if "--foreign" in sys.argv:
        sys.argv.remove("--foreign")
        run("kcat", produce, consume_foreign)
    else:
        run("kcat", produce, consume)
