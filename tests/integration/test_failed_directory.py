"""One of a broker's data directories fails (RELIABILITY D-13, D-22): the broker goes on with the other, the controllers
elect other leaders for what was there, nothing acknowledged is lost, and a restart repairs it.
"""

import threading
import urllib.request

import pytest
from kafka import KafkaAdminClient

from chaos.disks import FailedDisk
from support.admin import Admin, admin_pb2
from support.processes import wait_until
from support.records import Producer, read
from support.replicas import differences
from support.weir_nodes import WeirNodes

TOPIC = "spread"
PARTITIONS = 6
FAILING = 2  # the broker that loses a directory
OFFLINE_WITHIN_S = 1
KAFKA_STORAGE_ERROR = 56


def directories_of(node):
    return [node.config.parent / "disks" / name for name in ("first", "second")]


@pytest.fixture
def nodes(data_dir):
    cluster = WeirNodes(data_dir / "cluster", controllers=1, brokers=3)
    for node in cluster.brokers():
        node.write_config(**{"data.dir": ",".join(map(str, directories_of(node)))})
    yield cluster
    cluster.disk.set(False)
    cluster.stop()


def start(nodes, disk):
    """Starts all, with everything below `disk` ready to fail, and creates the topic."""
    failing = nodes[f"broker-{FAILING}"]
    nodes.disk = FailedDisk(disk, failing.config.parent / "switch")
    failing.environment = nodes.disk.environment
    nodes.start("--bootstrap")
    with Admin(nodes.admin) as admin:
        admin.create_topic(TOPIC, partitions=PARTITIONS, replication_factor=3)
    wait_until(lambda: all_in_sync(nodes), 20, "all replicas to be in sync")


