"""Consumer groups as Kafka's own tools see them: kafka-console-consumer as a member, kafka-consumer-groups for the rest."""

import re
import time

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from support.java_tools import run_tool
from support.weir_cluster import weir

TOPIC, GROUP, RECORDS = "group-tools", "tools-group", 100


def tool(cluster, name, *arguments, stdin=None):
    code, output, errors = run_tool(name, "--bootstrap-server", cluster.bootstrap, *arguments, stdin=stdin)
    assert code == 0, f"{name} {arguments} ended with {code}:\n{output}\n{errors}"
    return output + errors


def offsets_of(output):
    """{partition: (committed, end, lag)} of kafka-consumer-groups --describe."""
    rows = re.findall(rf"^{GROUP}\s+{TOPIC}\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)", output, re.M)
    return {int(partition): tuple(map(int, rest)) for partition, *rest in rows}


@pytest.fixture(scope="module")
def group(cluster):
    """A group that has read everything, committed and left."""
    tool(cluster, "kafka-topics", "--create", "--topic", TOPIC, "--partitions", 2, "--replication-factor", 1)
    # With keys: without, one batch takes all to one partition, and what is read of an empty one is not always committed.
    lines = "".join(f"{number}:line {number}\n" for number in range(RECORDS))
    tool(cluster, "kafka-console-producer", "--topic", TOPIC, "--reader-property", "parse.key=true", "--reader-property",
         "key.separator=:", stdin=lines)
    read = tool(cluster, "kafka-console-consumer", "--topic", TOPIC, "--group", GROUP, "--from-beginning",
                "--max-messages", RECORDS, "--timeout-ms", 30000)
    assert len(re.findall(r"^line \d+$", read, re.M)) == RECORDS, read
    return GROUP


def test_what_was_read_is_committed_and_described(cluster, group):
    assert re.findall(rf"^{group}$", tool(cluster, "kafka-consumer-groups", "--list"), re.M) == [group]
    described = offsets_of(tool(cluster, "kafka-consumer-groups", "--describe", "--group", group))
    assert sorted(described) == [0, 1]
    assert sum(committed for committed, _, _ in described.values()) == RECORDS
    assert all(lag == 0 for _, _, lag in described.values())
    state = tool(cluster, "kafka-consumer-groups", "--describe", "--group", group, "--state")
    assert re.search(rf"^{group}\s.*\sEmpty\s+0\s*$", state, re.M), state


def test_offsets_are_reset_and_the_group_is_deleted(cluster, group):
    tool(cluster, "kafka-consumer-groups", "--reset-offsets", "--group", group, "--topic", TOPIC,
         "--to-earliest", "--execute")
    described = offsets_of(tool(cluster, "kafka-consumer-groups", "--describe", "--group", group))
    assert all(committed == 0 for committed, _, _ in described.values()), described
    assert sum(lag for _, _, lag in described.values()) == RECORDS
    tool(cluster, "kafka-consumer-groups", "--delete", "--group", group)
    assert group not in tool(cluster, "kafka-consumer-groups", "--list")


# ---- Every form of describing and resetting -------------------------------------------------------------------

MORE, MORE_GROUP = "group-tools-more", "tools-more"
START_MS = 1_700_000_000_000


def groups_tool(cluster, *arguments):
    return tool(cluster, "kafka-consumer-groups", *arguments)


def committed(cluster):
    """{partition: committed offset} of the group, as the tool describes it."""
    output = groups_tool(cluster, "--describe", "--group", MORE_GROUP, "--offsets")
    rows = re.findall(rf"^{MORE_GROUP}\s+{MORE}\s+(\d+)\s+(\d+)", output, re.M)
    return {int(partition): int(offset) for partition, offset in rows}


@pytest.fixture(scope="module")
def more(cluster):
    """Two partitions of ten records, a second apart, and a group that has committed offset 4 of both."""
    tool(cluster, "kafka-topics", "--create", "--topic", MORE, "--partitions", 2, "--replication-factor", 1)
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap.split(","))
    for number in range(10):
        for partition in range(2):
            producer.send(MORE, b"x", partition=partition, timestamp_ms=START_MS + 1_000 * number).get(30)
    producer.close()
    reset(cluster, "--to-offset", 4)
    return MORE_GROUP


def reset(cluster, *how, topic=MORE):
    return groups_tool(cluster, "--reset-offsets", "--group", MORE_GROUP, "--topic", topic, *how, "--execute")


@pytest.mark.parametrize("how, expected", [
    (["--to-earliest"], 0), (["--to-latest"], 10), (["--to-offset", 7], 7), (["--to-offset", 99], 10),
    (["--shift-by", 3], 7), (["--shift-by", -2], 2), (["--to-current"], 4), (["--by-duration", "PT1S"], 10),
    (["--by-duration", "P20000D"], 0), (["--to-datetime", "2023-11-14T22:13:25.000"], 5)])
