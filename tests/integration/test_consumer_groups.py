"""Groups whose assignment the controller makes (KIP-848) with real clients on `weir dev --nodes 3`: members join, leave,
and are moved by new partitions, and by nothing else; neither the end of a controller nor that of a broker moves anybody.
"""

import functools
import re
import time

import pytest
from confluent_kafka.admin import AdminClient, NewPartitions

from support.admin import Admin
from support.groups import (GROUP, PARTITIONS, TOPIC, assert_read_on, coordinator_partition, produce_one_each,
                            wait_until_shared)
from support.java_tools import class_path, have_java, run_tool, SHORT_LIVED, TOOLS
from support.processes import Process, wait_until

# How long the sessions of both clients and brokers are out of the picture is seconds; members' sessions last 45.
QUIET_S = 8


@pytest.fixture
def join(join):
    return functools.partial(join, "consumer")


def settled(groups, members, partitions=PARTITIONS):
    """(group epoch, rebalances of each member) once all is shared and nothing is on its way."""
    wait_until_shared(members, partitions)
    group = groups.wait_until_consumers_stable(GROUP, len(members))
    return group.group_epoch, [member.rebalances() for member in members]


def assert_undisturbed(dev, groups, members, epoch, rebalances):
    assert_read_on(dev, members)
    until = time.monotonic() + QUIET_S
    while time.monotonic() < until:
        found = groups.describe_consumers(GROUP)
        assert found is None or (found.group_epoch, len(found.members)) == (epoch, len(members))
        assert [member.rebalances() for member in members] == rebalances
        time.sleep(0.2)
    assert_read_on(dev, members)
    group = groups.wait_until_consumers_stable(GROUP, len(members))
    assert group.group_epoch == epoch
    assert all(member.member_epoch == epoch for member in group.members)


def test_G02_partitions_are_shared_and_handed_over_when_a_member_leaves(dev, groups, join):
    first = join()
    epoch, _ = settled(groups, [first])
    second = join()
    joined, _ = settled(groups, [first, second])
    assert joined > epoch
    assert {len(first.owned()), len(second.owned())} == {PARTITIONS // 2}
    read = first.read() + second.read()
    produce_one_each(dev.bootstrap)
    wait_until(lambda: first.read() + second.read() == read + PARTITIONS, 20, "each record to be read once")
    second.leave()
    assert settled(groups, [first])[0] > joined


@pytest.mark.long
def test_G02_a_crashed_members_partitions_are_taken_over(groups, join):
    first, second = join(), join()
    epoch, _ = settled(groups, [first, second])
    second.crash()
    wait_until_shared([first], PARTITIONS, timeout_s=70)
    assert groups.wait_until_consumers_stable(GROUP, 1).group_epoch > epoch


def test_G02_new_partitions_are_given_to_somebody(dev, groups, join):
    members = [join(), join()]
    epoch, _ = settled(groups, members)
    admin = AdminClient({"bootstrap.servers": dev.bootstrap})
    admin.create_partitions([NewPartitions(TOPIC, 2 * PARTITIONS)])[TOPIC].result(timeout=20)
    assert settled(groups, members, 2 * PARTITIONS)[0] > epoch
    assert_read_on(dev, members, 2 * PARTITIONS)


def test_A03_the_end_of_the_active_controller_moves_nobody(dev, groups, join):
    members = [join(), join()]
    epoch, rebalances = settled(groups, members)
    with Admin(dev.admin) as admin:
        leader = wait_until(admin.leader_id, 10, "an active controller")
        dev.kill(f"controller-{leader}")
        wait_until(lambda: admin.leader_id() not in (None, leader), 10, "another active controller")
    assert_undisturbed(dev, groups, members, epoch, rebalances)


def test_A03_the_end_of_the_coordinators_broker_moves_nobody(dev, groups, join):
    members = [join(), join()]
    epoch, rebalances = settled(groups, members)
    described = AdminClient({"bootstrap.servers": dev.bootstrap}).list_topics(timeout=10)
    offsets = described.topics["__consumer_offsets"].partitions
    dev.kill(f"broker-{offsets[coordinator_partition(GROUP, len(offsets))].leader}")
    assert_undisturbed(dev, groups, members, epoch, rebalances)


# Its session lasts 45 s: nobody waits for the end of it.
def test_G19_a_static_member_that_is_killed_has_its_place_again_at_once(dev, groups, join):
    first, second = join(instance_id="one"), join(instance_id="two")
    epoch, rebalances = settled(groups, [first, second])
    owned = second.owned()
    for _ in range(3):
        second.crash()
        began = time.monotonic()
        second = join(instance_id="two")
        wait_until(lambda: second.owned() == owned, 20, "the static member to have its partitions again")
        print(f"owns again {time.monotonic() - began:.2f} s after its process was started")
    assert_undisturbed(dev, groups, [first, second], epoch, [rebalances[0], 1])


@pytest.mark.skipif(not have_java(), reason="needs a JDK and Maven")
def test_kafkas_consumer_and_tools_speak_the_protocol(dev, groups, join, data_dir):
    ours = join()
    settled(groups, [ours])
    command = ["java", *SHORT_LIVED, "-cp", class_path("server"), TOOLS["kafka-console-consumer"],
               "--bootstrap-server", dev.bootstrap, "--topic", TOPIC, "--group", GROUP,
               "--from-beginning", "--consumer-property", "group.protocol=consumer"]
    java = Process(command, data_dir / "java.log")
    try:
        group = groups.wait_until_consumers_stable(GROUP, 2, timeout_s=60)
        owned = [sum(len(topic.partitions) for topic in member.assignment) for member in group.members]
        assert owned == [PARTITIONS // 2] * 2
        produce_one_each(dev.bootstrap)
        wait_until(lambda: java.log_tail().count("value") == PARTITIONS // 2, 20, "Kafka's consumer to read its half")
        check_descriptions(dev)
    finally:
        java.stop()
    settled(groups, [ours])


def check_descriptions(dev):
    def describe(*how):
        code, output, errors = run_tool("kafka-consumer-groups", "--bootstrap-server", dev.bootstrap, "--describe",
                                        "--group", GROUP, *how)
        assert code == 0, output + errors
        return output

    members = describe("--members", "--verbose")
    assert len(re.findall(rf"^{GROUP}\s+\S+\s+/127\.0\.0\.1\s.*{TOPIC}:", members, re.M)) == 2, members
    state = describe("--state")
    assert re.search(rf"^{GROUP}\s+\S+.*\suniform\s+Stable\s.*2\s*$", state, re.M), state
    assert len(re.findall(rf"^{GROUP}\s+{TOPIC}\s+\d+\s", describe(), re.M)) == PARTITIONS
