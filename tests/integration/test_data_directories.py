"""A broker with several data directories (Kafka's log.dirs): partitions spread over them, are found again, and a
directory that is missing is noticed before anything is served.
"""

import pytest
from kafka.admin import KafkaAdminClient

from support.admin import Admin
from support.records import Producer, read
from support.weir_nodes import WeirNodes

TOPIC = "spread"
PARTITIONS = 5


@pytest.fixture
def nodes(data_dir):
    paths = [data_dir / "first", data_dir / "second"]
    cluster = WeirNodes(data_dir / "cluster", controllers=1, brokers=1,
                        broker_values={"data.dir": ",".join(map(str, paths))})
    cluster.paths = paths
    cluster.start("--bootstrap")
    yield cluster
    cluster.stop()


def described(nodes):
    """DescribeLogDirs: {directory: {partition: size}}."""
    admin = KafkaAdminClient(bootstrap_servers=nodes.bootstrap)
    try:
        answer, = admin.describe_log_dirs()
        found = {}
        for directory in answer["log_dirs"]:
            assert directory["error_code"] == 0
            found[directory["log_dir"]] = {
                partition["partition_index"]: partition["partition_size"]
                for topic in directory["topics"] if topic["name"] == TOPIC
                for partition in topic["partitions"]}
        return found
    finally:
        admin.close()


def check_everything_is_there(nodes):
    for partition in range(PARTITIONS):
        assert read(nodes.bootstrap, TOPIC, 20, partition) == [b"%d-%d" % (partition, number)
                                                               for number in range(20)]


def test_partitions_spread_and_are_found_again(nodes):
    with Admin(nodes.admin) as admin:
        admin.create_topic(TOPIC, partitions=PARTITIONS, replication_factor=1)
    producer = Producer(nodes.bootstrap, linger_ms=5)
    for partition in range(PARTITIONS):
        producer.send_all(TOPIC, [b"%d-%d" % (partition, number) for number in range(20)], partition)
    before = described(nodes)
    assert set(before) == {str(path) for path in nodes.paths}
    assert sorted(len(sizes) for sizes in before.values()) == [2, 3]
    assert all(size > 0 for sizes in before.values() for size in sizes.values())

    broker, = nodes.brokers()
    broker.kill()
    nodes.start()
    assert described(nodes) == before
    check_everything_is_there(nodes)

    # Without its second directory it does not start: what is in there would begin empty.
    broker.stop()
    away = nodes.paths[1].with_name("away")
    nodes.paths[1].rename(away)
    code, output = broker.run_to_end()
    assert code != 0 and str(nodes.paths[1]) in output
    broker.write_config(**{"data.dir": str(nodes.paths[0])})
    code, output = broker.run_to_end()
    assert code != 0 and "is missing" in output
    # It may come back under another path, in another order.
    broker.write_config(**{"data.dir": f"{away},{nodes.paths[0]}"})
    nodes.start()
    check_everything_is_there(nodes)
