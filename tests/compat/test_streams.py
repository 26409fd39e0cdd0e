"""Kafka Streams' word count (java/streams/WordCount.java), at_least_once: counts are right, its compacted topics are accepted
and shown, and after kill -9 and the loss of its state directory it goes on from its changelog.
"""

import re
import struct

import confluent_kafka
import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from support import java_tools
from support.java_tools import run_tool
from support.processes import Process, wait_until
from support.records import Producer

LINES, COUNTS, GROUP, PARTITIONS = "word-lines", "word-counts", "word-count", 3
CHANGELOG = f"{GROUP}-counts-changelog"


class Counts:
    """The newest count of every word, read as it is written."""

    def __init__(self, bootstrap):
        self.of = {}
        self._consumer = confluent_kafka.Consumer({"bootstrap.servers": bootstrap, "group.id": "unused",
                                                   "enable.auto.commit": False})
        self._consumer.assign([confluent_kafka.TopicPartition(COUNTS, number, 0) for number in range(PARTITIONS)])

    def read(self):
        for message in self._consumer.consume(1000, timeout=0.05):
            assert message.error() is None, message.error()
            self.of[message.key().decode()] = struct.unpack(">q", message.value())[0]
        return self.of

    def close(self):
        self._consumer.close()


@pytest.fixture(scope="module")
def admin(cluster):
    client = AdminClient({"bootstrap.servers": cluster.bootstrap})
    made = client.create_topics([NewTopic(LINES, PARTITIONS),
                                 NewTopic(COUNTS, PARTITIONS, config={"cleanup.policy": "compact"})],
                                request_timeout=20)
    for done in made.values():
        done.result(20)
    return client


@pytest.fixture
def start(cluster, data_dir):
    started = []

    def start(state):
        classes = java_tools.compiled("streams", "streams")
        started.append(Process(["java", *java_tools.SHORT_LIVED, "-cp", java_tools.class_path("streams", classes),
                                "WordCount", cluster.bootstrap, LINES, COUNTS, data_dir / state],
                               data_dir / f"streams-{state}.log"))
        return started[-1]

    yield start
    for process in started:
        process.kill()


@pytest.fixture
def counts(cluster, admin):
    reader = Counts(cluster.bootstrap)
    yield reader
    reader.close()


def write_lines(bootstrap, count):
    producer = Producer(bootstrap)
    for number in range(count):
        producer.send(LINES, b"All streams lead to line %d" % (number % 10), number % PARTITIONS)
    producer.flush()
    assert not producer.errors


def expected(count):
    return {**dict.fromkeys(("all", "streams", "lead", "to", "line"), count),
            **{str(number): count // 10 for number in range(10)}}


def wait_for(counts, wanted, process):
    try:
        wait_until(lambda: counts.read() == wanted or not process.running(), 60, "the words to be counted")
    except TimeoutError as late:
        raise AssertionError(f"{late}: {counts.of}\n{process.log_tail()}") from None
    assert process.running(), process.log_tail()


def everything_is_committed(admin):
    """Whether the group has committed the end of each partition of the lines."""
    request = confluent_kafka.ConsumerGroupTopicPartitions(GROUP)
    found = admin.list_consumer_group_offsets([request], request_timeout=20)[GROUP].result()
    lines = [place for place in found.topic_partitions if place.topic == LINES]
    places = {place: confluent_kafka.admin.OffsetSpec.latest() for place in
              (confluent_kafka.TopicPartition(LINES, number) for number in range(PARTITIONS))}
    ends = {place.partition: done.result().offset for place, done in admin.list_offsets(places).items()}
    return {place.partition: place.offset for place in lines} == ends


def test_words_are_counted_and_counts_outlive_a_crash(cluster, admin, start, counts):
    first = start("first")
    write_lines(cluster.bootstrap, 600)
    wait_for(counts, expected(600), first)
    code, output, errors = run_tool("kafka-topics", "--bootstrap-server", cluster.bootstrap, "--describe", "--topic",
                                    CHANGELOG)
    assert code == 0 and "cleanup.policy=compact" in output, output + errors
    assert len(re.findall(r"Partition: \d+", output)) == PARTITIONS
    # What is not committed would be counted again: at_least_once.
    wait_until(lambda: everything_is_committed(admin), 30, "the counted lines to be committed")
    first.kill()
    second = start("second")
    write_lines(cluster.bootstrap, 300)
    wait_for(counts, expected(900), second)
    assert second.stop() == 143, second.log_tail()
