"""Disk trouble: a disk that fills up (D-22) is survived and left again unaided; one that fails ends the broker (D-13).

The disk is a loop device with a file system of its own, which needs root; elsewhere the tests are skipped, and
scripts/test.sh says so. CI fills 256 MiB, the long form 2 GiB.
"""

import os
import threading
import time
from pathlib import Path

import confluent_kafka
import pytest

from chaos.disks import SmallDisk
from support.admin import Admin, admin_pb2
from support.metrics import metric
from support.processes import wait_until
from support.records import read
from support.weir_nodes import WeirNodes

KEPT, BULK = "kept", "bulk"
FILLED_WITHIN_S = 120
FREED_WITHIN_S = 60


@pytest.fixture(params=[pytest.param(256, id="256MiB"),
                        pytest.param(2048, id="2GiB", marks=pytest.mark.long)])
def small_disk(data_dir, request):
    """A mounted file system of so many MiB."""
    why_not = SmallDisk.missing(data_dir)
    if why_not:
        pytest.skip(why_not)
    disk = SmallDisk(data_dir / "disk", data_dir / "image", request.param)
    yield disk
    disk.remove()


@pytest.fixture
def cluster(small_disk, data_dir):
    values = {"data.dir": small_disk.directory / "data", "tail.cache.bytes": "16MiB"}
    if small_disk.mib < 2048:
        values["storage.disk.reserve.bytes"] = "64MiB"  # by default it is 256 MiB at least
    running = WeirNodes(data_dir, controllers=1, brokers=1, broker_values=values)
    try:
        running.start("--bootstrap")
        with Admin(running.admin) as admin:
            for topic in (KEPT, BULK):
                admin.create_topic(topic, partitions=1, replication_factor=1)
        yield running
    finally:
        running.stop()


def is_full(cluster):
    assert cluster["broker-1"].running(), cluster["broker-1"].process.log_tail()
    return metric(cluster["broker-1"], "weir_disk_full") == 1


class Load:
    """Produces to one topic until it is stopped; refused records are tried again by the client."""

    def __init__(self, cluster, topic, value_bytes, pause_s=0):
        self.topic, self.value_bytes, self.pause_s = topic, value_bytes, pause_s
        self.acknowledged, self.errors = {}, []
        self._producer = confluent_kafka.Producer({
            "bootstrap.servers": cluster.bootstrap, "acks": "all", "enable.idempotence": True,
            "message.timeout.ms": 300_000, "queue.buffering.max.messages": 200, "linger.ms": 1,
            "message.max.bytes": 1_000_000})
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _delivered(self, error, message):
        if error is not None:
            self.errors.append(str(error))
        else:
            self.acknowledged[message.offset()] = message.value()[:16]

    def _run(self):
        body = os.urandom(self.value_bytes - 16)
        number = 0
        while not self._stop.wait(self.pause_s):
            try:
                self._producer.produce(self.topic, b"%016d" % number + body, partition=0,
                                       on_delivery=self._delivered)
                number += 1
                self._producer.poll(0)
            except BufferError:
                self._producer.poll(0.05)

    def count(self):
        return len(self.acknowledged)

    def stop_producing(self):
        self._stop.set()
        self._thread.join()

    def give_up(self):
        """Nothing more is sent, what waits included."""
        self.stop_producing()
        self._producer.purge()

    def finish(self):
        """Every record sent has its answer."""
        self.stop_producing()
        assert self._producer.flush(60) == 0, "records without an answer"
        assert not self.errors, self.errors[:3]


def refusal(cluster, topic):
    """The error that a producer without retries gets."""
    errors = []
    producer = confluent_kafka.Producer({"bootstrap.servers": cluster.bootstrap, "acks": "all", "retries": 0,
                                         "message.timeout.ms": 20_000})
    producer.produce(topic, b"one", partition=0, on_delivery=lambda error, _: errors.append(error))
    assert producer.flush(30) == 0
    return errors[0]


def is_refused(cluster, topic):
    error = refusal(cluster, topic)
    assert error is None or error.code() == confluent_kafka.KafkaError.KAFKA_STORAGE_ERROR, error
    return error is not None


def check_kept(cluster, load):
    values = read(cluster.bootstrap, KEPT, max(load.acknowledged) + 1)
    assert [offset for offset, head in load.acknowledged.items() if values[offset][:16] != head] == []
    heads = [value[:16] for value in values]
    assert len(set(heads)) == len(heads), "a record came twice"


def test_d22_a_full_disk_refuses_records_and_recovers_when_a_topic_is_deleted(cluster, small_disk):
    # 8 MB/s at most: what is kept must not fill the disk again by itself.
    kept, bulk = Load(cluster, KEPT, 16 * 1024, pause_s=0.002), Load(cluster, BULK, 64 * 1024)
    wait_until(lambda: is_full(cluster), FILLED_WITHIN_S, "the disk to fill up")
    # The write-ahead log's space comes back once, when memory has been written out.
    wait_until(lambda: is_refused(cluster, BULK), FILLED_WITHIN_S, "the disk to stay full")
    bulk.give_up()
    assert read(cluster.bootstrap, BULK, 100), "reading goes on"
    with Admin(cluster.admin) as admin:
        admin.create_topic("new", partitions=1, replication_factor=1)
    before = kept.count()

    with Admin(cluster.admin) as admin:
        admin.call("DeleteTopics", admin_pb2.DeleteTopicsRequest(
            topics=[admin_pb2.TopicSelector(name=BULK)]))
    wait_until(lambda: not is_full(cluster), FREED_WITHIN_S, "space to return")
    wait_until(lambda: kept.count() > before + 100, 30, "the producer to go on by itself")
    kept.finish()
    check_kept(cluster, kept)
    log = cluster["broker-1"].log.read_text()
    assert log.count("disk full") == log.count("disk has room again") > 0

    cluster["broker-1"].kill()
    cluster["broker-1"].start()
    cluster.wait_ready()
    check_kept(cluster, kept)


@pytest.mark.long
def test_d13_a_disk_that_fails_ends_the_broker_and_it_is_fenced_within_a_second(cluster, small_disk):
    load = Load(cluster, KEPT, 1024)
    wait_until(lambda: load.count() > 1000, 30, "acknowledgements")
    with Admin(cluster.admin) as admin:
        # The kernel's own hook: the file system takes itself for damaged and goes read-only.
        Path(f"/sys/fs/ext4/{small_disk.device()}/trigger_fs_error").write_text("test")
        failed_at = time.monotonic()
        wait_until(lambda: not cluster["broker-1"].running(), 5, "the broker to end")
        wait_until(lambda: admin.cluster().brokers[0].fenced, 5, "the broker to be fenced")
        fenced_after_s = time.monotonic() - failed_at
    load.stop_producing()
    log = cluster["broker-1"].log.read_text()
    assert log.count(" error ") == log.count("the store failed, the broker ends") == 1, log[-2000:]
    assert cluster["broker-1"].process.exit_code() not in (0, None)
    assert fenced_after_s < 1, f"fenced after {fenced_after_s:.2f} s"
