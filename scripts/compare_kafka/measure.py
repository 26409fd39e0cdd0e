"""Measuring one scenario on one running system with one client. Each function returns a dict of figures.

MB and GB are 10^6 and 10^9 bytes of record values before compression; MiB is resident memory. Server processor
time counts until the server is idle again, so that work put off is not free.
"""

import json
import re
import subprocess
import time

from support.java_tools import TOOLS, class_path
from support.processes import BUILD_DIR, REPOSITORY, cpu_seconds, resident_mib

CLIENT_DEADLINE_S = 300
PYTHON = REPOSITORY / "build" / "venv" / "bin" / "python"
_PERF_JVM = ["-Xmx512M", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"]
_PERF_LINE = re.compile(
    r"(\d+) (steady state )?records sent, ([\d.]+) records/sec \([\d.]+ MB/sec\), ([\d.]+) ms avg latency, "
    r"([\d.]+) ms max latency, (\d+) ms 50th, (\d+) ms 95th, (\d+) ms 99th, (\d+) ms 99.9th")


def total_cpu_seconds(pids):
    return sum(cpu_seconds(pid) for pid in pids)


def wait_idle(pids, timeout_s=20):
    """Until the processes use less than 5 % of a core over 0.2 s."""
    deadline = time.monotonic() + timeout_s
    before = total_cpu_seconds(pids)
    while time.monotonic() < deadline:
        time.sleep(0.2)
        now = total_cpu_seconds(pids)
        if now - before <= 0.01:
            return
        before = now


def weir_bench(*arguments):
    """Runs the load generator; returns its JSON."""
    done = subprocess.run([str(BUILD_DIR / "bin" / "weir-bench"), *map(str, arguments), "--json"],
                          capture_output=True, text=True, timeout=CLIENT_DEADLINE_S)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip()[-500:])
    return json.loads(done.stdout)


def pid_list(system):
    return ",".join(str(pid) for pid in system.pids().values())


def create_topic(system, topic, partitions, replicas=1):
    """Creates a topic and writes a few records to every partition. Kafka names leaders before their logs are
    open; a Java producer that is early then holds one partition's records back until they time out after
    two minutes, and that is not what is measured.
    """
    weir_bench("create", "--bootstrap", system.bootstrap, "--topic", topic, "--partitions", partitions,
               "--replication-factor", replicas)
    weir_bench("produce", "--bootstrap", system.bootstrap, "--topic", topic, "--partitions", partitions,
               "--records", 5 * partitions, "--spread", "each", "--idempotence", "false")


def produce_rdkafka(scenario, system, topic, scale):
    out = weir_bench(
        "produce", "--bootstrap", system.bootstrap, "--topic", topic, "--partitions", scenario.partitions,
        "--records", int(scenario.records * scale),
        "--warmup-records", int(scenario.warmup_records * scale),
        "--record-bytes", scenario.record_bytes, "--batch-bytes", scenario.batch_bytes,
        "--linger-ms", scenario.linger_ms, "--codec", scenario.codec, "--rate", scenario.rate,
        # librdkafka's default. It sends a request per partition: with the five in flight that idempotence
        # allows, the client would wait for the disk, not the server.
        "--idempotence", "false",
        "--pids", pid_list(system))
    return {"mb_per_s": out["mb_per_s"], "records_per_s": out["records_per_s"],
            "cpu_s_per_gb": out["server_cpu_s_per_gb"],
            "p50_ms": out["p50_ms"], "p99_ms": out["p99_ms"], "p99_9_ms": out["p99_9_ms"],
            "resident_mib": out["server_resident_mib"]}


def produce_java(scenario, system, topic, scale):
    records, warmup = int(scenario.records * scale), int(scenario.warmup_records * scale)
    pids = list(system.pids().values())
    before = total_cpu_seconds(pids)
    done = subprocess.run(
        ["java", *_PERF_JVM, "-cp", class_path("server"), TOOLS["kafka-producer-perf-test"],
         "--bootstrap-server", system.bootstrap, "--topic", topic,
         "--num-records", str(records + warmup), "--warmup-records", str(warmup),
         "--record-size", str(scenario.record_bytes), "--throughput", str(scenario.rate or -1),
         "--command-property", "acks=all", f"batch.size={scenario.batch_bytes}",
         f"linger.ms={scenario.linger_ms}", f"compression.type={scenario.codec}",
         "buffer.memory=67108864"],
        capture_output=True, text=True, timeout=CLIENT_DEADLINE_S)
    found = [line for line in _PERF_LINE.findall(done.stdout) if line[1]]
    if done.returncode != 0 or not found:
        raise RuntimeError((done.stdout + done.stderr)[-500:])
    wait_idle(pids)
    gigabytes = (records + warmup) * scenario.record_bytes / 1e9
    rate = float(found[-1][2])
    return {"mb_per_s": rate * scenario.record_bytes / 1e6, "records_per_s": rate,
            "cpu_s_per_gb": (total_cpu_seconds(pids) - before) / gigabytes,
            "p50_ms": float(found[-1][5]), "p99_ms": float(found[-1][7]), "p99_9_ms": float(found[-1][8]),
            "resident_mib": sum(resident_mib(pid) for pid in pids)}


