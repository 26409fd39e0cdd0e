"""Consumer groups as Kafka's own tools see them: kafka-console-consumer as a member, kafka-consumer-groups for the rest."""

import re

import pytest

from support.java_tools import run_tool

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
    lines = "".join(f"line {number}\n" for number in range(RECORDS))
    tool(cluster, "kafka-console-producer", "--topic", TOPIC, stdin=lines)
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
