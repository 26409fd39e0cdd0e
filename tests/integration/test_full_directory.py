"""One of a broker's data directories is full (RELIABILITY D-22): only what it holds is led elsewhere, all partitions take
records, and everything is as before when there is room again.

The full directory is a loop device with a file system of its own, which needs root.
"""

import time

import pytest
from kafka import KafkaAdminClient

from chaos.disks import SmallDisk
from support.admin import Admin, admin_pb2
from support.processes import wait_until
from support.records import Producer, read
from support.replicas import differences
from support.weir_nodes import WeirNodes

TOPIC = "spread"
# A directory gets every other partition, a broker leads any third: of so many, hardly ever all lie in one directory.
PARTITIONS = 36
FILLING = 2  # the broker with the small disk
MIB = 1024 * 1024
RESERVE_MIB = 64
MOVED_WITHIN_S = 10
BACK_WITHIN_S = 30


@pytest.fixture
def disk(data_dir):
    why_not = SmallDisk.missing(data_dir)
    if why_not:
        pytest.skip(why_not)
    small = SmallDisk(data_dir / "small", data_dir / "image", 256)
    yield small
    small.remove()


@pytest.fixture
def nodes(data_dir, disk):
    cluster = WeirNodes(data_dir / "cluster", controllers=1, brokers=3,
                        controller_values={"leader.imbalance.check.interval.seconds": 1})
    filling = cluster[f"broker-{FILLING}"]
    filling.write_config(**{"data.dir": f"{filling.data_dir},{disk.directory / 'data'}",
                            "storage.disk.reserve.bytes": f"{RESERVE_MIB}MiB"})
    try:
        cluster.start("--bootstrap")
        with Admin(cluster.admin) as admin:
            admin.create_topic(TOPIC, partitions=PARTITIONS, replication_factor=3)
        yield cluster
    finally:
        cluster.stop()


def partitions(nodes):
    request = admin_pb2.DescribeTopicsRequest(topics=[admin_pb2.TopicSelector(name=TOPIC)])
    with Admin(nodes.admin) as admin:
        return admin.call("DescribeTopics", request).topics[0].partitions


def led(nodes):
    """What the filling broker leads."""
    return {partition.partition for partition in partitions(nodes) if partition.leader_id == FILLING}


def held_by(nodes, directory):
    """What the filling broker has in that directory."""
    admin = KafkaAdminClient(bootstrap_servers=nodes[f"broker-{FILLING}"].values["kafka.listen"])
    try:
        found = [described for answer in admin.describe_log_dirs() for described in answer["log_dirs"]
                 if described["log_dir"] == str(directory)]
        return {partition["partition_index"] for topic in found[0]["topics"] if topic["name"] == TOPIC
                for partition in topic["partitions"]}
    finally:
        admin.close()


def produce_to_all(nodes, values):
    producer = Producer(nodes.bootstrap, linger_ms=2, enable_idempotence=True)
    for partition in range(PARTITIONS):
        for value in values:
            producer.send(TOPIC, value, partition)
    producer.flush()
    assert not producer.errors, producer.errors[:3]


def test_d22_a_full_directory_loses_its_leaderships_and_no_others(nodes, disk):
    wait_until(lambda: len(led(nodes)) == PARTITIONS // 3, 20, "leaderships on all brokers")
    before = led(nodes)
    small = held_by(nodes, disk.directory / "data") & before
    assert small and before - small, f"all of {before} lie in one directory"
    produce_to_all(nodes, [b"before"] * 20)

    disk.fill(leave_bytes=RESERVE_MIB * MIB // 2)
    filled_at = time.monotonic()
    wait_until(lambda: led(nodes) == before - small, MOVED_WITHIN_S, f"leaderships of {small} to leave")
    print(f"{len(small)} of {len(before)} leaderships moved after {time.monotonic() - filled_at:.2f} s")
    produce_to_all(nodes, [b"while full"] * 20)
    assert led(nodes) == before - small

    disk.empty()
    wait_until(lambda: led(nodes) == before, BACK_WITHIN_S, "the leaderships to come back")
    wait_until(lambda: all(len(partition.isr_ids) == 3 for partition in partitions(nodes)), BACK_WITHIN_S,
               "the replicas to be in sync again")
    produce_to_all(nodes, [b"after"] * 20)
    for partition in range(PARTITIONS):
        assert read(nodes.bootstrap, TOPIC, 60, partition) == [b"before"] * 20 + [b"while full"] * 20 + [b"after"] * 20
    assert not differences(nodes.bootstrap.split(","), TOPIC, PARTITIONS)
    log = nodes[f"broker-{FILLING}"].log.read_text()
    assert log.count("disk full") == log.count("disk has room again") == 1, log[-3000:]
