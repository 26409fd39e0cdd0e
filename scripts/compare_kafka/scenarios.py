"""What is measured: one entry per scenario, in one list. A new scenario is a new entry here.

`goals` name figures of the result and the bound DESIGN.md §6 sets: "<= x", or ">= x of kafka" relative to Kafka
without fsync in the same run.
"""

from dataclasses import dataclass, field
from typing import Optional


@dataclass(frozen=True)
class Scenario:
    name: str
    what: str
    # produce, consume, start, create, failover, replicated: the functions of measure.py. group-join, group-commit,
    # group-admin: those modes of weir-bench.
    kind: str
    # Load generators: "java" is kafka-producer-perf-test, "rdkafka" is weir-bench, "members" are those that it
    # simulates. One run each.
    clients: tuple = ("rdkafka",)
    records: int = 0
    warmup_records: int = 0
    record_bytes: int = 512
    batch_bytes: int = 131_072
    linger_ms: int = 5
    partitions: int = 12
    codec: str = "none"
    # Records per second; 0: as fast as they are taken.
    rate: int = 0
    # Topics of mode create; partitions each.
    topics: int = 1
    # The scenario whose topic a consume scenario reads.
    reads: Optional[str] = None
    # Of groups: how many, members in all, and their session timeout.
    groups: int = 1
    members: int = 1
    session_ms: int = 45_000
    # What members of group-join speak: classic or consumer (KIP-848), whose session timeout is the cluster's.
    protocol: str = "classic"
    # Nodes of a start scenario (controllers and brokers each).
    nodes: int = 1
    # How a failover scenario ends the leader, and how often (tests/chaos/failover.py); what is measured of a
    # replicated one (replicated.py).
    how: Optional[str] = None
    rounds: int = 5
    goals: dict = field(default_factory=dict)


BOTH = ("java", "rdkafka")


def group_join(members, **more):
    return Scenario(f"group-join-{members}", f"{members:,} members of one group come at once: until all are stable",
                    "group-join", ("members",), members=members, session_ms=10_000, **more)


def group_join_consumer(members, **more):
    return Scenario(f"group-join-consumer-{members}",
                    f"{members:,} members of one group of the consumer protocol come at once: until all are stable",
                    "group-join", ("members",), members=members, protocol="consumer", **more)


SCENARIOS = [
    Scenario("start", "one node: start to first acknowledged record; idle memory", "start",
             goals={"first_ack_ms": "<= 500", "idle_mib": "<= 60"}),
    Scenario("start-3", "three controllers and three brokers: start to ready; idle memory", "start", nodes=3,
             goals={"ready_ms": "<= 1000", "idle_mib": "<= 250"}),
    Scenario("create-10000", "create 10,000 partitions on one broker; memory after", "create",
             topics=2, partitions=5_000, goals={"led_ms": "<= 300", "resident_mib": "<= 150"}),
    Scenario("produce-512", "512 B records, 128 KiB batches, 12 partitions", "produce", BOTH,
             records=2_000_000, warmup_records=1_000_000,
             goals={"cpu_s_per_gb": "<= 2.0", "mb_per_s": ">= 1.2 of kafka"}),
    Scenario("produce-100", "100 B records, 128 KiB batches, 12 partitions", "produce", BOTH,
             records=5_000_000, warmup_records=1_000_000, record_bytes=100,
             goals={"cpu_s_per_gb": "<= 3.0"}),
    Scenario("produce-1k-lz4", "1 KiB records, lz4, 128 KiB batches, 12 partitions", "produce", BOTH,
             records=1_000_000, warmup_records=300_000, record_bytes=1024, codec="lz4",
             goals={"cpu_s_per_gb": "<= 1.2"}),
    Scenario("produce-512-16k-100", "512 B records, 16 KiB batches, 100 partitions", "produce", BOTH,
             records=1_000_000, warmup_records=500_000, batch_bytes=16_384, partitions=100,
             goals={"cpu_s_per_gb": "<= 3.5", "mb_per_s": ">= 1.2 of kafka"}),
    Scenario("latency-10k", "512 B at 10,000 records/s, 100 partitions", "produce", BOTH,
             records=100_000, warmup_records=30_000, batch_bytes=16_384, linger_ms=0, partitions=100,
             rate=10_000, goals={"p50_ms": "<= 2", "p99_ms": "<= 10"}),
    Scenario("latency-40k", "512 B at 40,000 records/s, 100 partitions", "produce", BOTH,
             records=400_000, warmup_records=80_000, batch_bytes=16_384, linger_ms=0, partitions=100,
             rate=40_000),
    Scenario("consume-512", "reading produce-512 back from offset 0", "consume", records=2_000_000,
             reads="produce-512", goals={"cpu_s_per_gb": "<= 0.45"}),
    Scenario("failover-kill", "3+3 nodes, RF 3, kill -9 of the leader: longest gap per partition", "failover",
             how="kill", goals={"gap_ms": "<= 1000", "worst_gap_ms": "<= 2000"}),
    Scenario("failover-term", "3+3 nodes, RF 3, SIGTERM to the leader: longest gap per partition", "failover",
             how="terminate", goals={"gap_ms": "<= 200"}),
    Scenario("replicated-idle", "3+3 nodes: memory, and processor time of a core, while nothing is asked",
             "replicated", how="idle", goals={"idle_mib": "<= 250", "idle_cpu_percent": "<= 2"}),
    Scenario("replicated-produce", "3+3 nodes, 512 B records, 12 partitions, RF 3 against RF 1: cost of a follower",
             "replicated", how="replication", goals={"follower_cpu_s_per_gb": "<= 2.5"}),
    Scenario("replicated-cold-start", "3+3 nodes, 1,000 partitions, RF 3: start of all to every replica in sync",
             "replicated", how="cold-start", goals={"in_sync_ms": "<= 5000"}),
    group_join(10), group_join(100), group_join(1_000),
    group_join(5_000, goals={"stable_ms": "<= 30000", "create_p99_ms": "<= 50"}),
    group_join_consumer(1_000),
    Scenario("group-commit", "1,000 groups commit offsets, each as fast as it is answered", "group-commit",
             ("members",), groups=1_000, goals={"commits_per_s": ">= 20000"}),
    Scenario("group-commit-10k", "1,000 groups commit 10,000 offsets a second", "group-commit", ("members",),
             groups=1_000, rate=10_000),
    Scenario("group-admin-10k", "administrators' calls among 10,000 groups", "group-admin", ("members",),
             groups=10_000,
             goals={f"{call}_max_ms": "<= 100" for call in ("list", "describe", "offset_delete", "delete")}),
    Scenario("group-heartbeat-10k", "3+3 nodes: 10,000 members of 1,000 groups at rest, heartbeats every 3 s",
             "replicated", how="heartbeats", goals={"log_entries_per_s": "<= 0"}),
    Scenario("replicated-group-join-5000", "3+3 nodes: 5,000 members of one group come at once", "replicated",
             how="group-join", goals={"stable_ms": "<= 30000", "create_p99_ms": "<= 50"}),
    Scenario("replicated-group-commit", "3+3 nodes: 1,000 groups commit offsets, each as fast as it is answered",
             "replicated", how="group-commit", goals={"commits_per_s": ">= 20000"}),
]
