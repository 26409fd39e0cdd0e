"""What holds for all groups of the consumer protocol (group.consumer.*), on `weir dev --nodes 3`: it is set for the whole
cluster by Kafka's own tool, while it runs, and every node goes by it.
"""

import re

import confluent_kafka
import pytest

from support.groups import GROUP, PARTITIONS, TOPIC, wait_until_shared
from support.java_tools import have_java, run_tool
from support.processes import wait_until

pytestmark = pytest.mark.skipif(not have_java(), reason="needs a JDK and Maven")

ALL_BROKERS = ("--entity-type", "brokers", "--entity-default")
ONE_BROKER = ("--entity-type", "brokers", "--entity-name", "1")
THE_GROUP = ("--entity-type", "groups", "--entity-name", GROUP)

MIGRATION = "group.consumer.migration.policy"


@pytest.fixture
def configs(dev):
    """Runs kafka-configs; returns what it says."""
    def call(*arguments, expect=0):
        code, output, errors = run_tool("kafka-configs", "--bootstrap-server", dev.bootstrap, *arguments)
        assert code == expect, output + errors
        return output + errors
    return call


def join_error(dev, topic):
    """Joins with the consumer protocol; the error that it is told."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": dev.bootstrap, "group.id": GROUP,
                                         "group.protocol": "consumer"})
    try:
        consumer.subscribe([topic])

        def error():
            message = consumer.poll(0.2)
            return message.error().str() if message is not None and message.error() else None

        return wait_until(error, 20, "the join to be refused")
    finally:
        consumer.close()


def test_a_group_may_have_a_session_as_short_as_is_configured(dev, groups, join, configs):
    short = "consumer.session.timeout.ms=6000,consumer.heartbeat.interval.ms=1000"
    refused = configs("--alter", *THE_GROUP, "--add-config", short, expect=1)
    assert "InvalidConfigurationException" in refused, refused
    least = "group.consumer.min.session.timeout.ms=6000,group.consumer.min.heartbeat.interval.ms=1000"
    refused = configs("--alter", *ONE_BROKER, "--add-config", least, expect=1)
    assert "set it for all brokers" in refused, refused
    configs("--alter", *ALL_BROKERS, "--add-config", least)
    configs("--alter", *THE_GROUP, "--add-config", short)
    described = configs("--describe", *THE_GROUP)
    assert "consumer.session.timeout.ms=6000" in described and "DYNAMIC_GROUP_CONFIG" in described, described
    described = configs("--describe", "--all", *ONE_BROKER)
    assert re.search(r"group\.consumer\.min\.session\.timeout\.ms=6000 .*DYNAMIC_DEFAULT_BROKER_CONFIG", described), \
        described

    first, second = join("consumer"), join("consumer")
    wait_until_shared([first, second], PARTITIONS)
    groups.wait_until_consumers_stable(GROUP, 2)
    second.crash()
    wait_until_shared([first], PARTITIONS, timeout_s=20)


def test_the_migration_policy_counts_from_the_moment_it_is_set(dev, groups, join, configs):
    configs("--alter", *ALL_BROKERS, "--add-config", f"{MIGRATION}=disabled")
    classic = join("confluent")
    wait_until_shared([classic], PARTITIONS)
    generation = groups.wait_until_stable(GROUP, 1)
    assert "group id does not exist" in join_error(dev, TOPIC), "as if the group were not there: GROUP_ID_NOT_FOUND"
    assert groups.wait_until_stable(GROUP, 1) == generation, "the classic member has not noticed"
    refused = configs("--alter", *ALL_BROKERS, "--add-config", f"{MIGRATION}=sideways", expect=1)
    assert MIGRATION in refused, refused
    configs("--alter", *ALL_BROKERS, "--add-config", f"{MIGRATION}=upgrade")
    assert f"{MIGRATION}=upgrade" in configs("--describe", *ALL_BROKERS)
    wait_until_shared([classic, join("consumer")], PARTITIONS)
    groups.wait_until_consumers_stable(GROUP, 2)
