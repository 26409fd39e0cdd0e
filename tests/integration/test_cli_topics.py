"""The `weir` command line against a running cluster: topics, cluster, quorum, records, profiles."""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from support.weir_cluster import WeirDev, binary, run_json


@pytest.fixture(scope="module")
def dev():
    """One running `weir dev` with one node for all tests here; each uses topics of its own."""
    with tempfile.TemporaryDirectory(prefix="weir-cli-") as directory:
        cluster = WeirDev(Path(directory) / "cluster")
        cluster.start()
        yield cluster
        cluster.stop()


def consumed(run, topic, *arguments):
    """Values of `weir topic consume` up to the end, in the order they were printed."""
    lines = run("topic", "consume", topic, *arguments).stdout.splitlines()
    return [json.loads(line)["value"] for line in lines]


def test_a_topic_lives_from_create_to_delete(run):
    assert run("topic", "create", "life", "-p", 3, "-c", "retention.ms=60000").stdout.startswith(
        "created topic life  partitions 3  replicas 1")
    assert "life" in [topic["name"] for topic in run_json(run, "topic", "list")["topics"]]
    described = run_json(run, "topic", "describe", "life")["topics"][0]
    assert [partition["leader_id"] for partition in described["partitions"]] == [1, 1, 1]
    assert described["configs"] == {"retention.ms": "60000"}
    assert "PARTITION  LEADER  EPOCH" in run("topic", "describe", "life").stdout

    run("topic", "alter", "life", "--set", "retention.ms=90000", "--set", "max.message.bytes=5000")
    run("topic", "alter", "life", "--delete-config", "max.message.bytes")
    run("topic", "alter", "life", "--partitions", 5)
    described = run_json(run, "topic", "describe", "life")["topics"][0]
    assert len(described["partitions"]) == 5 and described["configs"] == {"retention.ms": "90000"}
    entries = run_json(run, "topic", "config", "life", "-k", "retention.ms")["resources"][0]["entries"]
    assert [(entry["key"], entry["value"], entry["source"]) for entry in entries] == [
        ("retention.ms", "90000", "CONFIG_SOURCE_TOPIC")]

    refused = run("topic", "delete", "life", code=2, stdin="lif\n")
    assert "not confirmed" in refused.stderr
    run("topic", "delete", "life", stdin="life\n")
    assert "life" not in run("topic", "list").stdout


def test_dry_run_changes_nothing(run):
    assert run("topic", "create", "dry", "--dry-run").stdout.startswith("would create topic dry")
    assert "dry" not in run("topic", "list").stdout
    run("topic", "create", "dry")
    run("topic", "delete", "dry", "--dry-run")
    run("topic", "alter", "dry", "--partitions", 4, "--dry-run")
    assert len(run_json(run, "topic", "describe", "dry")["topics"][0]["partitions"]) == 1


def test_errors_say_the_cause_and_the_next_command(run):
    run("topic", "create", "twice")
    refused = run("topic", "create", "twice", code=1)
    assert "TOPIC_ALREADY_EXISTS" in refused.stderr and "next:  weir topic describe" in refused.stderr
    run("topic", "create", "twice", "--if-not-exists")
    refused = run("topic", "describe", "no-such-topic", code=1)
    assert "UNKNOWN_TOPIC_OR_PARTITION" in refused.stderr and "weir topic list" in refused.stderr
    refused = run("topic", "create", "wide", "-r", 9, code=1)
    assert "INVALID_REPLICATION_FACTOR" in refused.stderr and "weir broker list" in refused.stderr
    assert "INVALID_CONFIG" in run("topic", "create", "odd", "-c", "no.such.key=1", code=1).stderr
    assert run("topic", "consume", "no-such-topic", "-o", ":end", code=1).stderr.startswith(
        "error: UNKNOWN_TOPIC_OR_PARTITION")


def test_the_cluster_describes_itself(run, dev):
    cluster = run_json(run, "cluster", "describe")
    assert cluster["controller_id"] == 1
    assert [(broker["broker_id"], broker["fenced"]) for broker in cluster["brokers"]] == [(1, False)]
    quorum = run_json(run, "quorum", "describe")
    assert quorum["leader_id"] == 1 and [member["voter"] for member in quorum["members"]] == [True]
    assert dev.bootstrap in run("broker", "list").stdout
    assert "running" in run("broker", "describe", 1).stdout
    assert run("broker", "describe", 7, code=1).stderr
    assert "leader" in run("quorum", "describe").stdout and "Cluster id" in run("cluster",
                                                                               "describe").stdout