def produce(scenario, system, client, scale):
    topic = f"{scenario.name}-{client}"
    create_topic(system, topic, scenario.partitions)
    run = produce_java if client == "java" else produce_rdkafka
    return run(scenario, system, topic, scale)


def consume(scenario, system, client, scale):
    out = weir_bench("consume", "--bootstrap", system.bootstrap, "--topic", f"{scenario.reads}-rdkafka",
                     "--partitions", scenario.partitions, "--records", int(scenario.records * scale),
                     "--pids", pid_list(system))
    return {"mb_per_s": out["mb_per_s"], "records_per_s": out["records_per_s"],
            "cpu_s_per_gb": out["server_cpu_s_per_gb"], "resident_mib": out["server_resident_mib"]}


def create(scenario, system, client, scale):
    out = weir_bench("create", "--bootstrap", system.bootstrap, "--topic", scenario.name,
                     "--topics", scenario.topics, "--partitions", int(scenario.partitions * scale),
                     "--timeout-ms", 240_000, "--pids", pid_list(system))
    return {"answered_ms": out["answered_ms"], "led_ms": out["elapsed_ms"],
            "cpu_s": out["server_cpu_s"], "resident_mib": out["server_resident_mib"]}


def start(scenario, make_system):
    """Starts a system on a fresh directory and measures that; it is stopped and removed afterwards."""
    system = make_system(scenario.nodes)
    bootstrap = f"127.0.0.1:{system.client_port()}"
    started = time.monotonic()
    client = subprocess.Popen([str(BUILD_DIR / "bin" / "weir-bench"), "first-ack", "--bootstrap", bootstrap,
                               "--partitions", "1", "--linger-ms", "0", "--idempotence", "false",
                               "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        system.start()
        ready_s = time.monotonic() - started
        output, errors = client.communicate(timeout=60)
        if client.returncode != 0:
            raise RuntimeError(errors[-500:])
        pids = list(system.pids().values())
        wait_idle(pids)
        return {"ready_ms": ready_s * 1000, "first_ack_ms": json.loads(output)["elapsed_ms"],
                "idle_mib": sum(resident_mib(pid) for pid in pids)}
    finally:
        client.kill()
        client.wait()
        system.stop()
        system.remove()


def failover(scenario, system_name, scale):
    """Ends the leader of a cluster of its own, under three client libraries."""
    return in_tests_environment(60 * scenario.rounds + 300, "tests/chaos/failover.py", system_name, scenario.how,
                                "--rounds", scenario.rounds, "--json")


def replicated(scenario, system_name, scale):
    """What a cluster of its own costs, of three controllers and three brokers."""
    return in_tests_environment(900, "scripts/compare_kafka/replicated.py", system_name, scenario.how,
                                "--scale", scale)


def weir_bench_groups(scenario, bootstrap, pids, scale):
    """Simulated members of groups; figures as weir-bench names them."""
    out = weir_bench(scenario.kind, "--bootstrap", bootstrap, "--topic", scenario.name,
                     "--groups", scenario.groups, "--members", max(1, int(scenario.members * scale)),
                     "--crashed", max(1, scenario.members // 100), "--session-ms", scenario.session_ms,
                     "--protocol", scenario.protocol,
                     "--partitions", scenario.partitions, "--rate", scenario.rate, "--timeout-ms", 240_000,
                     "--pids", ",".join(map(str, pids)))
    return {key: value for key, value in out.items() if key != "mode"}


def groups(scenario, system, client, scale):
    if scenario.kind != "group-join":
        create_topic(system, scenario.name, scenario.partitions)
    figures = weir_bench_groups(scenario, system.bootstrap, system.pids().values(), scale)
    for name, pid in system.pids().items():
        figures[f"{name}_mib"] = resident_mib(pid)
    return figures


def in_tests_environment(deadline_s, program, *arguments):
    """Runs a program that needs the tests' Python packages; returns its JSON."""
    done = subprocess.run([str(PYTHON), str(REPOSITORY / program), *map(str, arguments)],
                          capture_output=True, text=True, timeout=deadline_s)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip()[-500:])
    return json.loads(done.stdout)


RUNNERS = {"produce": produce, "consume": consume, "create": create,
           "group-join": groups, "group-commit": groups, "group-admin": groups}
# These start a cluster of their own.
OF_CLUSTERS = {"failover": failover, "replicated": replicated}
