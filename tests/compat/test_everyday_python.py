"""The first program of most users: a kafka-python producer, and consumers that share the work in a group, stop, and go on
where they stood.
"""

import json

import kafka
import pytest
from kafka.admin import KafkaAdminClient, NewTopic

TOPIC, GROUP, PARTITIONS, ORDERS = "everyday-python", "everyday-python-group", 4, 400


@pytest.fixture(scope="module")
def topic(cluster):
    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap.split(","))
    admin.create_topics([NewTopic(TOPIC, PARTITIONS, -1)])
    admin.close()
    return TOPIC


def produce(bootstrap, first, count):
    producer = kafka.KafkaProducer(bootstrap_servers=bootstrap.split(","), key_serializer=str.encode,
                                   value_serializer=lambda order: json.dumps(order).encode())
    for number in range(first, first + count):
        producer.send(TOPIC, key=f"customer-{number % 37}", value={"order": number})
    producer.flush(timeout=30)
    producer.close()


def consumer(bootstrap):
    return kafka.KafkaConsumer(TOPIC, bootstrap_servers=bootstrap.split(","), group_id=GROUP,
                               auto_offset_reset="earliest", consumer_timeout_ms=20_000,
                               value_deserializer=json.loads)


def take(source, count):
    """Orders by key, as `for record in consumer` brings them."""
    taken = {}
    for record in source:
        taken.setdefault(record.key, []).append(record.value["order"])
        count -= 1
        if count == 0:
            break
    assert count == 0, f"{count} orders did not come"
    return taken


def test_orders_come_once_and_in_the_order_of_their_key(cluster, topic):
    produce(cluster.bootstrap, 0, ORDERS)
    first = consumer(cluster.bootstrap)
    taken = take(first, ORDERS)
    first.close()
    assert sorted(sum(taken.values(), [])) == list(range(ORDERS))
    assert all(orders == sorted(orders) for orders in taken.values())


def test_the_group_goes_on_where_it_stood(cluster, topic):
    produce(cluster.bootstrap, ORDERS, 100)
    second = consumer(cluster.bootstrap)
    taken = take(second, 100)
    second.close()
    assert sorted(sum(taken.values(), [])) == list(range(ORDERS, ORDERS + 100))


def test_two_consumers_share_the_partitions(cluster, topic):
    pair = [consumer(cluster.bootstrap) for _ in range(2)]
    taken = []
    while sum(len(member.assignment()) for member in pair) != PARTITIONS or not all(
            member.assignment() for member in pair):
        for member in pair:
            member.poll(timeout_ms=50)
    produce(cluster.bootstrap, ORDERS + 100, 200)
    while len(taken) < 200:
        polled = [member.poll(timeout_ms=100) for member in pair]
        taken += [record.value["order"] for batch in polled for records in batch.values() for record in records]
    for member in pair:
        member.close()
    assert sorted(taken) == list(range(ORDERS + 100, ORDERS + 300))
