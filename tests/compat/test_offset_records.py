"""Records of __consumer_offsets as Kafka's own formatter reads them: other tools understand what is committed here."""

import json

from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

from support.java_tools import run_tool

TOPIC, GROUP = "offset-records", "records-group"


def records(cluster):
    """(key, value) of every record of a committed offset of the group, as Kafka's formatter prints them."""
    code, output, errors = run_tool(
        "kafka-console-consumer", "--bootstrap-server", cluster.bootstrap, "--topic", "__consumer_offsets",
        "--from-beginning", "--timeout-ms", 8000,
        "--formatter", "org.apache.kafka.tools.consumer.OffsetsMessageFormatter")
    assert code == 0, errors
    # One object after the other, without anything between them.
    decoder, found, at = json.JSONDecoder(), [], output.find("{")
    while at >= 0:
        record, end = decoder.raw_decode(output, at)
        found.append(record)
        at = output.find("{", end)
    return [(each["key"], each["value"]) for each in found if each["key"]["data"].get("group") == GROUP]


def test_kafkas_formatter_reads_commits_and_tombstones(cluster):
    code, _, errors = run_tool("kafka-topics", "--bootstrap-server", cluster.bootstrap, "--create", "--topic", TOPIC,
                               "--partitions", 1, "--replication-factor", 1)
    assert code == 0, errors
    partition = TopicPartition(TOPIC, 0)
    consumer = KafkaConsumer(bootstrap_servers=cluster.bootstrap.split(","), group_id=GROUP, enable_auto_commit=False)
    consumer.assign([partition])
    consumer.commit({partition: OffsetAndMetadata(7, "a text", -1)})
    consumer.commit({partition: OffsetAndMetadata(8, "", -1)})
    consumer.close()
    code, output, errors = run_tool("kafka-consumer-groups", "--bootstrap-server", cluster.bootstrap,
                                    "--delete-offsets", "--group", GROUP, "--topic", TOPIC)
    assert code == 0, output + errors
    found = records(cluster)
    assert [key["data"] for key, _ in found] == 3 * [{"group": GROUP, "topic": TOPIC, "partition": 0}]
    values = [value and value["data"] for _, value in found]
    assert [(value["offset"], value["metadata"]) for value in values[:2]] == [(7, "a text"), (8, "")]
    assert values[2] is None
    assert values[0]["topicId"] == values[1]["topicId"] != "AAAAAAAAAAAAAAAAAAAAAA"
