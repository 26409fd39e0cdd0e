"""The controller quorum under faults, with real processes: the active one is killed, a directory is wiped, the
majority is lost, one is far behind, voters are replaced.
"""

import re
import statistics
import threading
import time

import pytest

from support.admin import Admin, AdminFailure, admin_pb2, context, record_pb2
from support.metrics import metric
from support.processes import free_ports, wait_until
from support.records import Producer, read
from support.weir_nodes import WeirNodes

GOAL_NEXT_CREATION_S = 0.5
KILLS = 20
CALLS_WHILE_SCRAPED = 200


@pytest.fixture
def nodes(data_dir):
    """Three controllers and one broker, stopped at the end whatever the test did."""
    cluster = WeirNodes(data_dir, controllers=3, brokers=1)
    try:
        cluster.start("--bootstrap")
        yield cluster
    finally:
        cluster.stop()


class Creator(threading.Thread):
    """Creates topics one after the other, repeating each with its request id until it is acknowledged."""

    def __init__(self, addresses, prefix):
        super().__init__(daemon=True)
        self._admin = Admin(addresses, timeout_s=5)
        self._prefix = prefix
        self._stopping = threading.Event()
        self.acknowledged = []
        self.failure = None
        self.last_refusal = None

    def use(self, addresses):
        """From the next attempt on, asks these controllers."""
        self._admin = Admin(addresses, timeout_s=5)

    def run(self):
        try:
            while not self._stopping.is_set():
                self._create(f"{self._prefix}-{len(self.acknowledged)}")
        except Exception as error:  # noqa: BLE001, shown by stop()
            self.failure = error
        self._admin.close()

    def _create(self, name):
        request_id = f"creation-of-{name}"
        deadline = time.monotonic() + 30
        while True:
            started = time.monotonic()
            try:
                self._admin.create_topic(name, request_id=request_id)
                self.acknowledged.append((name, started, time.monotonic()))
                return
            except AdminFailure as failure:
                self.last_refusal = failure
                if time.monotonic() > deadline:
                    raise
                if failure.name == "TOPIC_ALREADY_EXISTS":
                    raise AssertionError(f"{name}: a repeated request id was not recognised") from failure
                time.sleep(0.002)

    def wait_for(self, count, timeout_s=30):
        """Until `count` more topics have been acknowledged."""
        wanted = len(self.acknowledged) + count
        try:
            wait_until(lambda: len(self.acknowledged) >= wanted or self.failure, timeout_s,
                       f"{count} more topics")
        except TimeoutError as late:
            raise TimeoutError(f"{late}; last refusal: {self.last_refusal}") from None
        assert not self.failure, self.failure

    def stop(self):
        self._stopping.set()
        self.join(40)
        assert not self.failure, self.failure
        return [name for name, _, _ in self.acknowledged]


def active(admin):
    return wait_until(admin.leader_id, 10, "an active controller")


def assert_everywhere(nodes, names, ids=(1, 2, 3)):
    """Every controller lists all these topics (soon: the last ones commit with the next heartbeat)."""
    for number in ids:
        with Admin(nodes[f"controller-{number}"].values["listen"]) as admin:
            wait_until(lambda: set(names) <= admin.topic_names(), 10, f"controller-{number} to have all "
                       f"{len(names)} topics")


def test_the_active_controller_is_killed_while_topics_are_created(nodes):
    gaps = []
    creator = Creator(nodes.admin, "created")
    creator.start()
    with Admin(nodes.admin, timeout_s=2) as admin:
        for _ in range(KILLS):
            creator.wait_for(3)
            victim = nodes[f"controller-{active(admin)}"]
            killed = time.monotonic()
            victim.kill()
            creator.wait_for(3)
            # A creation that was under way may still have been acknowledged by the victim.
            gaps.append(next(end for _, start, end in creator.acknowledged if end > killed + 0.001) - killed)
            victim.start()
            wanted = wait_until(lambda: admin.quorum().commit_index, 5, "the commit index")
            wait_until(lambda: caught_up(admin, victim.node_id, wanted), 20, f"{victim.name} to be back")
    names = creator.stop()
    ordered = sorted(gaps)
    print(f"\nkill -9 of the active controller, {KILLS} times, {len(names)} topics: next creation after "
          f"{statistics.median(gaps):.3f} s median, {ordered[-1]:.3f} s worst (p99); goal "
          f"{GOAL_NEXT_CREATION_S} s median")
    assert_everywhere(nodes, names)
    assert statistics.median(gaps) < 10 * GOAL_NEXT_CREATION_S


def test_metrics_are_read_while_calls_are_counted(nodes):
    """A scrape waits for the controller's loop, which counts the calls that it answers."""
    called = threading.Event()
    failures = []

    def scrape(controller):
        try:
            while not called.is_set():
                assert metric(controller, "weir_raft_term") > 0
        except Exception as error:  # noqa: BLE001, shown below
            failures.append(error)

    scrapers = [threading.Thread(target=scrape, args=(node,)) for node in nodes.controllers()]
    for scraper in scrapers:
        scraper.start()
    try:
        with Admin(nodes.admin) as admin:
            for _ in range(CALLS_WHILE_SCRAPED):
                admin.cluster()
    finally:
        called.set()
        for scraper in scrapers:
            scraper.join()
    assert not failures


