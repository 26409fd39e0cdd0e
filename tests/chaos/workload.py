"""Clients that write and read under faults and record what they were told, with two client libraries.

Writers are idempotent, acks=all, at a fixed rate. Readers assign all partitions and go on polling; each is replaced now and
then by a fresh one, as a crashed client would be. read_everything is the last phase (RELIABILITY C-30).
Every record's key, headers and padding follow from its value, so that a reader can tell whether it came back whole.
"""

import random
import subprocess
import threading
import time
import zlib

import confluent_kafka
import kafka
from kafka.errors import KafkaError
from support import java_tools

RATE_PER_WRITER = 150
# Longer than any fault: a record that the client gave up on says nothing, and stands in nobody's way.
DELIVERY_TIMEOUT_S = 90
READER_LIFE_S = 15
FINAL_DEADLINE_S = 200

_RDKAFKA = {"reconnect.backoff.ms": 10, "reconnect.backoff.max.ms": 100, "retry.backoff.ms": 20,
            "retry.backoff.max.ms": 100, "socket.timeout.ms": 5000, "log_level": 2,
            "topic.metadata.refresh.interval.ms": 5000}
_PYTHON = {"reconnect_backoff_ms": 10, "reconnect_backoff_max_ms": 100, "retry_backoff_ms": 20,
           "request_timeout_ms": 5000}

# Answers after which a record cannot be in the log, however often it was sent (J-10). Any other error leaves it open.
DEFINITE = {confluent_kafka.KafkaError.MSG_SIZE_TOO_LARGE, confluent_kafka.KafkaError.INVALID_RECORD,
            confluent_kafka.KafkaError.INVALID_REQUIRED_ACKS,
            confluent_kafka.KafkaError.TOPIC_AUTHORIZATION_FAILED}
DEFINITE_PYTHON = {"MessageSizeTooLargeError", "InvalidRequiredAcksError", "TopicAuthorizationFailedError"}


def record_of(value):
    """(key, payload, headers) of a value."""
    number = zlib.crc32(value.encode())
    return (b"key-%d" % (number % 100), value.encode() + b" " + b"x" * (number % 200),
            [("number", b"%d" % number)])


def digest(key, payload, headers):
    return zlib.crc32(repr((key, payload, [(name, bytes(text)) for name, text in headers or ()])).encode())


def read_back(key, payload, headers):
    """(value, attributes) of a record as it came."""
    return payload.split(b" ", 1)[0].decode(errors="replace"), {"digest": digest(key, payload, headers)}


class Client(threading.Thread):
    """A thread that works until it is stopped. An exception ends it and is kept for the verdict."""

    def __init__(self, bootstrap, topics, recorder, seed=0):
        super().__init__(daemon=True)
        self.bootstrap, self.recorder = bootstrap, recorder
        self.partitions = [(topic, number) for topic, count in topics.items() for number in range(count)]
        self.stopping = threading.Event()
        self.failure = None
        self.dice = random.Random(seed)

    def run(self):
        try:
            self.work()
        except Exception as error:  # noqa: BLE001, shown by the verdict
            self.failure = error

    def stop(self, timeout_s=DELIVERY_TIMEOUT_S + 30):
        self.stopping.set()
        self.join(timeout_s)
        if self.is_alive():
            self.failure = TimeoutError(f"{type(self).__name__} did not end within {timeout_s} s")


class Writer(Client):
    """Sends one record after the other, round all partitions, whatever became of those before."""

    def __init__(self, *arguments, rate=RATE_PER_WRITER, **more):
        super().__init__(*arguments, **more)
        self.rate = rate
        self.acknowledged = 0
        self.process = self.recorder.new_process()
        # (partition, time of acknowledgement), for gaps.
        self.acks = []

    def work(self):
        client, count, begin = self.connect(), 0, time.monotonic()
        while not self.stopping.is_set():
            topic, partition = self.partitions[count % len(self.partitions)]
            self.send(client, topic, partition, f"{type(self).__name__}-{self.process}-{count}")
            count += 1
            self.serve(client)
            ahead = begin + count / self.rate - time.monotonic()
            if ahead > 0:
                self.stopping.wait(ahead)
        self.finish(client)

    def done(self, topic, partition, value, start, offset, kind, record=None, end=None):
        if kind == "ok":
            self.acknowledged += 1
            self.acks.append((f"{topic}-{partition}", time.monotonic() if end is None else end / 1e9))
        attributes = {"digest": digest(*(record or record_of(value)))}
        self.recorder.add(self.process, "send", kind, start,
                          [["send", f"{topic}-{partition}", value, offset, attributes]], end=end)