def test_lines_become_records_and_come_back(run):
    run("topic", "create", "lines")
    produced = run("topic", "produce", "lines", stdin="one\ntwo\nthree\n")
    assert produced.stdout == "".join(f"partition 0 offset {offset}\n" for offset in range(3))
    assert consumed(run, "lines", "-o", ":end") == ["one", "two", "three"]
    record = json.loads(run("topic", "consume", "lines", "-n", 1).stdout)
    assert record["topic"] == "lines" and record["partition"] == 0 and record["offset"] == 0
    assert record["key"] is None and record["headers"] == []
    assert abs(record["timestamp"] / 1000 - time.time()) < 60


def test_keys_headers_and_templates(run):
    run("topic", "create", "shaped")
    run("topic", "produce", "shaped", "-H", "a=1", "-H", "b=two", "-k", "fixed", stdin="x\n")
    run("topic", "produce", "shaped", "-f", r"%k:%v\n", "-Z", stdin="k1:v1\nk2:\n")
    printed = run("topic", "consume", "shaped", "-o", ":end", "-f", r"%t|%p|%o|%k|%v|%h\n").stdout
    assert printed == "shaped|0|0|fixed|x|a=1,b=two\nshaped|0|1|k1|v1|\nshaped|0|2|k2||\n"
    hexadecimal = run("topic", "consume", "shaped", "-o", "1:2", "-f", r"%v{hex} %k{base64}\n").stdout
    assert hexadecimal == "7631 azE=\n"
    assert consumed(run, "shaped", "-o", "2:end") == [None]


def test_offsets_choose_what_is_read(run):
    run("topic", "create", "ranged")
    values = [f"v{number}" for number in range(10)]
    before = int(time.time() * 1000)
    run("topic", "produce", "ranged", "-q", stdin="\n".join(values) + "\n")
    assert consumed(run, "ranged", "-o", "start:4") == values[:4]
    assert consumed(run, "ranged", "-o", "+3:end") == values[3:]
    assert consumed(run, "ranged", "-o", "-2:end") == values[8:]
    assert consumed(run, "ranged", "-o", "5:7") == values[5:7]
    assert consumed(run, "ranged", "-o", f"@{before - 1000}:end") == values
    assert consumed(run, "ranged", "-o", "@-1h:end") == values
    assert consumed(run, "ranged", "-o", f"@{before + 3_600_000}:end") == []
    assert consumed(run, "ranged", "-o", "end:end") == []
    assert consumed(run, "ranged", "-o", "2", "-n", 3) == values[2:5]
    refused = run("topic", "consume", "ranged", "-o", "500", code=1)
    assert "OFFSET_OUT_OF_RANGE" in refused.stderr


def test_partitions_are_chosen(run):
    run("topic", "create", "parts", "-p", 3)
    run("topic", "produce", "parts", "-p", 2, stdin="two\n")
    run("topic", "produce", "parts", "-f", r"%p %v\n", stdin="0 zero\n1 one\n")
    assert consumed(run, "parts", "-p", 2, "-o", ":end") == ["two"]
    assert sorted(consumed(run, "parts", "-p", "0,1", "-o", ":end")) == ["one", "zero"]
    assert sorted(consumed(run, "parts", "-o", ":end")) == ["one", "two", "zero"]
    assert run("topic", "consume", "parts", "-p", 9, "-o", ":end", code=1).stderr


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_every_codec_comes_back(run, codec):
    topic = f"codec-{codec}"
    run("topic", "create", topic)
    values = [f"{codec} {number} " + "x" * 100 for number in range(1000)]
    run("topic", "produce", topic, "-z", codec, "-q", stdin="\n".join(values) + "\n")
    assert consumed(run, topic, "-o", ":end") == values


def test_produce_creates_its_topic_in_dev(run):
    run("topic", "produce", "made-on-the-way", stdin="hello\n")
    assert consumed(run, "made-on-the-way", "-o", ":end") == ["hello"]


def test_what_was_typed_is_sent_before_the_input_ends(dev):
    """A person or a slow pipe sees each answer at once."""
    process = subprocess.Popen([str(binary("weir")), "topic", "produce", "typed", "--admin", dev.admin],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        for offset in range(3):
            process.stdin.write("line\n")
            process.stdin.flush()
            assert process.stdout.readline() == f"partition 0 offset {offset}\n"
        process.stdin.close()
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()


def test_a_profile_remembers_the_cluster(dev, data_dir):
    environment = {**os.environ, "WEIR_PROFILE_FILE": str(data_dir / "profiles.yaml")}

    def call(*arguments):
        result = subprocess.run([str(binary("weir")), *arguments], env=environment, timeout=30,
                                capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        return result.stdout
    call("profile", "create", "test", "--admin", dev.admin)
    assert "controller_id" in call("cluster", "describe", "--format", "json")
    assert dev.admin in call("profile", "show")