def test_a_broker_finds_controllers_that_its_configuration_does_not_name(data_dir):
    nodes = WeirNodes(data_dir, controllers=3, brokers=1)
    try:
        for node in nodes.controllers():
            node.start("--bootstrap")
        with Admin(nodes.admin, timeout_s=2) as admin:
            leader = active(admin)
            only = nodes[f"controller-{leader}"]
            nodes.brokers()[0].write_config(controllers=only.values["listen"])
            nodes.start("--bootstrap")
            only.kill()
            wait_until(lambda: admin.leader_id() not in (None, leader), 10, "another active controller")
            wait_until(lambda: heard_of_all_brokers(admin), 10, "the broker's session with the new one")
    finally:
        nodes.stop()


def heard_of_all_brokers(admin):
    """Whether the active controller knows of every broker what it has applied, which only a session tells it."""
    try:
        return all(broker.applied_offset > 0 for broker in admin.cluster().brokers)
    except AdminFailure:
        return False


def caught_up(admin, controller_id, index=None):
    """Whether it has the log up to `index` (default: what is committed now) and is heard of."""
    try:
        quorum = admin.quorum()
    except AdminFailure:
        return False
    wanted = quorum.commit_index if index is None else index
    return any(member.controller_id == controller_id and member.match_index >= wanted
               and (member.leader or 0 <= member.last_contact_ms < 1000) for member in quorum.members)


def test_a_wiped_directory_cannot_vote(nodes):
    """Two of three directories are lost: whatever is started on the empty ones, nothing is elected."""
    with Admin(nodes.admin) as admin:
        admin.create_topic("precious")
    for name in ("controller-2", "controller-3"):
        nodes[name].stop()
        nodes[name].wipe()
        code, output = nodes[name].run_to_end()
        assert code != 0 and "--bootstrap" in output, output
    # The refusal is of the empty directory alone; forced to format, the node still has no vote.
    for name in ("controller-2", "controller-3"):
        nodes[name].start("--bootstrap")
    survivor = nodes["controller-1"].values["listen"]
    with Admin(nodes.admin) as admin:
        watched_until = time.monotonic() + 3
        while time.monotonic() < watched_until:
            for address in admin.addresses:
                try:
                    reply = admin.quorum(address, timeout_s=1)
                except AdminFailure:
                    continue
                assert address == survivor or reply.leader_id != 2 and reply.leader_id != 3, f"{reply}"
                assert not (reply.leader_id == 1 and committed_after_wipe(admin, survivor))


def committed_after_wipe(admin, address):
    try:
        request = admin_pb2.CreateTopicsRequest(
            context=context(), topics=[admin_pb2.NewTopic(name="x", partitions=1, replication_factor=1)])
        return admin.call_at(address, "CreateTopics", request, 1).topics[0].error.code == 0
    except AdminFailure:
        return False


def test_without_a_majority_admin_fails_and_data_flows(nodes):
    with Admin(nodes.admin) as admin:
        admin.create_topic("flowing")
        leader = active(admin)
        others = [number for number in (1, 2, 3) if number != leader]
        for number in others:
            nodes[f"controller-{number}"].kill()
        with pytest.raises(AdminFailure) as refusal:
            admin.create_topic("impossible", timeout_s=3)
        print(f"\nwithout a majority: {refusal.value}")
        assert refusal.value.message
        values = [b"%d" % number for number in range(500)]
        Producer(nodes.bootstrap).send_all("flowing", values)
        assert read(nodes.bootstrap, "flowing", len(values)) == values
        nodes[f"controller-{others[0]}"].start()
        wait_until(lambda: creates(admin, "possible"), 15, "admin calls to work again")
        Producer(nodes.bootstrap).send_all("flowing", values)
        assert read(nodes.bootstrap, "flowing", 2 * len(values)) == values + values


def creates(admin, name):
    try:
        admin.create_topic(name, request_id=f"creation-of-{name}", timeout_s=2)
        return True
    except AdminFailure:
        return False


