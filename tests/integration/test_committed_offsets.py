"""Committed offsets as replicated data (DESIGN D7), with real clients that assign their partitions and commit.

G-10: whoever asks after a failover of the coordinator is never told an older offset than one that was acknowledged,
or told, before.
"""

import threading
import time

import confluent_kafka
import pytest
from kafka import KafkaConsumer
from kafka import TopicPartition as PythonPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from support.admin import Admin, admin_pb2
from support.groups import coordinator_partition
from support.metrics import metric
from support.processes import wait_until
from support.raw_requests import commit_offset, committed_offset

TOPIC = "orders"
OFFSETS_TOPIC = "__consumer_offsets"
IN_SYNC_WITHIN_S = 30


class PythonClient:
    """kafka-python."""

    def __init__(self, bootstrap, group):
        self._partition = PythonPartition(TOPIC, 0)
        self._consumer = KafkaConsumer(bootstrap_servers=bootstrap.split(","), group_id=group,
                                       enable_auto_commit=False, request_timeout_ms=8_000,
                                       retry_backoff_ms=50, reconnect_backoff_ms=20,
                                       reconnect_backoff_max_ms=200)
        self._consumer.assign([self._partition])

    def commit(self, offset):
        self._consumer.commit({self._partition: OffsetAndMetadata(offset, "text", -1)})

    def committed(self):
        return self._consumer.committed(self._partition)

    def close(self):
        self._consumer.close()


class ConfluentClient:
    """confluent-kafka, librdkafka."""

    def __init__(self, bootstrap, group):
        self._consumer = confluent_kafka.Consumer({
            "bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False,
            "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 200, "socket.timeout.ms": 5_000,
            "log_level": 0})
        self._consumer.assign([confluent_kafka.TopicPartition(TOPIC, 0)])

    def commit(self, offset):
        done = self._consumer.commit(
            offsets=[confluent_kafka.TopicPartition(TOPIC, 0, offset)], asynchronous=False)
        if done[0].error:
            raise confluent_kafka.KafkaException(done[0].error)

    def committed(self):
        found = self._consumer.committed([confluent_kafka.TopicPartition(TOPIC, 0)], timeout=5)[0]
        if found.error:
            raise confluent_kafka.KafkaException(found.error)
        return found.offset if found.offset >= 0 else None

    def close(self):
        self._consumer.close()


CLIENTS = {"python": PythonClient, "confluent": ConfluentClient}
FAILURES = (KafkaError, confluent_kafka.KafkaException)


