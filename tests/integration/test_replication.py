"""Replication with real processes: three controllers, three brokers, topics with three replicas.

I-02, I-06, D-24: nothing acknowledged with acks=all is lost when a leader is killed, and the replicas are equal
byte for byte once they have caught up.
"""

import shutil
import threading
import time

import pytest

from support import replicas
from support.admin import Admin, AdminFailure, admin_pb2
from support.processes import kill_hard, wait_until
from support.records import Producer, read
from support.weir_cluster import WeirDev

TOPIC = "replicated"
PARTITIONS = 3
CATCH_UP_S = 30
INVALID_REPLICATION_FACTOR = 38


@pytest.fixture
def dev(data_dir):
    cluster = WeirDev(data_dir / "cluster", nodes=3)
    cluster.start()
    try:
        with Admin(cluster.admin) as admin:
            admin.create_topic(TOPIC, partitions=PARTITIONS, replication_factor=3,
                               configs={"min.insync.replicas": "2"})
    except AdminFailure as refused:
        cluster.stop()
        if refused.code != INVALID_REPLICATION_FACTOR:
            raise
        pytest.skip("replication factors above 1 are switched off")
    yield cluster
    cluster.stop()


def partitions(dev):
    request = admin_pb2.DescribeTopicsRequest(topics=[admin_pb2.TopicSelector(name=TOPIC)])
    with Admin(dev.admin) as admin:
        return list(admin.call("DescribeTopics", request).topics[0].partitions)


def in_sync(dev):
    return all(len(partition.isr_ids) == 3 for partition in partitions(dev))


def check_replicas_equal(dev):
    addresses = dev.bootstrap.split(",")
    assert not replicas.differences(addresses, TOPIC, PARTITIONS, CATCH_UP_S)
    for partition in range(PARTITIONS):
        watermark, data = replicas.read_replica(addresses[0], TOPIC, partition)
        assert watermark > 0 and data


class Load:
    """Produces to every partition until it is stopped; remembers what was acknowledged, and when."""

    def __init__(self, dev):
        self.producer = Producer(dev.bootstrap, enable_idempotence=True)
        self.sent = 0
        self.acknowledged_at = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stop.wait(0.001):
            for partition in range(PARTITIONS):
                self.producer.send(TOPIC, b"%d" % self.sent, partition)
                self.sent += 1
            if len(self.producer.acknowledged) > len(self.acknowledged_at):
                self.acknowledged_at += [time.monotonic()] * (
                    len(self.producer.acknowledged) - len(self.acknowledged_at))

    def wait_for(self, count):
        goal = len(self.producer.acknowledged) + count
        wait_until(lambda: len(self.producer.acknowledged) >= goal or self.producer.errors,
                   CATCH_UP_S, f"{count} more acknowledgements")

    def finish(self):
        self._stop.set()
        self._thread.join()
        self.producer.flush()
        assert not self.producer.errors, self.producer.errors[:3]

    def longest_gap_s(self):
        return max(after - before for before, after in zip(self.acknowledged_at,
                                                           self.acknowledged_at[1:]))


def check_nothing_lost(dev, producer):
    """Every acknowledged value stands at its offset, once; idempotence adds no other."""
    for partition in range(PARTITIONS):
        acknowledged = {offset: value for _, at, offset, value in producer.acknowledged
                        if at == partition}
        values = read(dev.bootstrap, TOPIC, max(acknowledged) + 1, partition)
        assert len(values) == len(acknowledged) == len(set(values))
        assert all(values[offset] == value for offset, value in acknowledged.items())


@pytest.mark.parametrize("second, complaint", [
    ((1, b"ab"), None), ((1, b"xb"), "not the same bytes"), ((2, b"ab"), "high watermark")])
def test_D24_differing_replicas_are_named(monkeypatch, second, complaint):
    copies = {"one": (1, b"ab"), "two": second}
    monkeypatch.setattr(replicas, "read_replica", lambda address, topic, partition: copies[address])
    monkeypatch.setattr(replicas, "_end_offset", lambda batches: 1)
    found = replicas.differences(copies, TOPIC, 1, timeout_s=0)
    assert len(found) == (complaint is not None) and all(complaint in text for text in found)


def test_replicas_are_equal(dev):
    wait_until(lambda: in_sync(dev), CATCH_UP_S, "all replicas in sync")
    producer = Producer(dev.bootstrap)
    for partition in range(PARTITIONS):
        producer.send_all(TOPIC, [b"%d" % number for number in range(2000)], partition)
    check_nothing_lost(dev, producer)
    check_replicas_equal(dev)


def test_a_killed_leader_loses_nothing_and_comes_back(dev):
    load = Load(dev)
    load.wait_for(1000)
    leader = partitions(dev)[0].leader_id
    dev.kill(f"broker-{leader}")
    load.wait_for(1000)
    dev.restart(f"broker-{leader}")
    wait_until(lambda: in_sync(dev), CATCH_UP_S, "the broker back in every ISR")
    load.wait_for(1000)
    load.finish()
    print(f"longest gap {load.longest_gap_s():.3f} s of {load.sent} records")
    check_nothing_lost(dev, load.producer)
    check_replicas_equal(dev)


def test_every_leader_killed_in_turn(dev):
    load = Load(dev)
    for broker in (1, 2, 3):
        load.wait_for(500)
        dev.kill(f"broker-{broker}")
        load.wait_for(500)
        dev.restart(f"broker-{broker}")
        wait_until(lambda: in_sync(dev), CATCH_UP_S, "the broker back in every ISR")
    load.finish()
    check_nothing_lost(dev, load.producer)
    check_replicas_equal(dev)


def test_a_follower_starts_again_from_nothing(dev):
    wait_until(lambda: in_sync(dev), CATCH_UP_S, "all replicas in sync")
    producer = Producer(dev.bootstrap)
    for partition in range(PARTITIONS):
        producer.send_all(TOPIC, [b"%d" % number for number in range(2000)], partition)
    dev.kill("broker-2")
    shutil.rmtree(dev.data_dir / "broker-2" / "data" / "log")
    dev.restart("broker-2")
    wait_until(lambda: in_sync(dev), CATCH_UP_S, "the broker back in every ISR")
    check_nothing_lost(dev, producer)
    check_replicas_equal(dev)


def test_a_stopped_leader_hands_over_first(dev):
    load = Load(dev)
    load.wait_for(500)
    leader = partitions(dev)[0].leader_id
    dev.terminate(f"broker-{leader}")
    load.wait_for(1000)
    load.finish()
    print(f"longest gap {load.longest_gap_s():.3f} s of {load.sent} records")
    check_nothing_lost(dev, load.producer)


def test_too_few_in_sync_replicas_take_no_write(dev):
    wait_until(lambda: in_sync(dev), CATCH_UP_S, "all replicas in sync")
    kill_hard(dev.pids()["broker-2"])
    kill_hard(dev.pids()["broker-3"])
    wait_until(lambda: all(len(partition.isr_ids) < 2 for partition in partitions(dev)), CATCH_UP_S,
               "the ISR to shrink")
    producer = Producer(dev.bootstrap.split(",")[0], message_timeout_ms=2000)
    producer.send(TOPIC, b"refused")
    producer.flush()
    assert producer.errors and not producer.acknowledged