def alter_many(admin, names, number):
    """One call with 20 configuration records for each topic."""
    keys = ["retention.ms", "retention.bytes", "segment.bytes", "segment.ms", "max.message.bytes",
            "min.insync.replicas", "flush.ms", "flush.messages", "delete.retention.ms",
            "file.delete.delay.ms", "index.interval.bytes", "max.compaction.lag.ms",
            "min.compaction.lag.ms", "segment.index.bytes", "segment.jitter.ms",
            "min.cleanable.dirty.ratio", "compression.type", "message.timestamp.type", "preallocate",
            "cleanup.policy"]
    special = {"min.cleanable.dirty.ratio": "0.5", "compression.type": "producer", "preallocate": "false",
               "message.timestamp.type": "CreateTime", "cleanup.policy": "delete",
               "min.insync.replicas": "1", "segment.index.bytes": str(1_000_000 + number),
               "segment.bytes": str(100_000_000 + number)}
    changes = [admin_pb2.ConfigChange(key=key, value=special.get(key, str(1_000_000 + number)))
               for key in keys]
    resources = [admin_pb2.AlteredResource(
        resource=admin_pb2.ConfigResource(type=record_pb2.CONFIG_RESOURCE_TOPIC, name=name),
        changes=changes) for name in names]
    reply = admin.call("AlterConfigs", admin_pb2.AlterConfigsRequest(context=context(), resources=resources))
    for resource in reply.resources:
        assert resource.error.code == 0, resource
    return len(names) * len(keys)


@pytest.fixture
def small_snapshots(data_dir):
    cluster = WeirNodes(data_dir, controllers=3, brokers=1,
                        controller_values={"metadata.snapshot.log.bytes": 1024 * 1024})
    try:
        cluster.start("--bootstrap")
        yield cluster
    finally:
        cluster.stop()


def test_a_controller_100_000_records_behind_catches_up_by_snapshot(small_snapshots):
    nodes = small_snapshots
    with Admin(nodes.admin, timeout_s=20) as admin:
        names = [f"behind-{number}" for number in range(100)]
        for name in names:
            admin.create_topic(name)
        late = next(number for number in (1, 2, 3) if number != active(admin))
        nodes[f"controller-{late}"].stop()
        last_seen = admin.quorum().commit_index
        written = 0
        while written < 100_000:
            written += alter_many(admin, names, written)
        quorum = wait_until(lambda: newer_snapshot(admin, last_seen), 20, "a snapshot past what it has")
        wanted = quorum.commit_index
        started = time.monotonic()
        nodes[f"controller-{late}"].start()
        wait_until(lambda: caught_up(admin, late, wanted), 30, f"controller-{late} to catch up")
        print(f"\n{written} records behind: caught up {time.monotonic() - started:.3f} s after its start "
              f"(snapshot at {quorum.snapshot_index}, it had {last_seen})")
        with Admin(nodes[f"controller-{late}"].values["listen"]) as there:
            assert there.topic_names() >= set(names)


def newer_snapshot(admin, index):
    quorum = admin.quorum()
    return quorum if quorum.snapshot_index > index else None


def test_voters_are_replaced_one_by_one_under_load(nodes):
    creator = Creator(nodes.admin, "replaced")
    creator.start()
    with Admin(nodes.admin, timeout_s=20) as admin:
        admin.call("TransferLeadership", admin_pb2.TransferLeadershipRequest(controller_id=3))
        wait_until(lambda: admin.leader_id() == 3, 10, "controller-3 to lead")
    creator.wait_for(2)
    first = free_ports(6)
    joined = []
    for number in (1, 2, 3):
        newcomer = nodes.add_controller(number + 3, first + number - 1, first + number + 2,
                                        join=nodes.admin, **{"quorum.voters": ""})
        newcomer.start()
        addresses = ",".join([nodes.admin, *(node.values["listen"] for node in joined)])
        with Admin(addresses, timeout_s=20) as admin:
            directory_id = wait_until(lambda: own_directory_id(newcomer), 15, "the newcomer's directory id")
            creator.wait_for(2)
            wait_until(lambda: replaced(admin, newcomer, directory_id, number), 30,
                       f"controller-{number} to be replaced")
        creator.wait_for(2)
        nodes[f"controller-{number}"].stop()
        joined.append(newcomer)
        remaining = [*joined, *(nodes[f"controller-{old}"] for old in (1, 2, 3) if old > number)]
        creator.use(",".join(node.values["listen"] for node in remaining))
        creator.wait_for(2)
    names = creator.stop()
    assert_everywhere(nodes, names, ids=(4, 5, 6))
    with Admin(",".join(node.values["listen"] for node in joined)) as admin:
        assert {member.controller_id for member in admin.quorum().members if member.voter} == {4, 5, 6}
    print(f"\nthree voters replaced while {len(names)} topics were created")


def own_directory_id(node):
    """What a controller prints when it starts: SERVING controller-4 ... directory_id=..."""
    found = re.search(r"^SERVING \S+ .*directory_id=(\S+)", node.log.read_text(), re.MULTILINE)
    return found and found[1]


def replaced(admin, newcomer, directory_id, old_id):
    try:
        reply = admin.call("AddVoter", admin_pb2.AddVoterRequest(
            context=context(f"replace-{old_id}"), controller_id=newcomer.node_id,
            directory_id=directory_id, address=newcomer.values["listen"],
            replaces_controller_id=old_id))
    except AdminFailure as failure:
        print(f"AddVoter: {failure}")
        return False
    voters = {member.controller_id for member in reply.members if member.voter}
    return newcomer.node_id in voters and old_id not in voters