class Load:
    """One client commits growing offsets, another one asks for them; both go on until they are stopped."""

    def __init__(self, client, bootstrap, group):
        self.acknowledged, self.told, self.errors = -1, 0, []
        self.acknowledged_at = []
        self._known = -1
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._committer, self._asker = client(bootstrap, group), client(bootstrap, group)
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._commit, self._ask)]
        for thread in self._threads:
            thread.start()

    def _commit(self):
        offset = 0
        while not self._stop.wait(0.002):
            try:
                self._committer.commit(offset)
            except FAILURES:
                # It may have been committed all the same: the next one is larger.
                offset += 1
                continue
            self.acknowledged_at.append(time.monotonic())
            with self._lock:
                self.acknowledged = offset
                self._known = max(self._known, offset)
            offset += 1

    def _ask(self):
        while not self._stop.wait(0.002):
            with self._lock:
                known = self._known
            try:
                offset = self._asker.committed()
            except FAILURES:
                continue
            offset = -1 if offset is None else offset
            if offset < known:
                self.errors.append(f"told {offset} after {known}")
            with self._lock:
                self._known = max(self._known, offset)
                self.told += 1

    def wait_for_more(self, count, timeout_s=30):
        acknowledged, told = self.acknowledged, self.told
        wait_until(lambda: (self.acknowledged >= acknowledged + count and self.told >= told + count)
                   or self.errors, timeout_s, f"{count} more commits and answers")

    def finish(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
        assert not self.errors, self.errors[:3]
        last = self._asker.committed()
        assert last >= self.acknowledged
        self._committer.close()
        self._asker.close()

    def longest_gap_s(self):
        return max(after - before for before, after in zip(self.acknowledged_at, self.acknowledged_at[1:]))


def partitions_of(dev, topic):
    request = admin_pb2.DescribeTopicsRequest(topics=[admin_pb2.TopicSelector(name=topic)])
    with Admin(dev.admin) as admin:
        return list(admin.call("DescribeTopics", request).topics[0].partitions)


def coordinator(dev, group):
    partitions = partitions_of(dev, OFFSETS_TOPIC)
    wanted = coordinator_partition(group, len(partitions))
    return next(each.leader_id for each in partitions if each.partition == wanted)


@pytest.fixture
def topic(dev):
    with Admin(dev.admin) as admin:
        admin.create_topic(TOPIC, partitions=1, replication_factor=3)
    return TOPIC


@pytest.mark.parametrize("client", CLIENTS)
def test_G10_offsets_never_go_back_when_the_coordinator_is_killed(dev, topic, client, request):
    rounds = request.config.getoption("--rounds")
    group = f"by-{client}"
    load = Load(CLIENTS[client], dev.bootstrap, group)
    load.wait_for_more(50)
    for _ in range(rounds):
        killed = f"broker-{coordinator(dev, group)}"
        dev.kill(killed)
        load.wait_for_more(50)
        dev.restart(killed)
        wait_until(lambda: all(len(each.isr_ids) == 3 for each in partitions_of(dev, OFFSETS_TOPIC)),
                   IN_SYNC_WITHIN_S, "the broker back in every ISR")
    load.finish()
    print(f"{client}: {load.acknowledged} committed, {load.told} answers over {rounds} failovers, "
          f"longest time between two commits {load.longest_gap_s():.2f} s")


@pytest.mark.parametrize("client", CLIENTS)
def test_D01_offsets_survive_the_end_of_all_processes(dev, topic, client):
    group = f"by-{client}"
    one = CLIENTS[client](dev.bootstrap, group)
    assert one.committed() is None
    one.commit(7)
    assert one.committed() == 7
    one.commit(8)
    one.close()
    dev.kill_all()
    dev.start()
    again = CLIENTS[client](dev.bootstrap, group)
    assert wait_until(lambda: _committed(again), 20, "an answer about the group's offsets") == 8
    again.close()


def test_a_broker_stops_while_a_commit_waits_for_replicas_that_are_gone(nodes):
    with Admin(nodes.admin) as admin:
        admin.create_topic(TOPIC, partitions=1, replication_factor=3)
    client = PythonClient(nodes.bootstrap, "waits")
    client.commit(7)
    leader = nodes[f"broker-{coordinator(nodes, 'waits')}"]
    for node in nodes.nodes.values():
        if node is not leader:
            node.kill()
    outcome = []

    def commit():
        try:
            client.commit(8)
        except KafkaError as failed:
            outcome.append(failed)

    committing = threading.Thread(target=commit)
    committing.start()
    wait_until(lambda: metric(leader, "weir_network_in_flight_bytes") > 0, 10, "the commit to wait at its leader")
    assert leader.stop() == 0, leader.process.log_tail()
    committing.join()
    assert outcome, "nobody else has what was committed"


def test_G10_any_broker_takes_a_commit_and_tells_it(nodes):
    """Without a search for the coordinator, as kafkajs goes on after it has moved (coordinator_forward.h)."""
    with Admin(nodes.admin) as admin:
        admin.create_topic(TOPIC, partitions=1, replication_factor=3)
    client = PythonClient(nodes.bootstrap, "anywhere")
    client.commit(0)
    client.close()
    addresses = dict(zip(("broker-1", "broker-2", "broker-3"), nodes.bootstrap.split(",")))

    def commit_and_ask_everywhere(first):
        for offset, address in enumerate(addresses.values(), first):
            wait_until(lambda: commit_offset(address, "anywhere", TOPIC, 0, offset) == 0, 20, f"a commit at {address}")
            for other in addresses.values():
                answer = wait_until(lambda: _told(other), 20, f"an answer of {other}")
                assert answer == [offset], other

    commit_and_ask_everywhere(1)
    killed = f"broker-{coordinator(nodes, 'anywhere')}"
    nodes[killed].kill()
    del addresses[killed]
    commit_and_ask_everywhere(11)


def _told(address):
    """[the offset], [] while nobody can tell it."""
    error, offset = committed_offset(address, "anywhere", TOPIC, 0)
    return [] if error else [offset]


def _committed(client):
    try:
        return client.committed()
    except FAILURES:
        return None
