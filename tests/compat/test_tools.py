"""Kafka's own command line tools against the cluster, as their shell scripts would start them."""

import re

import pytest

from support.java_tools import run_tool

TOPIC = "tools"


def tool(cluster, name, *arguments, stdin=None, expect=0):
    code, output, errors = run_tool(name, "--bootstrap-server", cluster.bootstrap, *arguments, stdin=stdin)
    assert code == expect, f"{name} {arguments} ended with {code}:\n{output}\n{errors}"
    return output + errors


@pytest.fixture(scope="module")
def topic(cluster):
    """A topic of four partitions, made with kafka-topics."""
    output = tool(cluster, "kafka-topics", "--create", "--topic", TOPIC, "--partitions", 4,
                  "--replication-factor", 1, "--config", "max.message.bytes=200000")
    assert f"Created topic {TOPIC}." in output
    return TOPIC


def test_broker_api_versions_lists_every_broker(cluster):
    output = tool(cluster, "kafka-broker-api-versions")
    brokers = re.findall(r"^\S+:\d+ \(id: \d+", output, re.MULTILINE)
    assert len(brokers) == len(cluster.bootstrap.split(",")), output
    for api in ("Produce(0)", "Fetch(1)", "ListOffsets(2)", "Metadata(3)", "ApiVersions(18)"):
        assert api in output, output


def test_topic_command_lists_and_describes(cluster, topic):
    assert topic in tool(cluster, "kafka-topics", "--list").split()
    output = tool(cluster, "kafka-topics", "--describe", "--topic", topic)
    assert "PartitionCount: 4" in output and "ReplicationFactor: 1" in output
    assert "max.message.bytes=200000" in output
    assert len(re.findall(r"Partition: \d+\tLeader: \d+\tReplicas: \d+\tIsr: \d+", output)) == 4, output


def test_topic_command_refuses_a_second_creation(cluster, topic):
    output = tool(cluster, "kafka-topics", "--create", "--topic", topic, "--partitions", 1, expect=1)
    assert topic in output and "exists" in output, output
    tool(cluster, "kafka-topics", "--create", "--if-not-exists", "--topic", topic, "--partitions", 1)


def test_topic_command_adds_partitions_and_deletes(cluster):
    tool(cluster, "kafka-topics", "--create", "--topic", "tools-short-lived", "--partitions", 2)
    tool(cluster, "kafka-topics", "--alter", "--topic", "tools-short-lived", "--partitions", 5)
    output = tool(cluster, "kafka-topics", "--describe", "--topic", "tools-short-lived")
    assert "PartitionCount: 5" in output, output
    tool(cluster, "kafka-topics", "--delete", "--topic", "tools-short-lived")
    assert "tools-short-lived" not in tool(cluster, "kafka-topics", "--list").split()


def test_config_command_alters_and_describes_a_topic(cluster, topic):
    entity = ("--entity-type", "topics", "--entity-name", topic)
    tool(cluster, "kafka-configs", "--alter", *entity, "--add-config",
         "retention.ms=86400000,cleanup.policy=[compact,delete]")
    output = tool(cluster, "kafka-configs", "--describe", *entity)
    assert "retention.ms=86400000" in output and "cleanup.policy=compact,delete" in output, output
    assert "DYNAMIC_TOPIC_CONFIG" in output, output
    tool(cluster, "kafka-configs", "--alter", *entity, "--delete-config", "retention.ms,cleanup.policy")
    assert "retention.ms" not in tool(cluster, "kafka-configs", "--describe", *entity)
    output = tool(cluster, "kafka-configs", "--describe", "--all", *entity)
    assert "retention.ms=604800000" in output and "DEFAULT_CONFIG" in output, output


def test_config_command_alters_and_describes_a_group(cluster):
    entity = ("--entity-type", "groups", "--entity-name", "tools-configured")
    tool(cluster, "kafka-configs", "--alter", *entity, "--add-config", "consumer.session.timeout.ms=50000")
    output = tool(cluster, "kafka-configs", "--describe", *entity)
    assert "consumer.session.timeout.ms=50000" in output and "DYNAMIC_GROUP_CONFIG" in output, output
    assert "tools-configured" in tool(cluster, "kafka-configs", "--describe", "--entity-type", "groups")
    output = tool(cluster, "kafka-configs", "--alter", *entity,
                  "--add-config", "consumer.session.timeout.ms=1000", expect=1)
    assert "InvalidConfigurationException" in output, output
    tool(cluster, "kafka-configs", "--alter", *entity, "--delete-config", "consumer.session.timeout.ms")
    assert "50000" not in tool(cluster, "kafka-configs", "--describe", *entity)


def test_config_command_refuses_a_bad_value(cluster, topic):
    output = tool(cluster, "kafka-configs", "--alter", "--entity-type", "topics", "--entity-name", topic,
                  "--add-config", "retention.ms=soon", expect=1)
    assert "InvalidConfigurationException" in output or "ConfigException" in output, output


def test_config_command_describes_a_broker(cluster):
    output = tool(cluster, "kafka-configs", "--describe", "--all", "--entity-type", "brokers",
                  "--entity-name", 1)
    assert "num.partitions=" in output and "log.retention.ms" in output, output


def test_console_producer_to_console_consumer(cluster, topic):
    lines = [f"key-{number}\tline {number}" for number in range(500)]
    tool(cluster, "kafka-console-producer", "--topic", topic, "--reader-property", "parse.key=true",
         "--command-property", "acks=all", stdin="\n".join(lines) + "\n")
    offsets = tool(cluster, "kafka-get-offsets", "--topic", topic)
    ends = {int(number): int(end) for number, end in re.findall(rf"^{topic}:(\d+):(\d+)$", offsets, re.M)}
    assert sorted(ends) == [0, 1, 2, 3] and sum(ends.values()) == 500, offsets
    read = []
    for partition, end in ends.items():
        output = tool(cluster, "kafka-console-consumer", "--topic", topic, "--partition", partition,
                      "--offset", "earliest", "--max-messages", end, "--timeout-ms", 15000,
                      "--formatter-property", "print.key=true")
        part = [line for line in output.split("\n") if line.startswith("key-")]
        assert part == sorted(part, key=lambda line: int(line.split()[-1])), "order within a partition"
        read += part
    assert sorted(read) == sorted(lines)


def test_get_offsets_by_time(cluster, topic):
    earliest = tool(cluster, "kafka-get-offsets", "--topic", topic, "--time", "earliest")
    assert re.findall(rf"^{topic}:\d+:0$", earliest, re.M) == [f"{topic}:{n}:0" for n in range(4)]
    newest = tool(cluster, "kafka-get-offsets", "--topic", topic, "--time", "max-timestamp")
    assert len(re.findall(rf"^{topic}:\d+:\d+$", newest, re.M)) == 4, newest


@pytest.mark.parametrize("acks, codec", [("all", "none"), ("1", "lz4"), ("0", "zstd")])
def test_producer_performance(cluster, topic, acks, codec):
    code, output, errors = run_tool(
        "kafka-producer-perf-test", "--topic", topic, "--num-records", 50_000, "--record-size", 100,
        "--throughput", -1, "--producer-props", f"bootstrap.servers={cluster.bootstrap}", f"acks={acks}",
        f"compression.type={codec}")
    assert code == 0, f"{output}\n{errors}"
    assert re.search(r"50000 records sent, [\d.]+ records/sec", output), output