class ConfluentWriter(Writer):
    def connect(self):
        return confluent_kafka.Producer({"bootstrap.servers": self.bootstrap, "enable.idempotence": True,
                                         "linger.ms": 2, "delivery.timeout.ms": DELIVERY_TIMEOUT_S * 1000,
                                         **_RDKAFKA})

    def send(self, client, topic, partition, value):
        start = self.recorder.now()

        def answered(error, message):
            if error is None:
                self.done(topic, partition, value, start, message.offset(), "ok")
            else:
                self.done(topic, partition, value, start, None,
                          "fail" if error.code() in DEFINITE else "info")

        key, payload, headers = record_of(value)
        client.produce(topic, payload, key, partition, answered, headers=headers)

    def serve(self, client):
        client.poll(0)

    def finish(self, client):
        client.flush(DELIVERY_TIMEOUT_S)


class PythonWriter(Writer):
    def connect(self):
        return kafka.KafkaProducer(bootstrap_servers=self.bootstrap.split(","), acks="all", linger_ms=2,
                                   enable_idempotence=True, max_block_ms=DELIVERY_TIMEOUT_S * 1000,
                                   delivery_timeout_ms=DELIVERY_TIMEOUT_S * 1000, **_PYTHON)

    def send(self, client, topic, partition, value):
        start = self.recorder.now()
        key, payload, headers = record_of(value)

        def failed(error):
            kind = "fail" if type(error).__name__ in DEFINITE_PYTHON else "info"
            self.done(topic, partition, value, start, None, kind)

        future = client.send(topic, payload, key, headers, partition)
        future.add_callback(lambda done: self.done(topic, partition, value, start, done.offset, "ok"))
        future.add_errback(failed)

    def serve(self, client):
        """Its own thread sends."""

    def finish(self, client):
        client.flush(timeout=DELIVERY_TIMEOUT_S)
        client.close(timeout=10)