def test_every_form_of_reset(cluster, more, how, expected):
    reset(cluster, "--to-offset", 4)
    dry = groups_tool(cluster, "--reset-offsets", "--group", more, "--topic", MORE, *how, "--dry-run")
    assert re.findall(rf"^{more}\s+{MORE}\s+\d+\s+(\d+)", dry, re.M) == 2 * [str(expected)], dry
    assert committed(cluster) == {0: 4, 1: 4}
    reset(cluster, *how)
    assert committed(cluster) == {0: expected, 1: expected}


def test_resets_are_exported_and_read_from_a_file(cluster, more, tmp_path):
    reset(cluster, "--to-offset", 4)
    exported = groups_tool(cluster, "--reset-offsets", "--group", more, "--topic", f"{MORE}:1", "--to-latest",
                           "--export", "--dry-run")
    lines = re.findall(rf'^"?{MORE}"?,\d+,\d+$', exported, re.M)
    assert lines and lines[0].replace('"', "") == f"{MORE},1,10", exported
    plan = tmp_path / "offsets.csv"
    plan.write_text(f"{MORE},0,2\n{MORE},1,3\n")
    groups_tool(cluster, "--reset-offsets", "--group", more, "--from-file", plan, "--execute")
    assert committed(cluster) == {0: 2, 1: 3}


def test_members_are_described_and_stop_a_reset(cluster, more):
    consumer = KafkaConsumer(MORE, bootstrap_servers=cluster.bootstrap.split(","), group_id=more,
                             client_id="a-member", enable_auto_commit=False)
    try:
        deadline = time.monotonic() + 30
        while not consumer.assignment() and time.monotonic() < deadline:
            consumer.poll(timeout_ms=200)
        members = groups_tool(cluster, "--describe", "--group", more, "--members", "--verbose")
        assert re.search(rf"^{more}\s+a-member-\S+\s+/\S+\s+a-member\s+2\s", members, re.M), members
        assert f"{MORE}(0,1)" in members or f"{MORE}:0,1" in members, members
        state = groups_tool(cluster, "--describe", "--group", more, "--state")
        assert re.search(rf"^{more}\s.*\sStable\s+1\s*$", state, re.M), state
        refused = run_tool("kafka-consumer-groups", "--bootstrap-server", cluster.bootstrap, "--reset-offsets",
                           "--group", more, "--topic", MORE, "--to-earliest", "--execute")
        assert "only be reset if the group" in "".join(map(str, refused)), refused
        deleted = run_tool("kafka-consumer-groups", "--bootstrap-server", cluster.bootstrap, "--delete", "--group",
                           more)
        assert "NonEmptyGroup" in "".join(map(str, deleted)) or "not empty" in "".join(map(str, deleted)), deleted
        offsets = run_tool("kafka-consumer-groups", "--bootstrap-server", cluster.bootstrap, "--delete-offsets",
                           "--group", more, "--topic", MORE)
        assert "subscribed" in "".join(map(str, offsets)), offsets
    finally:
        consumer.close()
    assert committed(cluster)


def test_offsets_of_a_topic_are_deleted(cluster, more):
    reset(cluster, "--to-offset", 4)
    groups_tool(cluster, "--delete-offsets", "--group", more, "--topic", f"{MORE}:0")
    assert committed(cluster) == {1: 4}
    groups_tool(cluster, "--delete-offsets", "--group", more, "--topic", MORE)
    assert committed(cluster) == {}


def test_a_reset_of_kafkas_tool_is_undone(cluster, more):
    if not hasattr(cluster, "admin"):
        pytest.skip("weir group needs controllers of Weir")
    consumer = KafkaConsumer(MORE, bootstrap_servers=cluster.bootstrap.split(","), group_id=more,
                             enable_auto_commit=False, auto_offset_reset="earliest")
    deadline = time.monotonic() + 30
    while not consumer.assignment() and time.monotonic() < deadline:
        consumer.poll(timeout_ms=200)
    consumer.commit({TopicPartition(MORE, partition): OffsetAndMetadata(5 + partition, "", -1)
                     for partition in range(2)})
    consumer.close()
    for how, expected in ((["--to-earliest"], 0), (["--to-latest"], 10)):
        reset(cluster, *how)
        assert committed(cluster) == {0: expected, 1: expected}
        undone = weir("group", "undo-reset", more, "--admin", cluster.admin)
        assert undone.returncode == 0, undone.stderr
        assert committed(cluster) == {0: 5, 1: 6}
