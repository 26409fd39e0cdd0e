#!/usr/bin/env python3
"""What a cluster of three controllers and three brokers costs, of Weir and of Apache Kafka alike; prints figures as JSON.

    replicated.py weir|kafka|kafka-fsync idle|replication|cold-start [--scale SHARE]

idle         resident memory of all six, and the share of one core they use while nobody asks for anything
replication  processor seconds per GB that a follower adds: the same load with three replicas and with one
cold-start   1,000 partitions of three replicas: from the start of all six until every replica is in sync

Needs the tests' Python environment (build/venv) and weir-bench.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "tests"), str(Path(__file__).resolve().parent)]

import measure  # noqa: E402
from chaos.failover import SYSTEMS  # noqa: E402
from confluent_kafka import KafkaException  # noqa: E402
from confluent_kafka.admin import AdminClient  # noqa: E402
from support.processes import resident_mib, wait_until  # noqa: E402

REPLICAS, PARTITIONS, LARGE_PARTITIONS = 3, 12, 1_000
RECORDS, WARM_UP_RECORDS, RECORD_BYTES = 2_000_000, 500_000, 512
IDLE_S = 10
WHOLE_WITHIN_S = 180


def pids(cluster):
    return [node.process.pid for node in cluster.nodes.values()]


def idle(cluster, scale):
    measure.wait_idle(pids(cluster))
    before, begin = measure.total_cpu_seconds(pids(cluster)), time.monotonic()
    time.sleep(IDLE_S)
    used, passed = measure.total_cpu_seconds(pids(cluster)) - before, time.monotonic() - begin
    return {"idle_mib": sum(map(resident_mib, pids(cluster))), "idle_cpu_percent": 100 * used / passed}


def replication(cluster, scale):
    """A topic of one replica first, which also warms the brokers; both get the same records."""
    produce(cluster, "warm-up", REPLICAS, scale)
    alone = produce(cluster, "alone", 1, scale)
    replicated = produce(cluster, "replicated", REPLICAS, scale)
    each = (replicated["server_cpu_s_per_gb"] - alone["server_cpu_s_per_gb"]) / (REPLICAS - 1)
    return {"follower_cpu_s_per_gb": each, "cpu_s_per_gb": replicated["server_cpu_s_per_gb"],
            "mb_per_s": replicated["mb_per_s"], "p99_ms": replicated["p99_ms"]}


def produce(cluster, topic, replicas, scale):
    measure.create_topic(cluster, topic, PARTITIONS, replicas)
    wait_until(lambda: whole(cluster, topic, PARTITIONS, replicas), WHOLE_WITHIN_S, f"{topic} to be in sync")
    return measure.weir_bench(
        "produce", "--bootstrap", cluster.bootstrap, "--topic", topic, "--partitions", PARTITIONS,
        "--records", int(RECORDS * scale), "--warmup-records", int(WARM_UP_RECORDS * scale),
        "--record-bytes", RECORD_BYTES, "--batch-bytes", 131_072, "--linger-ms", 5, "--idempotence", "false",
        "--pids", ",".join(map(str, pids(cluster))))


def cold_start(cluster, scale):
    partitions = int(LARGE_PARTITIONS * scale)
    measure.create_topic(cluster, "large", partitions, REPLICAS)
    wait_until(lambda: whole(cluster, "large", partitions, REPLICAS), WHOLE_WITHIN_S, "every replica to be in sync")
    cluster.stop()
    begin = time.monotonic()
    cluster.start()
    ready = time.monotonic()
    wait_until(lambda: whole(cluster, "large", partitions, REPLICAS), WHOLE_WITHIN_S,
               "every replica to be in sync after the start of all")
    return {"ready_ms": (ready - begin) * 1000, "in_sync_ms": (time.monotonic() - begin) * 1000}


def whole(cluster, topic, partitions, replicas):
    """Whether every partition of the topic has a leader and all its replicas in sync."""
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 2, "reconnect.backoff.max.ms": 100})
    try:
        found = admin.list_topics(topic, timeout=5).topics[topic].partitions.values()
    except KafkaException:
        return False
    return len(found) == partitions and all(
        partition.leader > 0 and len(partition.isrs) == replicas for partition in found)


WHAT = {"idle": idle, "replication": replication, "cold-start": cold_start}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("system", choices=SYSTEMS)
    parser.add_argument("what", choices=WHAT)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the records or partitions")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="weir-replicated-") as directory:
        cluster = SYSTEMS[arguments.system](directory)
        try:
            cluster.start("--bootstrap")
            print(json.dumps(WHAT[arguments.what](cluster, arguments.scale)))
        finally:
            cluster.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
