"""Every client writes records with keys, headers and timestamps in each codec and reads them back, equal and in
order, from offset 0; then every process is killed (-9) and started again, and all is read once more.

100,000 records each; with --quick one of a client's codecs carries 100,000 and the others 10,000.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from compat.clients.records import CODECS, PARTITIONS
from support import java_tools, old_client
from support.processes import wait_until

HERE = Path(__file__).resolve().parent
RECORDS_MANY, RECORDS_FEW = 100_000, 10_000

# Client -> the codec that carries 100,000 records with --quick: between them the clients cover all.
CLIENTS = {
    "kafka-python-3": "lz4",
    "kafka-python-2.0.2": "gzip",
    "confluent-kafka": "zstd",
    "aiokafka": "snappy",
    "kcat": "none",
    "java-4": "none",
    "java-3.9": "zstd",
}
_MODULES = {"kafka-python-3": "kafka_python", "kafka-python-2.0.2": "kafka_python", "aiokafka": "aio",
            "confluent-kafka": "confluent", "kcat": "kcat"}

# Which clients have written all their topics, for the tests that read them later.
_written = set()


def work(client, full):
    """(topic, codec, record count) for each codec."""
    return [(f"records-{client}-{codec}", codec,
             RECORDS_MANY if full or codec == CLIENTS[client] else RECORDS_FEW) for codec in CODECS]


def command(client):
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    if client.startswith("java"):
        profile = "client-4" if client == "java-4" else "client-3"
        classes = java_tools.compiled(profile)
        return ["java", "-Xmx1g", "-XX:+UseSerialGC", "-cp", java_tools.class_path(profile, classes),
                "RecordsCheck"], environment
    if client == "kafka-python-2.0.2":
        environment["PYTHONPATH"] += f":{old_client.directory()}"
    return [sys.executable, "-m", f"clients.{_MODULES[client]}"], environment


def run_client(client, action, bootstrap, items, *more):
    """Runs one client program over all topics; prints how long each took."""
    program, environment = command(client)
    items = [f"{topic}:{codec}:{count}" for topic, codec, count in items]
    result = subprocess.run([*program, action, "--bootstrap", bootstrap, "--work", *items, *more],
                            env=environment, capture_output=True, text=True, timeout=280)
    done = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    for entry in done:
        rate = entry["records"] / max(entry["seconds"], 0.001)
        print(f"{client} {action} {entry['codec']}: {entry['records']} records in "
              f"{entry['seconds']:.2f} s, {rate:,.0f} records/s")
    assert result.returncode == 0, f"{client} {action} after {len(done)} topics:\n{result.stderr[-4000:]}"
    assert len(done) == len(items)


@pytest.fixture(scope="module")
def topics(cluster, full):
    """All topics, made before any client runs so that none depends on automatic creation."""
    from confluent_kafka.admin import AdminClient, NewTopic
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    names = [topic for client in CLIENTS for topic, _, _ in work(client, full)]
    # The records' timestamps are fixed and grow old: retention must not take them.
    futures = admin.create_topics([NewTopic(name, PARTITIONS, config={"retention.ms": "-1"})
                                   for name in names], request_timeout=20)
    for future in futures.values():
        future.result(20)
    return names


def test_clients_cover_every_codec_with_many_records():
    assert set(CLIENTS.values()) == set(CODECS)


@pytest.mark.parametrize("client", CLIENTS)
def test_records_come_back_equal_and_in_order(cluster, topics, full, client):
    run_client(client, "produce", cluster.bootstrap, work(client, full))
    _written.add(client)
    run_client(client, "consume", cluster.bootstrap, work(client, full))


@pytest.mark.parametrize("writer", [name for name in CLIENTS if name != "kcat"])
def test_kcat_reads_what_others_wrote(cluster, full, writer):
    if writer not in _written:
        pytest.skip(f"{writer} has not written")
    few = [item for item in work(writer, full) if item[2] == RECORDS_FEW] or work(writer, full)[:1]
    run_client("kcat", "consume", cluster.bootstrap, few, "--foreign")


def preferred_leaders_lead(bootstrap):
    from confluent_kafka.admin import AdminClient
    topics = AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=20).topics.values()
    return all(partition.leader == partition.replicas[0]
               for topic in topics for partition in topic.partitions.values())


def test_every_process_is_killed_and_started_again(cluster):
    if not hasattr(cluster, "kill_all"):
        pytest.skip("the cluster is not ours to restart")
    cluster.kill_all()
    started = time.monotonic()
    cluster.start()
    print(f"{cluster.name} is back {time.monotonic() - started:.2f} s after kill -9 of every process")
    # kafka-python 3 asks a former leader for end offsets over and over, without refreshing its metadata, when the
    # leadership moves after its last fetch; with any broker.
    wait_until(lambda: preferred_leaders_lead(cluster.bootstrap), 60, "leaderships to go back")


@pytest.mark.parametrize("client", CLIENTS)
def test_records_come_back_after_kill_and_restart(cluster, full, client):
    if client not in _written:
        pytest.skip(f"{client} has not written")
    run_client(client, "consume", cluster.bootstrap, work(client, full))
