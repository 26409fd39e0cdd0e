"""Moves under a throttle with real processes: they take as long as the rate says, hold no producer up, and leave nothing.

The bounds of time are lower ones: a throttle that is not honoured ends too early, on however fast a machine.
"""

import os
import threading
import time
import urllib.request

from support.admin import Admin, admin_pb2, require
from support.processes import wait_until
from support.records import Producer
from support.replicas import read_replica
from support.weir_cluster import weir

TOPIC = "throttled"
RECORD_BYTES = 100_000
RATE = 3_000_000
# What the last fetch of one partition takes at once, above the rate: replica.fetch.max.bytes and a batch.
LAST_FETCH_BYTES = 1_200_000
MOVE_S = 90
TOPIC_CONFIG, BROKER_CONFIG = 2, 4


def call(dev, method, request):
    with Admin(dev.admin) as admin:
        return admin.call(method, request)


def create(dev, assignments):
    topic = admin_pb2.NewTopic(name=TOPIC, assignments=[
        admin_pb2.ReplicaAssignment(partition=index, broker_ids=brokers)
        for index, brokers in enumerate(assignments)])
    require(call(dev, "CreateTopics", admin_pb2.CreateTopicsRequest(topics=[topic])).topics[0].error)


def fill(dev, partition, megabytes):
    """Writes what does not compress; returns its bytes."""
    producer = Producer(dev.bootstrap, linger_ms=5)
    producer.send_all(TOPIC, [os.urandom(RECORD_BYTES) for _ in range(megabytes * 10)], partition)
    return megabytes * 10 * RECORD_BYTES


def moves(dev):
    return call(dev, "ListPartitionReassignments", admin_pb2.ListPartitionReassignmentsRequest()).partitions


def run(dev, *arguments):
    result = weir(*arguments, "--admin", dev.admin)
    assert result.returncode == 0, f"{arguments}: {result.stdout}\n{result.stderr}"
    return result.stdout


def throttles(dev):
    """Every throttle that is set anywhere."""
    resources = [(TOPIC_CONFIG, TOPIC), (BROKER_CONFIG, "")] + [(BROKER_CONFIG, str(id)) for id in (1, 2, 3)]
    request = admin_pb2.DescribeConfigsRequest()
    for kind, name in resources:
        selector = request.resources.add()
        selector.resource.type, selector.resource.name = kind, name
    found = []
    for described in call(dev, "DescribeConfigs", request).resources:
        require(described.error)
        found += [(described.resource.name, entry.key, entry.value) for entry in described.entries
                  if "replication.throttled" in entry.key and entry.value not in ("", str(2**63 - 1))]
    return found


def check_took(started, size, partitions):
    """Law 1 of ReplicationQuota: the rate, one sample of a second, and what the last ones admitted took at once.

    Those are as many as there are partitions: two followers may ask in the same moment.
    """
    took = time.monotonic() - started
    at_once = RATE + partitions * LAST_FETCH_BYTES
    assert took >= (size - at_once) / RATE, f"{size} bytes within {took:.1f} s"


def metric(dev, broker, name):
    with urllib.request.urlopen(f"http://127.0.0.1:{dev.http_port + broker - 1}/metrics", timeout=10) as page:
        for line in page.read().decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
    return 0.0


class Trickle:
    """Produces a record now and then, each once the one before is acknowledged."""

    def __init__(self, dev):
        self.count = 0
        self.errors = []
        self._dev = dev
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        producer = Producer(self._dev.bootstrap)
        while not self._stop.wait(0.02):
            producer.send(TOPIC, b"x")
            producer.flush()
            self.count += 1
        self.errors = producer.errors

    def finish(self):
        self._stop.set()
        self._thread.join()
        assert not self.errors, self.errors[:3]


def check_equal(dev, brokers):
    addresses = dev.bootstrap.split(",")
    wait_until(lambda: len({read_replica(addresses[broker - 1], TOPIC, 0) for broker in brokers}) == 1, MOVE_S,
               "equal replicas")


def test_a_throttled_move_takes_its_time_and_leaves_no_throttle(dev):
    create(dev, [[1, 2]])
    size = fill(dev, 0, 24)
    trickle = Trickle(dev)
    started = time.monotonic()
    run(dev, "partition", "move", TOPIC, "-p", "0:3,2", "--throttle", RATE)
    assert str(RATE) in run(dev, "partition", "list")
    assert [move.throttled_rate for move in moves(dev)] == [RATE]
    # Whoever controls next knows of it.
    active = call(dev, "DescribeCluster", admin_pb2.DescribeClusterRequest()).controller_id
    dev.kill(f"controller-{active}")
    before = trickle.count
    wait_until(lambda: trickle.count > before + 20, MOVE_S, "acknowledgements while the move lasts")
    assert [move.throttled_rate for move in moves(dev)] == [RATE]
    wait_until(lambda: not moves(dev), MOVE_S, "the move to end")
    check_took(started, size, partitions=1)
    trickle.finish()
    assert throttles(dev) == []
    received = metric(dev, 3, "weir_replication_throttled_received_bytes_total")
    assert size * 0.95 <= received <= size * 1.1
    check_equal(dev, [2, 3])


def test_a_cancelled_or_unthrottled_move_is_not_slowed_any_more(dev):
    create(dev, [[1, 2]])
    fill(dev, 0, 10)
    # It would take hours.
    run(dev, "partition", "move", TOPIC, "-p", "0:3,2", "--throttle", 1000)
    run(dev, "partition", "cancel", TOPIC)
    assert not moves(dev) and throttles(dev) == []
    run(dev, "partition", "move", TOPIC, "-p", "0:3,2", "--throttle", 1000)
    assert len(moves(dev)) == 1
    run(dev, "partition", "move", TOPIC, "-p", "0:3,2")
    wait_until(lambda: not moves(dev), MOVE_S, "the move to end without its throttle")


def test_a_drain_shares_one_rate(dev):
    create(dev, [[1], [1], [2]])
    size = fill(dev, 0, 10) + fill(dev, 1, 10)
    started = time.monotonic()
    output = run(dev, "broker", "drain", 1, "--throttle", RATE)
    assert "2 replicas are leaving broker 1" in output, output
    wait_until(lambda: not moves(dev), MOVE_S, "the drain to end")
    # Broker 1 sends both, at most at the rate.
    check_took(started, size, partitions=2)