class JavaWriter(Writer):
    """tests/compat/java/PacedProducer.java; its clock is ours."""

    def work(self):
        (topic, _), count = self.partitions[0], len(self.partitions)
        program = subprocess.Popen(
            ["java", *java_tools.SHORT_LIVED, "-cp",
             java_tools.class_path("client-4", java_tools.compiled("client-4")), "PacedProducer",
             self.bootstrap, topic, str(count), str(self.rate), f"JavaWriter-{self.process}-"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        threading.Thread(target=self._end, args=(program.stdin,), daemon=True).start()
        for line in program.stdout:
            value, partition, offset, start, end = line.split()
            known = int(offset) >= 0
            self.done(topic, int(partition), value, int(start), int(offset) if known else None,
                      "ok" if known else "info", (None, value.encode(), None), int(end))
        if program.wait(10) != 0:
            raise RuntimeError(f"PacedProducer ended with {program.returncode}")

    def _end(self, commands):
        """It goes on until something stands in its standard input."""
        self.stopping.wait()
        commands.write("\n")
        commands.close()


class ConfluentReader(Client):
    """Polls all partitions; a process lives for some seconds, the next one goes on where it stood or starts anew."""

    def connect(self, positions, recorder_process):
        consumer = confluent_kafka.Consumer({"bootstrap.servers": self.bootstrap, "group.id": "unused",
                                             "enable.auto.commit": False, "auto.offset.reset": "error",
                                             "fetch.wait.max.ms": 100, "fetch.error.backoff.ms": 20,
                                             "isolation.level": "read_committed", **_RDKAFKA})
        consumer.assign([confluent_kafka.TopicPartition(topic, number, positions.get((topic, number), 0))
                         for topic, number in self.partitions])
        self.note_assignment(recorder_process)
        return consumer

    def note_assignment(self, process):
        names = [f"{topic}-{number}" for topic, number in self.partitions]
        self.recorder.add(process, "assign", "ok", self.recorder.now(), names)

    def take(self, consumer):
        """{(topic, partition): [(offset, key, payload, headers)]} of one poll."""
        taken = {}
        for message in consumer.consume(200, timeout=0.2):
            if message.error():
                continue
            taken.setdefault((message.topic(), message.partition()), []).append(
                (message.offset(), message.key(), message.value(), message.headers()))
        return taken

    def close(self, consumer):
        consumer.close()

    def poll(self, consumer, process, positions, final=False):
        start = self.recorder.now()
        taken = self.take(consumer)
        step = {}
        for (topic, number), messages in taken.items():
            step[f"{topic}-{number}"] = [[offset, *read_back(key, payload, headers)]
                                         for offset, key, payload, headers in messages]
            positions[topic, number] = messages[-1][0] + 1
        if step:
            self.recorder.add(process, "poll", "ok", start, [["poll", step]], final)

    def work(self):
        positions = {}
        while not self.stopping.is_set():
            process = self.recorder.new_process()
            consumer = self.connect(positions, process)
            until = time.monotonic() + READER_LIFE_S * self.dice.uniform(0.5, 1.5)
            try:
                while not self.stopping.is_set() and time.monotonic() < until:
                    self.poll(consumer, process, positions)
            finally:
                self.close(consumer)
            if self.dice.random() < 0.2:
                positions = {}


class PythonReader(ConfluentReader):
    def connect(self, positions, recorder_process):
        consumer = kafka.KafkaConsumer(bootstrap_servers=self.bootstrap.split(","), group_id=None,
                                       enable_auto_commit=False, auto_offset_reset="none",
                                       fetch_max_wait_ms=100, **_PYTHON)
        consumer.assign([kafka.TopicPartition(*place) for place in self.partitions])
        for place in self.partitions:
            consumer.seek(kafka.TopicPartition(*place), positions.get(place, 0))
        self.note_assignment(recorder_process)
        return consumer

    def take(self, consumer):
        try:
            polled = consumer.poll(timeout_ms=200, max_records=500)
        except KafkaError:
            return {}
        return {(place.topic, place.partition): [(message.offset, message.key, message.value, message.headers)
                                                 for message in messages]
                for place, messages in polled.items()}


class OffsetAsker(Client):
    """Asks for the first and the next offset of every partition, again and again (C-24)."""

    def work(self):
        consumer = confluent_kafka.Consumer({"bootstrap.servers": self.bootstrap, "group.id": "unused",
                                             **_RDKAFKA})
        process = self.recorder.new_process()
        while not self.stopping.wait(0.5):
            topic, number = self.dice.choice(self.partitions)
            start = self.recorder.now()
            try:
                answer = consumer.get_watermark_offsets(confluent_kafka.TopicPartition(topic, number), 2)
            except confluent_kafka.KafkaException:
                continue
            if answer is not None:
                self.recorder.add(process, "list_offsets", "ok", start, {f"{topic}-{number}": list(answer)})
        consumer.close()


def read_everything(reader, wanted):
    """A fresh client reads each partition from the beginning up to its offset in `wanted` (the next one to come).
    Returns what it did not reach.
    """
    process, positions = reader.recorder.new_process(), {}
    consumer = reader.connect({}, process)
    deadline = time.monotonic() + FINAL_DEADLINE_S

    def missing():
        return {place: (positions.get(place, 0), end) for place, end in wanted.items()
                if positions.get(place, 0) < end}

    try:
        while missing() and time.monotonic() < deadline:
            reader.poll(consumer, process, positions, final=True)
    finally:
        reader.close(consumer)
    return missing()


def acknowledged_ends(ops):
    """The offset after the last acknowledged one, by (topic, partition)."""
    ends = {}
    for op in ops:
        for _, name, _, offset, *_ in op.sends():
            if op.type == "ok" and offset is not None:
                topic, number = name.rsplit("-", 1)
                ends[topic, int(number)] = max(ends.get((topic, int(number)), 0), offset + 1)
    return ends
