"""aiokafka."""

import asyncio

import aiokafka
from clients.command import run
from clients.records import PARTITIONS, Checker, expected

DEADLINE_S = 20


async def _produce(bootstrap, topic, codec, count):
    producer = aiokafka.AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=5,
        max_batch_size=64 * 1024, compression_type=None if codec == "none" else codec)
    await producer.start()
    try:
        pending = []
        for number in range(count):
            record = expected(number)
            pending.append(await producer.send(topic, record.value, record.key, record.partition,
                                               record.timestamp_ms, record.headers))
        acknowledged = await asyncio.wait_for(asyncio.gather(*pending), 60)
        for number, metadata in enumerate(acknowledged):
            assert metadata.offset == number // PARTITIONS, f"acknowledged {metadata} for {number}"
    finally:
        await producer.stop()


async def _consume(bootstrap, topic, count):
    consumer = aiokafka.AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None,
                                         enable_auto_commit=False, auto_offset_reset="none")
    await consumer.start()
    try:
        partitions = [aiokafka.TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        for partition in partitions:
            consumer.seek(partition, 0)
        checker = Checker(count)
        while not checker.done():
            batch = await consumer.getmany(timeout_ms=DEADLINE_S * 1000)
            assert batch, f"{checker.seen} of {count} records came back"
            for records in batch.values():
                for record in records:
                    assert record.timestamp_type == 0, f"timestamp type {record.timestamp_type}"
                    checker.take(record.partition, record.offset, record.key, record.value,
                                 record.headers, record.timestamp)
        ends = await consumer.end_offsets(partitions)
        assert sum(ends.values()) == count, f"end offsets {ends}"
    finally:
        await consumer.stop()


def produce(bootstrap, topic, codec, count):
    asyncio.run(_produce(bootstrap, topic, codec, count))


def consume(bootstrap, topic, count):
    asyncio.run(_consume(bootstrap, topic, count))


if __name__ == "__main__":
    run("aiokafka", produce, consume)
