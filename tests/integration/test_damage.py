"""Damaged records on real processes: found, never served, thrown away and fetched anew from another replica
(RELIABILITY D-17, D-18).
"""

import pytest

from support.admin import Admin, admin_pb2
from support.processes import wait_until
from support.records import Producer, read
from support.replicas import differences, read_replica
from support.weir_cluster import WeirDev

TOPIC = "damaged"
VALUES = [b"%06d" % number + b"x" * 1000 for number in range(1000)]
REPAIR_S = 60


@pytest.fixture
def dev(data_dir):
    cluster = WeirDev(data_dir / "cluster", nodes=3)
    cluster.start()
    with Admin(cluster.admin) as admin:
        admin.create_topic(TOPIC, partitions=1, replication_factor=2)
    yield cluster
    cluster.stop()


def partition(dev):
    request = admin_pb2.DescribeTopicsRequest(topics=[admin_pb2.TopicSelector(name=TOPIC)])
    with Admin(dev.admin) as admin:
        return admin.call("DescribeTopics", request).topics[0].partitions[0]


def address_of(dev, broker):
    return dev.bootstrap.split(",")[broker - 1]


def damage_stored_records(dev, broker):
    """Changes a byte in the middle of some hundred records in the data files of a stopped broker."""
    changed = 0
    for path in (dev.data_dir / f"broker-{broker}").rglob("*.blob"):
        data = bytearray(path.read_bytes())
        at = data.find(b"000100x")
        if at < 0:
            continue
        for position in range(at, min(at + 300_000, len(data)), 1000):
            data[position] ^= 0x10
            changed += 1
        path.write_bytes(data)
    assert changed > 0, "no data file has the records"


def only_in_sync(dev, broker):
    found = partition(dev)
    return found.leader_id == broker and list(found.isr_ids) == [broker]


def read_error(address):
    """What a reader from the beginning is told; None if it got everything."""
    try:
        read_replica(address, TOPIC, 0)
    except RuntimeError as refused:
        return str(refused)
    return None


def test_d17_d18_a_damaged_replica_is_fetched_anew(dev):
    producer = Producer(dev.bootstrap, linger_ms=5)
    producer.send_all(TOPIC, VALUES)
    found = partition(dev)
    sound = found.leader_id
    damaged, = (broker for broker in found.replica_ids if broker != sound)
    wait_until(lambda: not differences([address_of(dev, sound), address_of(dev, damaged)], TOPIC, 1),
               REPAIR_S, "the same records on both")

    # What a broker wrote goes from its log to its data files when it starts again.
    dev.kill(f"broker-{damaged}")
    wait_until(lambda: only_in_sync(dev, sound), REPAIR_S, "the other one alone")
    dev.restart(f"broker-{damaged}")
    wait_until(lambda: len(partition(dev).isr_ids) == 2, REPAIR_S, "the broker back in sync")
    dev.terminate(f"broker-{damaged}")
    wait_until(lambda: only_in_sync(dev, sound), REPAIR_S, "the other one alone")
    damage_stored_records(dev, damaged)
    dev.restart(f"broker-{damaged}")
    wait_until(lambda: len(partition(dev).isr_ids) == 2, REPAIR_S, "the damage unnoticed so far")

    # Alone in the ISR it keeps what it has, and refuses what it cannot read.
    dev.terminate(f"broker-{sound}")
    wait_until(lambda: only_in_sync(dev, damaged), REPAIR_S, "the damaged one alone")
    wait_until(lambda: "error 56" in (read_error(address_of(dev, damaged)) or ""), REPAIR_S,
               "KAFKA_STORAGE_ERROR")
    assert only_in_sync(dev, damaged)

    # With another one in sync it is thrown away, and comes back whole.
    dev.restart(f"broker-{sound}")
    wait_until(lambda: partition(dev).leader_id == sound, REPAIR_S, "the leadership given away")
    wait_until(lambda: len(partition(dev).isr_ids) == 2, REPAIR_S, "both in sync again")
    assert differences([address_of(dev, sound), address_of(dev, damaged)], TOPIC, 1) == []
    assert read(dev.bootstrap, TOPIC, len(VALUES)) == VALUES
    dev.terminate(f"broker-{sound}")
    wait_until(lambda: only_in_sync(dev, damaged), REPAIR_S, "the repaired one alone")
    assert read(address_of(dev, damaged), TOPIC, len(VALUES)) == VALUES
