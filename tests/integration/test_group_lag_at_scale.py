"""Lag of many groups on /metrics (USERS pain 8): 2,000 groups and 12,000 partitions are scraped within a second."""

import re
import tempfile
import time
import urllib.request
from pathlib import Path

import confluent_kafka
import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from support.processes import TIMEOUT_FACTOR
from support.weir_cluster import WeirDev, weir

NODES, TOPICS, PARTITIONS, GROUPS = 3, 12, 1_000, 2_000
RECORDS = 5
SCRAPE_WITHIN_S = 1
AT_ONCE = 50


@pytest.fixture
def dev():
    with tempfile.TemporaryDirectory(prefix="weir-lag-") as directory:
        cluster = WeirDev(Path(directory) / "cluster", nodes=NODES)
        cluster.start()
        yield cluster
        cluster.stop()


def produce_everywhere(dev):
    producer = confluent_kafka.Producer({"bootstrap.servers": dev.bootstrap, "linger.ms": 100})
    for topic in range(TOPICS):
        assert weir("topic", "create", f"t{topic}", "-p", PARTITIONS, "-r", 1, "--admin", dev.admin).returncode == 0
        for number in range(PARTITIONS * RECORDS):
            producer.produce(f"t{topic}", b"x" * 500, partition=number // RECORDS)
        assert producer.flush(60) == 0


def commit_of_every_group(dev):
    """Each group commits its share of the partitions, all but one record of each."""
    admin = AdminClient({"bootstrap.servers": dev.bootstrap})
    each = TOPICS * PARTITIONS // GROUPS
    for first in range(0, GROUPS, AT_ONCE):
        waiting = []
        for group in range(first, first + AT_ONCE):
            places = [divmod(group * each + number, PARTITIONS) for number in range(each)]
            offsets = [TopicPartition(f"t{topic}", partition, RECORDS - 1) for topic, partition in places]
            waiting += admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(f"g{group}", offsets)]).values()
        for done in waiting:
            done.result(30)


@pytest.mark.long
def test_two_thousand_groups_are_scraped_within_a_second(dev):
    produce_everywhere(dev)
    commit_of_every_group(dev)
    for _ in range(3):
        lines = 0
        for node in range(NODES):
            asked = time.monotonic()
            url = f"http://127.0.0.1:{dev.http_port + node}/metrics"
            text = urllib.request.urlopen(url, timeout=10).read().decode()
            assert time.monotonic() - asked < SCRAPE_WITHIN_S * TIMEOUT_FACTOR
            lines += len(re.findall(r"^weir_group_lag_records{.*} 1$", text, re.M))
            assert len(re.findall(r"^weir_group_lag_seconds{", text, re.M)) == len(
                re.findall(r"^weir_group_lag_records{", text, re.M))
        assert lines == TOPICS * PARTITIONS
