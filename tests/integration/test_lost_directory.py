"""A data directory that is lost for good (RELIABILITY D-13): the broker does not start without it until it is told to
forget it; then what was there is fetched anew, and what had no other replica in sync stays offline.
"""

import re
import shutil

import pytest
from kafka import KafkaAdminClient

from support.admin import Admin, admin_pb2
from support.processes import wait_until
from support.records import Producer, read
from support.replicas import differences
from support.weir_cluster import weir
from support.weir_nodes import WeirNodes

SPREAD, ONLY, LAST = "spread", "only", "last"
PARTITIONS = 6
LOSING = 2  # the broker that loses a directory
VALUES = [b"%d" % number for number in range(50)]


@pytest.fixture
def nodes(data_dir):
    cluster = WeirNodes(data_dir / "cluster", controllers=1, brokers=3)
    node = cluster[f"broker-{LOSING}"]
    node.directories = [node.config.parent / name for name in ("first", "second")]
    node.write_config(**{"data.dir": ",".join(map(str, node.directories))})
    try:
        cluster.start("--bootstrap")
        yield cluster
    finally:
        cluster.stop()


def partitions(nodes, topic):
    request = admin_pb2.DescribeTopicsRequest(topics=[admin_pb2.TopicSelector(name=topic)])
    with Admin(nodes.admin) as admin:
        return admin.call("DescribeTopics", request).topics[0].partitions


def create(nodes, topic, assignments, configs=None):
    """One partition for each list of replicas."""
    with Admin(nodes.admin) as admin:
        admin.call("CreateTopics", admin_pb2.CreateTopicsRequest(topics=[admin_pb2.NewTopic(
            name=topic, configs=configs, assignments=[admin_pb2.ReplicaAssignment(partition=number, broker_ids=replicas)
                                     for number, replicas in enumerate(assignments)])]))


def held_by(nodes, directory):
    """{topic: partitions} that the losing broker has in that directory."""
    admin = KafkaAdminClient(bootstrap_servers=nodes[f"broker-{LOSING}"].values["kafka.listen"])
    try:
        found, = [described for answer in admin.describe_log_dirs() for described in answer["log_dirs"]
                  if described["log_dir"] == str(directory)]
        return {topic["name"]: {partition["partition_index"] for partition in topic["partitions"]}
                for topic in found["topics"]}
    finally:
        admin.close()


def fill(nodes, topic):
    producer = Producer(nodes.bootstrap, linger_ms=2)
    for number in range(len(partitions(nodes, topic))):
        for value in VALUES:
            producer.send(topic, value, number)
    producer.flush()
    assert not producer.errors, producer.errors[:3]


def all_in_sync(nodes, topic):
    return all(set(partition.isr_ids) == set(partition.replica_ids) and not partition.offline_replica_ids
               for partition in partitions(nodes, topic))


def refusal(node, *flags):
    """What the broker says when it does not start."""
    code, output = node.run_to_end(*flags)
    assert code == 1, output
    return output