class Load:
    """Records for every partition, one after the other, until stop()."""

    def __init__(self, bootstrap):
        self._producer = Producer(bootstrap, **{"enable.idempotence": True, "message.timeout.ms": 60_000,
                                                "linger.ms": 2})
        self.acknowledged = self._producer.acknowledged
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        number = 0
        while not self._stopping.wait(0.001):
            self._producer.send(TOPIC, b"%d" % number, number % PARTITIONS)
            number += 1
        self._producer.flush()

    def wait_for_more(self, count=200):
        """All partitions take records now: each acknowledges some that were sent after this call."""
        seen = len(self.acknowledged)
        wait_until(lambda: len(self.acknowledged) > seen + count
                   and {partition for _, partition, _, _ in self.acknowledged[seen + count // 2:]} == set(
                       range(PARTITIONS)), 20, "acknowledgements of every partition")

    def stop(self):
        self._stopping.set()
        self._thread.join(90)
        assert not self._thread.is_alive()
        assert not self._producer.errors, self._producer.errors[:3]


def partitions(nodes):
    request = admin_pb2.DescribeTopicsRequest(topics=[admin_pb2.TopicSelector(name=TOPIC)])
    with Admin(nodes.admin) as admin:
        return admin.call("DescribeTopics", request).topics[0].partitions


def offline(nodes):
    """Partitions whose replica on the failing broker is offline, as the controllers know."""
    return {partition.partition for partition in partitions(nodes) if FAILING in partition.offline_replica_ids}


def all_in_sync(nodes):
    return all(len(partition.isr_ids) == 3 and not partition.offline_replica_ids for partition in partitions(nodes))


def through_kafka(nodes):
    """(offline replicas by partition from Metadata, DescribeLogDirs of the failing broker)."""
    admin = KafkaAdminClient(bootstrap_servers=nodes[f"broker-{FAILING}"].values["kafka.listen"])
    try:
        topic, = admin.describe_topics([TOPIC])
        replicas = {partition["partition_index"]: partition["offline_replicas"] for partition in topic["partitions"]}
        answers = admin.describe_log_dirs()
        paths = [str(path) for path in directories_of(nodes[f"broker-{FAILING}"])]
        found = {directory["log_dir"]: directory for answer in answers for directory in answer["log_dirs"]
                 if directory["log_dir"] in paths}
        return replicas, [found[path] for path in paths]
    finally:
        admin.close()


def page(node, name):
    with urllib.request.urlopen(f"http://{node.values['http.listen']}/{name}", timeout=5) as answer:
        return answer.read().decode()


def check_offline(nodes, held):
    """What everybody may see of a failed directory that has the partitions `held`."""
    failing = nodes[f"broker-{FAILING}"]
    wait_until(lambda: all((FAILING in partition.isr_ids) == (partition.partition not in held)
                           for partition in partitions(nodes)), 20, "the other replicas to be in sync")
    for partition in partitions(nodes):
        gone = partition.partition in held
        assert partition.leader_id != -1 and not (gone and partition.leader_id == FAILING), partition
    replicas, (first, second) = through_kafka(nodes)
    assert replicas == {number: [FAILING] if number in held else [] for number in range(PARTITIONS)}
    assert first["error_code"] == 0
    assert {partition["partition_index"] for topic in first["topics"] if topic["name"] == TOPIC
            for partition in topic["partitions"]} == set(range(PARTITIONS)) - held
    assert second["error_code"] == KAFKA_STORAGE_ERROR and not second["topics"]
    assert "weir_data_directories_offline 1" in page(failing, "metrics")
    page(failing, "readyz")


def check_nothing_lost(nodes, load):
    for partition in range(PARTITIONS):
        acknowledged = {offset: value for _, number, offset, value in load.acknowledged if number == partition}
        values = read(nodes.bootstrap, TOPIC, max(acknowledged) + 1, partition)
        assert all(values[offset] == value for offset, value in acknowledged.items())
    assert not differences(nodes.bootstrap.split(","), TOPIC, PARTITIONS)


def test_d13_a_failed_directory_is_taken_out_and_comes_back(nodes):
    failing = nodes[f"broker-{FAILING}"]
    start(nodes, directories_of(failing)[1])
    load = Load(nodes.bootstrap)
    load.wait_for_more()
    nodes.disk.set(True)
    wait_until(lambda: len(offline(nodes)) == PARTITIONS // 2, OFFLINE_WITHIN_S, "the controllers to know")
    load.wait_for_more()
    held = offline(nodes)
    assert nodes.disk.calls_failed() > 0
    assert len(held) == PARTITIONS // 2
    assert failing.running()
    check_offline(nodes, held)
    log = failing.log.read_text()
    assert log.count(" error ") == log.count('event="data directory failed') == 1, log[-3000:]

    # What is created now goes to the directory that is left.
    with Admin(nodes.admin) as admin:
        admin.create_topic("later", partitions=2, replication_factor=3)
    Producer(nodes.bootstrap).send_all("later", [b"x"], 1)

    # Still broken when it starts again: the same, and not refused.
    failing.stop()
    failing.start()
    nodes.wait_ready()
    load.wait_for_more()
    assert offline(nodes) == held
    check_offline(nodes, held)

    failing.stop()
    nodes.disk.set(False)
    failing.start()
    nodes.wait_ready()
    wait_until(lambda: all_in_sync(nodes), 30, "the replicas to be in sync again")
    load.wait_for_more()
    load.stop()
    assert "weir_data_directories_offline 0" in page(failing, "metrics")
    check_nothing_lost(nodes, load)


def test_d13_the_last_directory_ends_the_broker(nodes):
    failing = nodes[f"broker-{FAILING}"]
    start(nodes, directories_of(failing)[0].parent)
    load = Load(nodes.bootstrap)
    load.wait_for_more()
    nodes.disk.set(True)
    wait_until(lambda: not failing.running(), 5, "the broker to end")
    load.wait_for_more()
    assert failing.log.read_text().count("the store failed, the broker ends") == 1
    nodes.disk.set(False)
    failing.start()
    nodes.wait_ready()
    wait_until(lambda: all_in_sync(nodes), 30, "the replicas to be in sync again")
    load.stop()
    check_nothing_lost(nodes, load)
