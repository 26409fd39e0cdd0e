"""A consumer group of each client library, with each protocol it speaks: partitions are shared when members join, taken over
when one leaves and when one crashes; nothing is missed, and what was committed does not come again. A static member that
crashes and comes back has what it had, and nobody notices.
"""

import pytest

from chaos.group_history import GroupHistory
from support import group_clients
from support.api_versions import CONSUMER_GROUP_HEARTBEAT, api_versions
from support.group_clients import CLIENTS, Program
from support.processes import wait_until
from support.records import Producer

PARTITIONS, SESSION_TIMEOUT_MS = 4, 6_000
# Longer than the slowest client takes to start.
STATIC_SESSION_TIMEOUT_MS = 60_000
# A compiler has to be fetched for these.
IN_GO = ("franz-go", "sarama")
STATIC = ("kafka-python", "confluent", "confluent-cooperative", "confluent-consumer", "java", "java-consumer", "aiokafka",
          "franz-go", "sarama")


@pytest.fixture(scope="module")
def topic(cluster):
    from confluent_kafka.admin import AdminClient, NewTopic
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    admin.create_topics([NewTopic("members", PARTITIONS)], request_timeout=20)["members"].result(20)
    return "members"


@pytest.fixture
def group(cluster, topic, data_dir, request):
    """Starts members of one client, each in a process of its own; shows what they said if the test fails."""
    started = Group(cluster.bootstrap, topic, data_dir, request.node.callspec.params["client"],
                    request.function.__name__)
    yield started
    for program in started.programs.values():
        program.kill()


class Group:
    def __init__(self, bootstrap, topic, directory, client, test):
        self.client, self.name = CLIENTS[client], f"{test}-{client}"
        if self.client.protocol == "consumer" and CONSUMER_GROUP_HEARTBEAT not in api_versions(bootstrap.split(",")[0]):
            pytest.skip("the broker does not offer ConsumerGroupHeartbeat")
        self.history, self.programs, self.ends = GroupHistory(self.name), {}, {}
        self.bootstrap, self.topic, self.directory = bootstrap, topic, directory

    def join(self, member, commit="manual", instance_id=None):
        self.programs[member] = program = Program(
            self.client.library, self.bootstrap, self.topic, self.directory / f"{member}.log", self.history.take,
            STATIC_SESSION_TIMEOUT_MS if instance_id else SESSION_TIMEOUT_MS)
        program.join(member, self.name, self.client.protocol, commit, instance_id)

    def _wait(self, condition, what):
        try:
            wait_until(condition, 90, what)
        except TimeoutError as late:
            raise AssertionError(f"{late}: {self.history.describe()}") from None

    def wait_until_shared(self):
        """By all members that run."""
        self._wait(lambda: self.history.shared(len(self.programs), PARTITIONS), "the partitions to be shared")

    def wait_until_read(self, ends):
        self._wait(lambda: self.history.has_read(ends), f"{ends} to be read")

    def leave(self, member):
        program = self.programs.pop(member)
        assert program.end() == 0
        self.history.leaves(member)

    def crash(self, member):
        self.programs.pop(member).kill()
        self.history.leaves(member)


def produce(bootstrap, topic, count):
    """`count` more records to each partition; returns {partition: end offset}."""
    producer = Producer(bootstrap)
    for number in range(count * PARTITIONS):
        producer.send(topic, b"%d" % number, number % PARTITIONS)
    producer.flush()
    assert not producer.errors
    return {partition: max(offset for _, place, offset, _ in producer.acknowledged if place == partition) + 1
            for partition in range(PARTITIONS)}


def clients(names):
    return pytest.mark.parametrize("client", [
        pytest.param(name, marks=[pytest.mark.long] if CLIENTS[name].library in IN_GO else []) for name in names])


@clients(CLIENTS)
def test_members_join_leave_and_crash(cluster, topic, group, client):
    group.join("first")
    group.wait_until_shared()
    ends = produce(cluster.bootstrap, topic, 20)
    group.wait_until_read(ends)
    group.join("second")
    group.wait_until_shared()
    group.wait_until_read(produce(cluster.bootstrap, topic, 20))
    group.leave("first")
    group.wait_until_shared()
    group.join("third", commit="auto")
    group.wait_until_shared()
    group.wait_until_read(produce(cluster.bootstrap, topic, 20))
    if group.client.protocol != "consumer":
        group.crash("second")
        group.wait_until_shared()
    check_all_is_read(cluster, topic, group)


@pytest.mark.long
@clients([name for name, client in CLIENTS.items() if client.protocol == "consumer"])
def test_a_crash_is_noticed_by_the_brokers(cluster, topic, group, client):
    """Sessions of the consumer protocol are the brokers' affair, and last 45 s at least."""
    group.join("first")
    group.join("second")
    group.wait_until_shared()
    group.crash("second")
    group.wait_until_shared()
    check_all_is_read(cluster, topic, group)


def check_all_is_read(cluster, topic, group):
    ends = produce(cluster.bootstrap, topic, 20)
    group.wait_until_read(ends)
    assert group.history.missed(ends) == 0
    assert group.history.duplicates()[1] == []


@clients(STATIC)
def test_a_static_member_that_restarts_moves_nobody(group, client):
    group.join("first", instance_id="one")
    group.join("second", instance_id="two")
    group.wait_until_shared()
    owned, marks = group.history.owned(), group.history.marks()
    group.crash("second")
    group.join("again", instance_id="two")
    group.wait_until_shared()
    assert group.history.owned() == {"first": owned["first"], "again": owned["second"]}
    _, assignments, revoked = group.history.since(marks)
    assert (assignments, revoked) == (1, 0), "of the one that came back"
    if group.client.protocol == "consumer":
        assert group.history.errors == []
