"""kafka-python, both 3.x and 2.0.2: the caller's PYTHONPATH decides which."""

import kafka
from clients.command import run
from clients.records import PARTITIONS, Checker, expected

DEADLINE_MS = 20_000


def produce(bootstrap, topic, codec, count):
    # 2.0.2 knows no idempotence; 3.x turns it on by default, which is then tested too.
    producer = kafka.KafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5,
                                   compression_type=None if codec == "none" else codec,
                                   batch_size=64 * 1024, max_block_ms=DEADLINE_MS)
    futures = []
    for number in range(count):
        record = expected(number, null_headers=False)
        futures.append((record, producer.send(topic, record.value, record.key, record.headers,
                                              record.partition, record.timestamp_ms)))
    producer.flush(timeout=60)
    for record, future in futures:
        metadata = future.get(timeout=1)
        assert metadata.offset == record.offset, f"acknowledged {metadata}, expected {record.offset}"
    producer.close(timeout=5)


def consume(bootstrap, topic, count):
    consumer = kafka.KafkaConsumer(bootstrap_servers=bootstrap, group_id=None,
                                   enable_auto_commit=False, auto_offset_reset="earliest",
                                   consumer_timeout_ms=DEADLINE_MS)
    partitions = [kafka.TopicPartition(topic, number) for number in range(PARTITIONS)]
    consumer.assign(partitions)
    consumer.seek_to_beginning()
    checker = Checker(count, null_headers=False)
    for record in consumer:
        assert record.timestamp_type == 0, f"timestamp type {record.timestamp_type}"
        checker.take(record.partition, record.offset, record.key, record.value, record.headers,
                     record.timestamp)
        if checker.done():
            break
    assert checker.done(), f"{checker.seen} of {count} records came back"
    ends = consumer.end_offsets(partitions)
    assert sum(ends.values()) == count, f"end offsets {ends}"
    consumer.close()


if __name__ == "__main__":
    run("kafka-python", produce, consume)
