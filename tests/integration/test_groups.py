"""Consumer groups with real clients on `weir dev --nodes 3`: each partition is owned once, survivors take over, and
neither the end of a controller nor that of a broker moves anybody (DESIGN D6).
"""

import time

import confluent_kafka
import pytest
from confluent_kafka.admin import AdminClient

from support.admin import Admin
from support.groups import (GROUP, PARTITIONS, TOPIC, assert_read_on, coordinator_partition, produce_one_each,
                            wait_until_shared)
from support.processes import wait_until

SESSION_TIMEOUT_MS = 6_000
CLIENTS = ("python", "confluent")


def assert_undisturbed(dev, groups, members, generation, rebalances):
    """Members go on reading and nobody is moved, for longer than a session lasts."""
    assert_read_on(dev, members)
    until = time.monotonic() + 1.5 * SESSION_TIMEOUT_MS / 1000
    while time.monotonic() < until:
        assert groups.generation(GROUP) == generation
        assert [member.rebalances() for member in members] == rebalances
        time.sleep(0.2)
    assert len(groups.describe(GROUP).members) == len(members)


def wait_until_stable(groups, client, members):
    """The group's generation or epoch, once it is stable with so many members."""
    if client == "consumer":
        return groups.wait_until_consumers_stable(GROUP, members).group_epoch
    return groups.wait_until_stable(GROUP, members)


def settled(groups, members, client=None):
    """(generation, rebalances of each member) once all is shared."""
    wait_until_shared(members, PARTITIONS)
    generation = wait_until_stable(groups, client, len(members))
    return generation, [member.rebalances() for member in members]


@pytest.mark.parametrize("how", ("leave", "crash"))
@pytest.mark.parametrize("client", CLIENTS)
def test_G02_partitions_are_shared_and_taken_over(dev, groups, join, client, how):
    first, second = join(client), join(client)
    generation, _ = settled(groups, [first, second])
    produce_one_each(dev.bootstrap)
    wait_until(lambda: first.read() + second.read() == PARTITIONS, 20, "each record to be read once")
    getattr(second, how)()
    wait_until_shared([first], PARTITIONS)
    assert groups.wait_until_stable(GROUP, 1) > generation


def test_G02_clients_of_two_kinds_share_a_group(dev, groups, join):
    settled(groups, [join("python"), join("confluent")])


@pytest.mark.parametrize("client", CLIENTS)
def test_A03_the_end_of_the_active_controller_moves_nobody(dev, groups, join, client):
    members = [join(client), join(client)]
    generation, rebalances = settled(groups, members)
    with Admin(dev.admin) as admin:
        leader = wait_until(admin.leader_id, 10, "an active controller")
        dev.kill(f"controller-{leader}")
        wait_until(lambda: admin.leader_id() not in (None, leader), 10, "another active controller")
    assert_undisturbed(dev, groups, members, generation, rebalances)


@pytest.mark.parametrize("client", CLIENTS)
def test_A03_the_end_of_the_coordinators_broker_moves_nobody(dev, groups, join, client):
    members = [join(client), join(client)]
    generation, rebalances = settled(groups, members)
    described = AdminClient({"bootstrap.servers": dev.bootstrap}).list_topics(timeout=10)
    offsets = described.topics["__consumer_offsets"].partitions
    dev.kill(f"broker-{offsets[coordinator_partition(GROUP, len(offsets))].leader}")
    assert_undisturbed(dev, groups, members, generation, rebalances)


def committed(dev):
    """Offsets of the group in all partitions, added up."""
    asker = confluent_kafka.Consumer({"bootstrap.servers": dev.bootstrap, "group.id": GROUP, "log_level": 2})
    asked = [confluent_kafka.TopicPartition(TOPIC, partition) for partition in range(PARTITIONS)]
    try:
        found = asker.committed(asked, timeout=5)
    except confluent_kafka.KafkaException:
        return 0
    finally:
        asker.close()
    return sum(max(each.offset, 0) for each in found if not each.error)


@pytest.mark.parametrize("client", (*CLIENTS, "consumer"))
@pytest.mark.parametrize("outage_s", (1.5 * SESSION_TIMEOUT_MS / 1000, pytest.param(60, marks=pytest.mark.long)))
def test_A03_without_quorum_members_go_on_and_joins_wait(dev, groups, join, client, outage_s):
    first = join(client, commits=True)
    _, rebalances = settled(groups, [first], client)
    for controller in ("controller-1", "controller-2"):
        dev.kill(controller)
    second = join(client)
    rounds, slowest_s, until = 0, 0, time.monotonic() + outage_s
    while time.monotonic() < until:
        begin = time.monotonic()
        assert_read_on(dev, [first])
        wait_until(lambda: committed(dev) >= first.read(), 20, "what was read to be committed")
        rounds, slowest_s = rounds + 1, max(slowest_s, time.monotonic() - begin)
        assert [first.rebalances()] == rebalances
        assert not second.owned()
    back = time.monotonic()
    for controller in ("controller-1", "controller-2"):
        dev.restart(controller)
    wait_until_shared([first, second], PARTITIONS)
    wait_until_stable(groups, client, 2)
    print(f"{client}: {rounds} times produced, read and committed in {outage_s:.0f} s without a quorum, "
          f"{slowest_s:.2f} s at most; the waiting join was done {time.monotonic() - back:.2f} s after it was back")


def test_G19_a_static_member_that_restarts_moves_nobody(dev, groups, join):
    static = dict(session_timeout_ms=30_000)
    first = join("confluent", instance_id="one", **static)
    second = join("confluent", instance_id="two", **static)
    generation, _ = settled(groups, [first, second])
    owned = second.owned()
    second.crash()
    again = join("confluent", instance_id="two", **static)
    wait_until(lambda: again.owned() == owned, 20, "the static member to have its partitions again")
    assert groups.generation(GROUP) == generation


def test_groups_are_listed_described_and_deleted(dev, groups, join):
    member = join("confluent")
    settled(groups, [member])
    admin = AdminClient({"bootstrap.servers": dev.bootstrap})
    listed = admin.list_consumer_groups(request_timeout=10).result()
    assert not listed.errors
    assert [found.group_id for found in listed.valid] == [GROUP], "once, not by every broker"
    described = admin.describe_consumer_groups([GROUP], request_timeout=20)[GROUP].result()
    assert described.state == confluent_kafka.ConsumerGroupState.STABLE
    assert described.partition_assignor == "range"
    owned = {found.partition for found in described.members[0].assignment.topic_partitions}
    assert owned == set(range(PARTITIONS))
    with pytest.raises(confluent_kafka.KafkaException) as refused:
        admin.delete_consumer_groups([GROUP], request_timeout=20)[GROUP].result()
    assert refused.value.args[0].code() == confluent_kafka.KafkaError.NON_EMPTY_GROUP
    member.leave()
    wait_until(lambda: not groups.describe(GROUP).members, 20, "the group to be empty")
    admin.delete_consumer_groups([GROUP], request_timeout=20)[GROUP].result()
    assert not admin.list_consumer_groups(request_timeout=10).result().valid