def test_d13_a_lost_directory_is_forgotten_only_when_told_and_its_replicas_come_back(nodes):
    node = nodes[f"broker-{LOSING}"]
    create(nodes, SPREAD, [[1 + (number + place) % 3 for place in range(3)] for number in range(PARTITIONS)])
    create(nodes, ONLY, [[LOSING]] * PARTITIONS)
    fill(nodes, SPREAD)
    fill(nodes, ONLY)
    lost = held_by(nodes, node.directories[1])
    assert 0 < len(lost[SPREAD]) < PARTITIONS and 0 < len(lost[ONLY]) < PARTITIONS, lost

    node.kill()
    shutil.rmtree(node.directories[1])
    node.directories[1].mkdir()
    # An empty directory where there was one: a disk that is not mounted, or a new one.
    output = refusal(node)
    found = re.search(r"--bootstrap --forget-directory (\S{22}):", output)
    assert found and str(node.directories[1]) in output, output
    directory_id = found[1]
    assert directory_id in refusal(node, "--bootstrap"), "to format it is not to forget the other"
    assert "no data directory" in refusal(node, "--forget-directory", "AAAAAAAAAAAAAAAAAAAAAQ")
    assert "is not the id" in refusal(node, "--forget-directory", "second")

    node.start("--bootstrap", "--forget-directory", directory_id)
    nodes.wait_ready()
    wait_until(lambda: all_in_sync(nodes, SPREAD), 30, "the replicas to be in sync again")
    assert not differences(nodes.bootstrap.split(","), SPREAD, PARTITIONS)
    check_only(nodes, lost[ONLY])
    held = [held_by(nodes, directory) for directory in node.directories]
    assert held[0][SPREAD] | held[1][SPREAD] == set(range(PARTITIONS))
    assert (held[0].get(ONLY, set()) | held[1].get(ONLY, set())) == set(range(PARTITIONS)) - lost[ONLY]

    # Nothing of it depends on the flag being there again.
    node.kill()
    node.start()
    nodes.wait_ready()
    wait_until(lambda: all_in_sync(nodes, SPREAD), 30, "the replicas to be in sync again")
    check_only(nodes, lost[ONLY])
    fill(nodes, SPREAD)
    assert not differences(nodes.bootstrap.split(","), SPREAD, PARTITIONS)


def check_only(nodes, lost):
    """Partitions of the topic with one replica: the lost ones are offline, the others have everything."""
    wait_until(lambda: {partition.partition for partition in partitions(nodes, ONLY)
                        if partition.leader_id == -1 and list(partition.offline_replica_ids) == [LOSING]} == lost,
               20, f"partitions {lost} to be offline")
    for number in set(range(PARTITIONS)) - lost:
        assert read(nodes.bootstrap, ONLY, len(VALUES), number) == VALUES
    producer = Producer(nodes.bootstrap, message_timeout_ms=1500)
    for number in lost:
        producer.send(ONLY, b"not to be taken", number)
    producer.flush()
    assert len(producer.errors) == len(lost), "an empty partition in the place of a lost one"


def test_d13_the_last_one_in_sync_is_given_up_by_an_unclean_election_only(nodes):
    node = nodes[f"broker-{LOSING}"]
    create(nodes, LAST, [[LOSING, 3]] * 2, {"min.insync.replicas": "1"})
    fill(nodes, LAST)
    nodes["broker-3"].stop()
    wait_until(lambda: all(list(partition.isr_ids) == [LOSING] for partition in partitions(nodes, LAST)), 20,
               "the ISR to shrink")
    producer = Producer(nodes.bootstrap)
    for number in range(2):
        producer.send(LAST, b"acknowledged by one", number)
    producer.flush()
    assert not producer.errors
    lost, = held_by(nodes, node.directories[1])[LAST]

    node.stop()
    shutil.rmtree(node.directories[1])
    node.write_config(**{"data.dir": str(node.directories[0])})
    output = refusal(node)
    found = re.search(r"--forget-directory (\S{22}):", output)
    assert found and "--bootstrap" not in output, output
    node.start("--forget-directory", found[1])
    nodes["broker-3"].start()
    nodes.wait_ready()
    wait_until(lambda: set(partitions(nodes, LAST)[1 - lost].isr_ids) == {LOSING, 3}, 20,
               "the other partition to be in sync")
    assert partitions(nodes, LAST)[lost].leader_id == -1, "an older replica must not lead by itself"
    wait_until(lambda: "no other one is in sync" in node.log.read_text(), 10, "the broker to say why")

    done = weir("partition", "elect", f"{LAST}:{lost}", "--unclean", "-y", "--admin", nodes.admin)
    assert done.returncode == 0, done.stdout + done.stderr
    wait_until(lambda: set(partitions(nodes, LAST)[lost].isr_ids) == {LOSING, 3}, 20,
               "the lost replica to be fetched anew")
    assert read(nodes.bootstrap, LAST, len(VALUES), lost) == VALUES
    holders = [nodes[f"broker-{number}"].values["kafka.listen"] for number in (LOSING, 3)]
    assert not differences(holders, LAST, 2)
