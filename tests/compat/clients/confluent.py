"""confluent-kafka: the current librdkafka."""

import confluent_kafka
from clients.command import run
from clients.records import PARTITIONS, Checker, expected

DEADLINE_S = 20


def produce(bootstrap, topic, codec, count):
    producer = confluent_kafka.Producer({
        "bootstrap.servers": bootstrap, "acks": "all", "enable.idempotence": True, "linger.ms": 5,
        "compression.type": codec, "queue.buffering.max.messages": 1_000_000})
    problems = []

    def delivered(error, message):
        if error is not None:
            problems.append(str(error))

    for number in range(count):
        record = expected(number)
        producer.produce(topic, record.value, record.key, record.partition, on_delivery=delivered,
                         timestamp=record.timestamp_ms, headers=record.headers)
        if number % 1000 == 0:
            producer.poll(0)
    left = producer.flush(60)
    assert left == 0 and not problems, f"{left} not delivered, {problems[:3]}"


def consume(bootstrap, topic, count):
    consumer = confluent_kafka.Consumer({
        "bootstrap.servers": bootstrap, "group.id": "unused", "enable.auto.commit": False,
        "auto.offset.reset": "error", "fetch.wait.max.ms": 100, "check.crcs": True})
    consumer.assign([confluent_kafka.TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    checker = Checker(count)
    while not checker.done():
        messages = consumer.consume(10_000, timeout=DEADLINE_S)
        assert messages, f"{checker.seen} of {count} records came back"
        for message in messages:
            if message.error():
                raise AssertionError(str(message.error()))
            kind, timestamp_ms = message.timestamp()
            assert kind == confluent_kafka.TIMESTAMP_CREATE_TIME, f"timestamp type {kind}"
            checker.take(message.partition(), message.offset(), message.key(), message.value(),
                         message.headers(), timestamp_ms)
            if checker.done():
                break
    ends = [consumer.get_watermark_offsets(confluent_kafka.TopicPartition(topic, number), DEADLINE_S)
            for number in range(PARTITIONS)]
    assert sum(high for _, high in ends) == count and all(low == 0 for low, _ in ends), f"{ends}"
    consumer.close()


if __name__ == "__main__":
    run("confluent-kafka", produce, consume)
