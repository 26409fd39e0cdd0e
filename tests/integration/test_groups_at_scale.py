"""Many members, groups and commits at once, as weir-bench simulates them: each partition is owned once, members at rest
write nothing, and what was committed is told.
"""

import json
import subprocess
import sys

import pytest

from support.admin import Admin, admin_pb2, record_pb2, require
from support.host import STOLEN_MAX, StolenShare
from support.processes import REPOSITORY
from support.weir_cluster import binary

sys.path.append(str(REPOSITORY / "scripts" / "compare_kafka"))
import replicated  # noqa: E402


def weir_bench(nodes, mode, **options):
    flags = [text for name, value in options.items() for text in (f"--{name.replace('_', '-')}", str(value))]
    while True:
        nodes.wait_ready()
        done = subprocess.run([str(binary("weir-bench")), mode, "--bootstrap", nodes.bootstrap, "--json", *flags],
                              capture_output=True, text=True, timeout=280)
        # A broker was fenced in between: the machine stood still, as virtual ones do.
        if "INVALID_REPLICATION_FACTOR" not in done.stderr:
            break
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    return json.loads(done.stdout)


def set_for_all_brokers(nodes, values):
    resource = admin_pb2.AlteredResource(
        resource=admin_pb2.ConfigResource(type=record_pb2.CONFIG_RESOURCE_BROKER),
        changes=[admin_pb2.ConfigChange(key=key, value=str(value)) for key, value in values.items()])
    with Admin(nodes.admin) as admin:
        reply = admin.call("AlterConfigs", admin_pb2.AlterConfigsRequest(resources=[resource]))
        require(reply.resources[0].error)


def test_G02_each_partition_is_owned_once_by_hundreds_of_members(nodes):
    out = weir_bench(nodes, "group-join", members=300, crashed=10, session_ms=6_000, heartbeat_ms=1_000)
    assert out["generations"] == 1, "all that come within the initial delay are in the first generation"


def test_G02_each_partition_is_owned_once_by_a_hundred_members_of_the_consumer_protocol(nodes):
    set_for_all_brokers(nodes, {"group.consumer.min.session.timeout.ms": 6_000,
                                "group.consumer.min.heartbeat.interval.ms": 1_000,
                                "group.consumer.session.timeout.ms": 6_000,
                                "group.consumer.heartbeat.interval.ms": 1_000})
    out = weir_bench(nodes, "group-join", protocol="consumer", topic="assigned", members=100, crashed=10)
    assert out["generations"] < 100, "many that come at once are in one target assignment"


@pytest.mark.long
def test_5000_members_of_one_group(nodes):
    out = weir_bench(nodes, "group-join", members=5_000, crashed=50, session_ms=10_000, timeout_ms=120_000)
    assert out["stable_ms"] <= 30_000


def test_G08_members_at_rest_write_nothing(nodes):
    for _ in range(3):
        stolen_share = StolenShare()
        figures = replicated.heartbeats(nodes, 0.05)
        # Brokers that are fenced because the host made this machine stand still are entries as well.
        if figures["log_entries_per_s"] == 0 or stolen_share() <= STOLEN_MAX:
            break
    assert figures["heartbeats_per_s"] > 100
    assert figures["rejoins"] == 0
    assert figures["log_entries_per_s"] == 0


def test_G09_what_many_groups_commit_is_told_and_is_nothing_to_the_controllers(nodes):
    groups, seconds = 100, 3
    with Admin(nodes.admin) as admin:
        admin.create_topic("many", partitions=4, replication_factor=3)
    before = replicated.last_log_index(nodes)
    out = weir_bench(nodes, "group-commit", topic="many", groups=groups, partitions_per_commit=4, seconds=seconds,
                     warmup_seconds=1)
    entries = replicated.last_log_index(nodes) - before
    assert out["commits_per_s"] * seconds > 20 * groups
    assert entries < 10 * groups, "for joining, leaving and the topic of offsets"
