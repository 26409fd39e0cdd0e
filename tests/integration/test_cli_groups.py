"""`weir group` against a running cluster: members, committed offsets, lag in records and seconds, resets and their
undoing; and the same lag on /metrics."""

import json
import re
import tempfile
import time
import urllib.request
from pathlib import Path

import confluent_kafka
import pytest
from confluent_kafka import TopicPartition

from support.groups import coordinator_partition
from support.processes import wait_until
from support.weir_cluster import WeirDev, run_json

NODES = 3
OFFSETS_TOPIC = "__consumer_offsets"
# What lag in seconds may be wrong by, and how long asking for it may take on a busy machine.
CLOCK_S, ASKING_S = 1, 3


@pytest.fixture(scope="module")
def dev():
    """One cluster for all tests here; each uses topics and groups of its own."""
    with tempfile.TemporaryDirectory(prefix="weir-cli-groups-") as directory:
        cluster = WeirDev(Path(directory) / "cluster", nodes=NODES)
        cluster.start()
        yield cluster
        cluster.stop()


def describe(run, group):
    return run_json(run, "group", "describe", group)["groups"][0]


def committed(run, group):
    """{topic-partition: committed offset} as `weir group describe` has it."""
    offsets = [partition["offset"] for partition in describe(run, group)["partitions"]]
    return {f"{each['topic']}-{each['partition']}": int(each["committed_offset"]) for each in offsets
            if int(each["committed_offset"]) >= 0}


def lags(run, group):
    """{topic-partition: (records, seconds)}"""
    offsets = [partition["offset"] for partition in describe(run, group)["partitions"]]
    return {f"{each['topic']}-{each['partition']}": (int(each["lag_records"]), each["lag_seconds"]) for each in offsets}


def offsets_partition(run, group):
    """The partition that the group's offsets are in, as the controllers describe it."""
    partitions = run_json(run, "topic", "describe", OFFSETS_TOPIC)["topics"][0]["partitions"]
    return partitions[coordinator_partition(group, len(partitions))]


def produce(dev, topic, partition, count, timestamp_s=None):
    """Records of one timestamp, by default now's."""
    producer = confluent_kafka.Producer({"bootstrap.servers": dev.bootstrap})
    failed = []
    for number in range(count):
        producer.produce(topic, f"v{number}", partition=partition,
                         timestamp=int((timestamp_s or time.time()) * 1000),
                         on_delivery=lambda error, _: failed.append(error) if error else None)
    assert producer.flush(30) == 0 and not failed, failed


PROTOCOLS = {"classic": {"session.timeout.ms": 6_000, "heartbeat.interval.ms": 500},
             # The group decides about its members' sessions.
             "consumer": {"group.protocol": "consumer"}}


def consumer_of(dev, group, client_id="a-client", protocol="classic", **settings):
    return confluent_kafka.Consumer({
        "bootstrap.servers": dev.bootstrap, "group.id": group, "client.id": client_id, "enable.auto.commit": False,
        "auto.offset.reset": "earliest", **PROTOCOLS[protocol], **settings})


def commit(dev, group, *offsets, protocol="classic"):
    """Commits (topic, partition, offset) as a member of the group does, and leaves."""
    consumer = consumer_of(dev, group, protocol=protocol)
    consumer.subscribe(sorted({topic for topic, _, _ in offsets}))
    try:
        wait_until(lambda: consumer.poll(0.2) or consumer.assignment(), 30, "an assignment")
        done = consumer.commit(offsets=[TopicPartition(*each) for each in offsets], asynchronous=False)
        assert not [each.error for each in done if each.error]
    finally:
        consumer.close()


def pages(dev):
    """What every broker says on /metrics."""
    return [urllib.request.urlopen(f"http://127.0.0.1:{dev.http_port + node}/metrics", timeout=10).read().decode()
            for node in range(NODES)]


def metric(text, name, group):
    """{topic-partition: value}"""
    rows = re.findall(rf'^{name}{{group="{group}",topic="([^"]*)",partition="(\d+)"}} (\S+)$', text, re.M)
    return {f"{topic}-{partition}": float(value) for topic, partition, value in rows}


