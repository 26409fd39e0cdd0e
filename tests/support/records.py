"""Small produce and consume helpers over confluent-kafka for integration tests."""

import confluent_kafka

DEADLINE_S = 15


class Producer:
    """Counts what was acknowledged. Without retries a single refusal is a failure."""

    def __init__(self, bootstrap, **settings):
        self.acknowledged = []
        self.errors = []
        self._producer = confluent_kafka.Producer({
            "bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 0,
            "message.timeout.ms": DEADLINE_S * 1000, "reconnect.backoff.ms": 10,
            "reconnect.backoff.max.ms": 100, **{key.replace("_", "."): value
                                                for key, value in settings.items()}})

    def _delivered(self, error, message):
        if error is not None:
            self.errors.append(f"{message.topic()}: {error}")
        else:
            self.acknowledged.append((message.topic(), message.partition(), message.offset(),
                                      message.value()))

    def send(self, topic, value, partition=0):
        self._producer.produce(topic, value, partition=partition, on_delivery=self._delivered)
        self._producer.poll(0)

    def flush(self):
        left = self._producer.flush(DEADLINE_S + 5)
        assert left == 0, f"{left} records have neither acknowledgement nor error"

    def send_all(self, topic, values, partition=0):
        for value in values:
            self.send(topic, value, partition)
        self.flush()
        assert not self.errors, self.errors[:3]


def read(bootstrap, topic, count, partition=0):
    """The first `count` values of a partition, from offset 0."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": bootstrap, "group.id": "unused",
                                         "enable.auto.commit": False, "auto.offset.reset": "error",
                                         "reconnect.backoff.ms": 10, "fetch.wait.max.ms": 50})
    consumer.assign([confluent_kafka.TopicPartition(topic, partition, 0)])
    values = []
    while len(values) < count:
        messages = consumer.consume(min(10_000, count - len(values)), timeout=DEADLINE_S)
        assert messages, f"{topic}-{partition}: {len(values)} of {count} records came"
        for message in messages:
            if message.error():
                raise AssertionError(str(message.error()))
            assert message.offset() == len(values), f"offset {message.offset()} after {len(values)}"
            values.append(message.value())
    consumer.close()
    return values
