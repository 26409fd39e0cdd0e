"""kafka-reassign-partitions of Apache Kafka: generate, execute, verify, list, cancel, and --throttle."""

import json
import os
import tempfile
import time
from pathlib import Path

import pytest

from support.admin import Admin, admin_pb2
from support.java_tools import run_tool
from support.processes import wait_until
from support.records import Producer
from support.weir_cluster import WeirDev

TOPIC, THROTTLED = "reassigned", "throttled"
RATE = 1_500_000
TOPIC_CONFIG, BROKER_CONFIG = 2, 4


@pytest.fixture(scope="module")
def dev():
    with tempfile.TemporaryDirectory(prefix="weir-reassign-") as directory:
        cluster = WeirDev(Path(directory) / "weir", nodes=3)
        cluster.start()
        topic = admin_pb2.NewTopic(name=TOPIC, assignments=[
            admin_pb2.ReplicaAssignment(partition=0, broker_ids=[1, 2])])
        with Admin(cluster.admin) as admin:
            admin.call("CreateTopics", admin_pb2.CreateTopicsRequest(topics=[topic]))
        yield cluster
        cluster.stop()


@pytest.fixture
def tool(dev, tmp_path):
    """Runs the tool with a file of assignments; returns what it prints."""
    plan = tmp_path / "plan.json"

    def call(verb, replicas, *arguments, expect=0, topic=TOPIC):
        plan.write_text(json.dumps({"version": 1, "partitions": [
            {"topic": topic, "partition": 0, "replicas": replicas}]}))
        code, output, errors = run_tool("kafka-reassign-partitions", "--bootstrap-server", dev.bootstrap,
                                        f"--{verb}", "--reassignment-json-file", plan, *arguments)
        assert code == expect, f"{verb} ended with {code}:\n{output}\n{errors}"
        return output + errors
    return call


def replicas(dev):
    selector = admin_pb2.TopicSelector(name=TOPIC)
    with Admin(dev.admin) as admin:
        reply = admin.call("DescribeTopics", admin_pb2.DescribeTopicsRequest(topics=[selector]))
    return list(reply.topics[0].partitions[0].replica_ids)


def moving(dev):
    with Admin(dev.admin) as admin:
        return len(admin.call("ListPartitionReassignments", admin_pb2.ListPartitionReassignmentsRequest()).partitions)


def test_execute_and_verify(dev, tool):
    output = tool("execute", [3, 2])
    assert "Successfully started partition reassignment for reassigned-0" in output, output
    wait_until(lambda: not moving(dev), 60, "the move to end")
    assert replicas(dev) == [3, 2]
    assert "Reassignment of partition reassigned-0 is completed" in tool("verify", [3, 2])


def test_cancel_brings_the_old_replicas_back(dev, tool):
    """Both present replicas are dead, so that the new one has nobody to copy from."""
    before = replicas(dev)
    assert before == [3, 2]
    for broker in ("broker-2", "broker-3"):
        dev.kill(broker)
    try:
        tool("execute", [1])
        assert moving(dev) == 1
        assert "is still in progress" in tool("verify", [1])
        code, output, errors = run_tool("kafka-reassign-partitions", "--bootstrap-server", dev.bootstrap, "--list")
        assert code == 0 and "reassigned-0" in output, output + errors
        assert "Successfully cancelled" in tool("cancel", [1])
        assert replicas(dev) == before
    finally:
        for broker in ("broker-2", "broker-3"):
            dev.restart(broker)


def throttles(dev):
    """Keys of the throttles that are set, by resource."""
    request = admin_pb2.DescribeConfigsRequest()
    for kind, name in [(TOPIC_CONFIG, THROTTLED)] + [(BROKER_CONFIG, str(id)) for id in (1, 2, 3)]:
        selector = request.resources.add()
        selector.resource.type, selector.resource.name = kind, name
    with Admin(dev.admin) as admin:
        reply = admin.call("DescribeConfigs", request)
    return {(described.resource.name, entry.key): entry.value
            for described in reply.resources for entry in described.entries
            if "replication.throttled" in entry.key and entry.value not in ("", str(2**63 - 1))}


def test_a_throttle_is_honoured_and_cleared_by_verify(dev, tool):
    topic = admin_pb2.NewTopic(name=THROTTLED, assignments=[
        admin_pb2.ReplicaAssignment(partition=0, broker_ids=[1, 2])])
    with Admin(dev.admin) as admin:
        admin.call("CreateTopics", admin_pb2.CreateTopicsRequest(topics=[topic]))
    Producer(dev.bootstrap).send_all(THROTTLED, [os.urandom(100_000) for _ in range(160)])
    output = tool("execute", [3, 2], "--throttle", RATE, topic=THROTTLED)
    started = time.monotonic()
    assert f"The inter-broker throttle limit was set to {RATE} B/s" in output, output
    assert moving(dev) == 1
    found = throttles(dev)
    assert found["1", "leader.replication.throttled.rate"] == str(RATE)
    assert found["3", "follower.replication.throttled.rate"] == str(RATE)
    assert found[THROTTLED, "follower.replication.throttled.replicas"] == "0:3"
    wait_until(lambda: not moving(dev), 90, "the move to end")
    # All of it takes 9 s at least, some of which the tool took to end.
    assert time.monotonic() - started > 2
    output = tool("verify", [3, 2], topic=THROTTLED)
    assert "Clearing topic-level throttles on topic throttled" in output, output
    assert throttles(dev) == {}


def test_brokers_that_do_not_exist_are_refused(tool):
    assert "9" in tool("execute", [9, 2], expect=1)