def test_a_group_is_listed_and_described_with_its_members(dev, run):
    run("topic", "create", "described", "-p", 3)
    produce(dev, "described", 0, 5)
    consumer = consumer_of(dev, "described-group", client_id="some-client", **{"group.instance.id": "one"})
    consumer.subscribe(["described"])
    try:
        wait_until(lambda: consumer.poll(0.2) and consumer.assignment(), 30, "a record")
        consumer.commit(offsets=[TopicPartition("described", 0, 2)], asynchronous=False)
        listed = run_json(run, "group", "list", "--state", "stable", "--type", "classic")["groups"]
        assert {"group_id": "described-group", "state": "Stable", "type": "classic",
                "protocol_type": "consumer"} in listed
        assert "described-group" not in run("group", "list", "--state", "Empty").stdout
        group = describe(run, "described-group")
        assert (group["state"], group["type"], group["protocol_type"]) == ("Stable", "classic", "consumer")
        assert group["protocol"] == "range" and group["generation_id"] >= 1
        assert group["coordinator"] in dev.bootstrap.split(",")
        # Epochs are of consumer groups.
        assert not {"group_epoch", "assignment_epoch", "assignor"} & set(group)
        [member] = group["members"]
        assert "member_epoch" not in member and "type" not in member
        assert (member["client_id"], member["instance_id"]) == ("some-client", "one")
        assert "127.0.0.1" in member["host"]
        assert member["assignment"] == [f"described-{partition}" for partition in range(3)]
        rows = {each["offset"]["partition"]: each for each in group["partitions"]}
        assert {each["member_id"] for each in rows.values()} == {member["member_id"]}
        assert [int(rows[0]["offset"][key]) for key in ("committed_offset", "log_end_offset", "lag_records")] == [2, 5, 3]
        # Nothing is committed of the others: their ends are known, lag is not.
        assert [int(rows[1]["offset"][key]) for key in ("committed_offset", "log_end_offset", "lag_records")] == [-1, 0, -1]
        text = run("group", "describe", "described-group").stdout
        assert re.search(r"^Lag +3 records, ", text, re.M), text
        assert re.search(r"^described +0 +2 +5 +3 ", text, re.M), text
        assert re.search(r"^described +1 +- +0 +- +- ", text, re.M), text
    finally:
        consumer.close()


def test_a_consumer_group_is_described_with_its_members(dev, run):
    """KIP-848: the controllers assign, and members have epochs."""
    run("topic", "create", "consumed", "-p", 3)
    produce(dev, "consumed", 0, 5, time.time() - 100)
    consumer = consumer_of(dev, "consumed-group", "some-client", "consumer", **{"group.instance.id": "one"})
    consumer.subscribe(["consumed"])
    try:
        wait_until(lambda: consumer.poll(0.2) and consumer.assignment(), 30, "a record")
        # Its members make it a group, whether or not they have committed.
        assert [each["instance_id"] for each in describe(run, "consumed-group")["members"]] == ["one"]
        consumer.commit(offsets=[TopicPartition("consumed", 0, 2)], asynchronous=False)
        listed = run_json(run, "group", "list", "--state", "stable", "--type", "consumer")["groups"]
        assert {"group_id": "consumed-group", "state": "Stable", "type": "consumer",
                "protocol_type": "consumer"} in listed
        group = describe(run, "consumed-group")
        assert (group["state"], group["type"], group["protocol_type"]) == ("Stable", "consumer", "consumer")
        assert group["assignor"] == "uniform" and group["generation_id"] == -1
        assert group["group_epoch"] == group["assignment_epoch"] >= 1
        assert group["coordinator"] in dev.bootstrap.split(",")
        [member] = group["members"]
        assert (member["client_id"], member["instance_id"]) == ("some-client", "one")
        assert (member["type"], member["member_epoch"]) == ("consumer", group["group_epoch"])
        assert "127.0.0.1" in member["host"]
        assert member["assignment"] == member["target"] == [f"consumed-{partition}" for partition in range(3)]
        rows = {each["offset"]["partition"]: each for each in group["partitions"]}
        assert {(each["member_id"], each["client_id"]) for each in rows.values()} == {
            (member["member_id"], "some-client")}
        assert [int(rows[0]["offset"][key]) for key in ("committed_offset", "log_end_offset", "lag_records")] == [2, 5, 3]
        assert 99 < rows[0]["offset"]["lag_seconds"] < 100 + 60
        assert [int(rows[1]["offset"][key]) for key in ("committed_offset", "log_end_offset", "lag_records")] == [-1, 0, -1]
        text = run("group", "describe", "consumed-group").stdout
        epoch = group["group_epoch"]
        assert re.search(rf"^Assignor +uniform\nEpoch +{epoch} \(assignment {epoch}\)\n", text, re.M), text
        assert re.search(r"^Members +1$", text, re.M) and re.search(r"^Lag +3 records, ", text, re.M), text
        assert re.search(rf"^MEMBER .* ASSIGNMENT +EPOCH +TYPE +TARGET\n.* one +some-client +\S+ +consumed-0,\S+ +{epoch} +"
                         r"consumer +consumed-0,", text, re.M), text
        assert re.search(r"^consumed +0 +2 +5 +3 ", text, re.M), text
    finally:
        consumer.close()
    # A static member that stops is away, and still a member: it would go on from what it has committed.
    [member] = describe(run, "consumed-group")["members"]
    assert (member["instance_id"], member["member_epoch"]) == ("one", -2)
    assert re.search(r" one .* away +consumer ", run("group", "describe", "consumed-group").stdout)
    for command in (["delete", "-y"], ["delete", "--plan"], ["seek", "--to", "end"], ["seek", "--to", "end", "--plan"]):
        assert "NON_EMPTY_GROUP" in run("group", *command, "consumed-group", code=1).stderr


