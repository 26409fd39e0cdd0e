"""__consumer_offsets that is made while brokers are away: groups need not wait, and its replicas are complete in the end
(DESIGN D7).
"""

import confluent_kafka
from confluent_kafka.admin import AdminClient

from support.admin import Admin
from support.processes import wait_until

TOPIC, GROUP = "read", "the-group"


def partitions_of(admin_client, topic):
    found = admin_client.list_topics(timeout=10)
    return list(found.topics[topic].partitions.values()) if topic in found.topics else []


def commit(bootstrap, offset):
    """The offset that is committed for the group afterwards."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": bootstrap, "group.id": GROUP, "enable.auto.commit": False})
    try:
        asked = confluent_kafka.TopicPartition(TOPIC, 0, offset)
        consumer.assign([asked])
        consumer.commit(offsets=[asked], asynchronous=False)
        return consumer.committed([asked], timeout=10)[0].offset
    finally:
        consumer.close()


def test_a_topic_made_by_one_of_three_brokers_gets_three_replicas(dev):
    clients = AdminClient({"bootstrap.servers": dev.bootstrap})
    for broker in (2, 3):
        dev.kill(f"broker-{broker}")
    wait_until(lambda: len(clients.list_topics(timeout=10).brokers) == 1, 20, "two brokers to be fenced")
    with Admin(dev.admin) as admin:
        admin.create_topic(TOPIC, partitions=1, replication_factor=1)
    assert commit(dev.bootstrap, 41) == 41
    offsets = partitions_of(clients, "__consumer_offsets")
    assert {len(partition.replicas) for partition in offsets} == {3}
    assert {tuple(partition.isrs) for partition in offsets} == {(1,)}
    for broker in (2, 3):
        dev.restart(f"broker-{broker}")
    wait_until(lambda: {len(p.isrs) for p in partitions_of(clients, "__consumer_offsets")} == {3}, 30,
               "all replicas to be in sync")
    assert commit(dev.bootstrap, 42) == 42
