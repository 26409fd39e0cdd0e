#!/usr/bin/env python3
"""What a cluster of three controllers and three brokers costs, of Weir and of Apache Kafka alike; prints figures as JSON.

    replicated.py weir|kafka|kafka-fsync WHAT [--scale SHARE]

idle         resident memory of all six, and the share of one core they use while nobody asks for anything
replication  processor seconds per GB that a follower adds: the same load with three replicas and with one
heartbeats   10,000 members of 1,000 groups at rest: processor time of controllers and of brokers, entries of the log
group-join   5,000 members of one group come at once; how soon topics are created meanwhile
group-commit 1,000 groups commit offsets, each as fast as it is answered
cold-start   1,000 partitions of three replicas: from the start of all six until every replica is in sync

Needs the tests' Python environment (build/venv) and weir-bench.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "tests"), str(Path(__file__).resolve().parent)]

import measure  # noqa: E402
from chaos.failover import SYSTEMS  # noqa: E402
from confluent_kafka import KafkaException  # noqa: E402
from confluent_kafka.admin import AdminClient  # noqa: E402
from scenarios import SCENARIOS  # noqa: E402
from support.processes import BUILD_DIR, resident_mib, unwind_on_sigterm, wait_until  # noqa: E402

REPLICAS, PARTITIONS, LARGE_PARTITIONS = 3, 12, 1_000
RECORDS, WARM_UP_RECORDS, RECORD_BYTES = 2_000_000, 500_000, 512
IDLE_S = 10
WHOLE_WITHIN_S = 180
MEMBERS, GROUPS, HEARTBEAT_S = 10_000, 1_000, 30


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


def heartbeats(cluster, scale):
    """From the moment that all members are stable until weir-bench has heard enough."""
    seconds = max(5, HEARTBEAT_S * scale)
    bench = subprocess.Popen(
        [str(BUILD_DIR / "bin" / "weir-bench"), "group-heartbeat", "--bootstrap", cluster.bootstrap,
         "--members", str(int(MEMBERS * scale)), "--groups", str(int(GROUPS * scale)), "--timeout-ms", "240000",
         "--seconds", str(seconds), "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = bench.stderr.readline()
        if line != "steady\n":
            raise RuntimeError(line + bench.stderr.read())
        by_kind = {kind: [node.process.pid for node in cluster.nodes.values() if node.kind == kind]
                   for kind in ("controller", "broker")}
        before = {kind: measure.total_cpu_seconds(of_kind) for kind, of_kind in by_kind.items()}
        entries, begin = last_log_index(cluster), time.monotonic()
        time.sleep(seconds * 0.9)
        passed, after = time.monotonic() - begin, last_log_index(cluster)
        figures = {f"{kind}s_cpu_percent": 100 * (measure.total_cpu_seconds(of_kind) - before[kind]) / passed
                   for kind, of_kind in by_kind.items()}
        figures |= {f"{kind}s_mib": sum(map(resident_mib, of_kind)) for kind, of_kind in by_kind.items()}
        if entries is not None:
            figures["log_entries_per_s"] = (after - entries) / passed
        output, errors = bench.communicate(timeout=measure.CLIENT_DEADLINE_S)
        if bench.returncode != 0:
            raise RuntimeError(errors[-500:])
        out = json.loads(output)
        return figures | {key: out[key] for key in ("heartbeats_per_s", "rejoins", "p50_ms", "p99_ms")}
    finally:
        bench.kill()
        bench.wait()


def last_log_index(cluster):
    """Of the metadata log, as Weir's controllers tell it; None of Kafka."""
    if cluster.name != "weir":
        return None

    def of(node):
        with urllib.request.urlopen(f"http://{node.values['http.listen']}/metrics", timeout=5) as page:
            return int(float(re.search(r"^weir_raft_last_index.* (\S+)$", page.read().decode(), re.MULTILINE)[1]))

    return max(of(node) for node in cluster.controllers())


def of_groups(cluster, scale, name):
    """The scenario of one node each, on this cluster."""
    scenario = next(item for item in SCENARIOS if item.name == name)
    return measure.weir_bench_groups(scenario, cluster.bootstrap, pids(cluster), scale)


def group_join(cluster, scale):
    return of_groups(cluster, scale, "group-join-5000")


def group_commit(cluster, scale):
    measure.create_topic(cluster, "group-commit", PARTITIONS, REPLICAS)
    wait_until(lambda: whole(cluster, "group-commit", PARTITIONS, REPLICAS), WHOLE_WITHIN_S, "the topic to be in sync")
    return of_groups(cluster, scale, "group-commit")


WHAT = {"idle": idle, "replication": replication, "cold-start": cold_start, "heartbeats": heartbeats,
        "group-join": group_join, "group-commit": group_commit}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("system", choices=SYSTEMS)
    parser.add_argument("what", choices=WHAT)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the records or partitions")
    arguments = parser.parse_args()
    unwind_on_sigterm()
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