def test_members_of_both_protocols_are_described(dev, run):
    run("topic", "create", "mixed", "-p", 4)
    consumers = [consumer_of(dev, "mixed-group", "old", "classic")]
    try:
        consumers[0].subscribe(["mixed"])
        wait_until(lambda: consumers[0].poll(0.2) or consumers[0].assignment(), 30, "an assignment")
        consumers.append(consumer_of(dev, "mixed-group", "new", "consumer"))
        consumers[1].subscribe(["mixed"])

        def shared():
            for consumer in consumers:
                consumer.poll(0.2)
            group = describe(run, "mixed-group")
            return group if group["state"] == "Stable" and len(group["members"]) == 2 else None

        group = wait_until(shared, 60, "the two to share")
        assert group["type"] == "consumer"
        members = {member["type"]: member for member in group["members"]}
        assert {kind: member["client_id"] for kind, member in members.items()} == {"classic": "old", "consumer": "new"}
        for member in members.values():
            assert len(member["assignment"]) == 2 and member["target"] == member["assignment"]
            assert member["member_epoch"] == group["group_epoch"]
        owners = {f"mixed-{each['offset']['partition']}": each["member_id"] for each in group["partitions"]}
        assert owners == {name: member["member_id"] for member in members.values() for name in member["assignment"]}
        text = run("group", "describe", "mixed-group").stdout
        assert re.search(r"^Members +2 \(1 by the classic protocol\)$", text, re.M), text
        for command in (["seek", "mixed-group", "--topic", "mixed", "--to", "start"], ["undo-reset", "mixed-group"]):
            assert "has 2 members" in run("group", *command, "--plan", code=1).stderr
    finally:
        for consumer in consumers:
            consumer.close()


def test_a_group_that_only_committed_is_listed(dev, run):
    run("topic", "create", "never-joined")
    consumer = consumer_of(dev, "never-joined-group")
    try:
        consumer.commit(offsets=[TopicPartition("never-joined", 0, 0)], asynchronous=False)
    finally:
        consumer.close()
    listed = {"group_id": "never-joined-group", "state": "Empty", "type": "classic", "protocol_type": ""}
    assert listed in run_json(run, "group", "list")["groups"]
    assert listed in run_json(run, "group", "list", "--state", "empty", "--type", "Classic")["groups"]
    assert listed not in run_json(run, "group", "list", "--state", "Stable")["groups"]
    assert listed not in run_json(run, "group", "list", "--type", "consumer")["groups"]


def test_lag_is_told_in_records_and_in_seconds(dev, run):
    run("topic", "create", "lagging", "-p", 3, "-r", 1)
    born = {0: time.time() - 500, 1: time.time() - 100, 2: time.time() - 50}
    for partition, at in born.items():
        produce(dev, "lagging", partition, 10, at)
        produce(dev, "lagging", partition, 10, at + 20)
    commit(dev, "lagging-group", ("lagging", 0, 0), ("lagging", 1, 15), ("lagging", 2, 20))
    expected = {"lagging-0": (20, born[0]), "lagging-1": (5, born[1] + 20)}
    for _ in range(2):  # the second time from what the first has found
        before = time.time()
        found, texts = lags(run, "lagging-group"), pages(dev)
        after = time.time()
        assert after - before < ASKING_S + CLOCK_S
        for name, (records, at) in expected.items():
            assert found[name][0] == records
            assert before - at - CLOCK_S < found[name][1] < after - at + CLOCK_S
        assert found["lagging-2"] == (0, 0)
        # One broker has the group's series: its coordinator.
        [page] = [text for text in texts if 'group="lagging-group"' in text]
        assert metric(page, "weir_group_lag_records", "lagging-group") == {
            "lagging-0": 20, "lagging-1": 5, "lagging-2": 0}
        seconds = metric(page, "weir_group_lag_seconds", "lagging-group")
        for name, (_, at) in expected.items():
            assert before - at - CLOCK_S < seconds[name] < after - at + CLOCK_S
        assert seconds["lagging-2"] == 0
    # A record that comes is lag of its age.
    produce(dev, "lagging", 2, 1)
    records, seconds = lags(run, "lagging-group")["lagging-2"]
    assert records == 1 and 0 <= seconds < ASKING_S + CLOCK_S


@pytest.mark.parametrize("to, expected", [
    ("start", 0), ("end", 10), ("4", 4), ("99", 10), ("+3", 3), ("-3", 7), ("@1700000005000", 5),
    ("@2023-11-14T22:13:27Z", 7), ("@-1s", 10)])
def test_seek_takes_every_position(dev, run, to, expected):
    group = "seek-" + to.encode().hex()
    if "sought" not in run("topic", "list").stdout:
        run("topic", "create", "sought", "-p", 2)
        for number in range(10):
            produce(dev, "sought", 1, 1, 1_700_000_000 + number)
    planned = run("group", "seek", group, "--topic", "sought:1", f"--to={to}", "--plan").stdout
    assert re.search(rf"^sought +1 +none +{expected}$", planned, re.M), planned
    assert "nothing was changed" in planned
    assert "GROUP_ID_NOT_FOUND" in run("group", "describe", group, code=1).stderr
    run("group", "seek", group, "--topic", "sought:1", f"--to={to}")
    assert committed(run, group) == {"sought-1": expected}


def test_seek_without_topics_is_about_all_that_is_committed(dev, run):
    for topic in ("all-a", "all-b"):
        run("topic", "create", topic, "-p", 2)
        produce(dev, topic, 0, 5)
    commit(dev, "all-group", ("all-a", 0, 3), ("all-b", 0, 4))
    changed = run_json(run, "group", "seek", "all-group", "--to", "end")
    assert [(change["topic"], change["partition"], change["before"], change["after"])
            for change in changed["changes"]] == [("all-a", 0, "3", "5"), ("all-b", 0, "4", "5")]
    assert committed(run, "all-group") == {"all-a-0": 5, "all-b-0": 5}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_members_would_commit_over_is_refused(dev, run, protocol):
    topic, group = f"busy-{protocol}", f"busy-{protocol}-group"
    run("topic", "create", topic)
    produce(dev, topic, 0, 3)
    consumer = consumer_of(dev, group, protocol=protocol)
    consumer.subscribe([topic])
    try:
        wait_until(lambda: consumer.poll(0.2), 30, "a record")
        consumer.commit(offsets=[TopicPartition(topic, 0, 2)], asynchronous=False)
        # A plan says what would be said.
        for command in (["seek", group, "--to", "start"], ["undo-reset", group]):
            refused = run("group", *command, code=1).stderr
            assert "NON_EMPTY_GROUP" in refused and "1 member" in refused, refused
            assert f"next:  weir group describe {group}" in refused
            assert run("group", *command, "--plan", code=1).stderr == refused
        refused = run("group", "delete", "-y", group, code=1).stderr
        assert "NON_EMPTY_GROUP" in refused
        assert run("group", "delete", "--plan", group, code=1).stderr == refused
        assert committed(run, group) == {f"{topic}-0": 2}
    finally:
        consumer.close()


def test_offsets_of_a_consumer_group_are_changed_once_its_members_are_gone(dev, run):
    run("topic", "create", "emptied")
    produce(dev, "emptied", 0, 10)
    commit(dev, "emptied-group", ("emptied", 0, 4), protocol="consumer")
    group = describe(run, "emptied-group")
    assert (group["state"], group["type"], group["members"]) == ("Empty", "consumer", [])
    planned = run("group", "seek", "emptied-group", "--to", "end", "--plan").stdout
    assert re.search(r"^emptied +0 +4 +10$", planned, re.M), planned
    run("group", "seek", "emptied-group", "--to", "end")
    assert committed(run, "emptied-group") == {"emptied-0": 10}
    planned = run("group", "undo-reset", "emptied-group", "--plan").stdout
    assert re.search(r"^emptied +0 +10 +4$", planned, re.M), planned
    run("group", "undo-reset", "emptied-group")
    assert committed(run, "emptied-group") == {"emptied-0": 4}
    assert run("group", "delete", "emptied-group", "--plan").stdout == "would delete group emptied-group\n"
    assert run("group", "delete", "-y", "emptied-group").stdout == "deleted group emptied-group\n"
    assert "GROUP_ID_NOT_FOUND" in run("group", "describe", "emptied-group", code=1).stderr
    assert "GROUP_ID_NOT_FOUND" in run("group", "delete", "--plan", "emptied-group", code=1).stderr


def test_a_reset_is_undone_and_redone(dev, run):
    run("topic", "create", "undone", "-p", 3)
    for partition in range(3):
        produce(dev, "undone", partition, 10)
    assert "RESOURCE_NOT_FOUND" in run("group", "undo-reset", "undone-group", code=1).stderr
    commit(dev, "undone-group", ("undone", 0, 3), ("undone", 1, 4))
    assert "RESOURCE_NOT_FOUND" in run("group", "undo-reset", "undone-group", code=1).stderr
    was, reset = {"undone-0": 3, "undone-1": 4}, {"undone-0": 10, "undone-1": 10, "undone-2": 10}
    run("group", "seek", "undone-group", "--topic", "undone", "--to", "end")
    assert committed(run, "undone-group") == reset
    planned = run("group", "undo-reset", "undone-group", "--plan").stdout
    assert re.search(r"^undone +0 +10 +3$", planned, re.M) and re.search(r"^undone +2 +10 +none$", planned, re.M)
    assert committed(run, "undone-group") == reset
    for expected in (was, reset, was):
        run("group", "undo-reset", "undone-group")
        assert committed(run, "undone-group") == expected


def test_a_reset_of_other_tools_is_undone_after_a_failover(dev, run):
    run("topic", "create", "moved", "-p", 2, "-r", 3)
    for partition in range(2):
        produce(dev, "moved", partition, 10)
    commit(dev, "moved-group", ("moved", 0, 3), ("moved", 1, 4))
    tool = consumer_of(dev, "moved-group")
    tool.commit(offsets=[TopicPartition("moved", 0, 0), TopicPartition("moved", 1, 0)], asynchronous=False)
    tool.close()
    # Members go on from there, and are no reset.
    commit(dev, "moved-group", ("moved", 0, 1), ("moved", 1, 2))
    leader = offsets_partition(run, "moved-group")["leader_id"]
    dev.kill(f"broker-{leader}")
    try:
        wait_until(lambda: offsets_partition(run, "moved-group")["leader_id"] not in (-1, leader), 20,
                   "another coordinator")
        run("group", "undo-reset", "moved-group")
        assert committed(run, "moved-group") == {"moved-0": 3, "moved-1": 4}
    finally:
        dev.restart(f"broker-{leader}")
        wait_until(lambda: len(offsets_partition(run, "moved-group")["isr_ids"]) == NODES, 40,
                   "the broker to be in sync again")


def test_groups_are_deleted_with_what_they_committed(dev, run):
    run("topic", "create", "deleted")
    produce(dev, "deleted", 0, 3)
    commit(dev, "deleted-group", ("deleted", 0, 2))
    assert "not confirmed" in run("group", "delete", "deleted-group", code=2, stdin="no\n").stderr
    assert run("group", "delete", "deleted-group", "--plan").stdout == "would delete group deleted-group\n"
    assert committed(run, "deleted-group") == {"deleted-0": 2}
    run("group", "delete", "deleted-group", stdin="deleted-group\n")
    assert "GROUP_ID_NOT_FOUND" in run("group", "describe", "deleted-group", code=1).stderr
    assert "GROUP_ID_NOT_FOUND" in run("group", "delete", "-y", "deleted-group", code=1).stderr
    assert not [text for text in pages(dev) if 'group="deleted-group"' in text]


def test_wrong_command_lines_and_unknown_names_are_told_apart(run):
    assert "expected start, end" in run("group", "seek", "g", "--to", "nowhere", code=2).stderr
    assert "not a range" in run("group", "seek", "g", "--to", "start:end", code=2).stderr
    assert "TOPIC[:PARTITION" in run("group", "seek", "g", "--topic", "t:x", "--to", "end", code=2).stderr
    assert run("group", "seek", "g", code=2).stderr and run("group", "list", "--state", "Odd", code=2).stderr
    assert "GROUP_ID_NOT_FOUND" in run("group", "seek", "nobodys", "--to", "end", code=1).stderr
    assert "UNKNOWN_TOPIC_OR_PARTITION" in run("group", "seek", "g", "-t", "no-such-topic", "--to", "end",
                                               code=1).stderr
    error = run("group", "describe", "nobodys", "--format", "json", code=1)
    assert json.loads(error.stdout)["groups"][0]["error_code"] == 69
    assert "list" in run("group", "--help").stdout
