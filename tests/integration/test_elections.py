"""Leader elections with real processes: three controllers, three brokers, topics with three replicas.

Leaderships go back to preferred replicas by themselves and on request, from every client; an unclean election
happens when somebody asks for it, or allows it, and is said and counted as possible loss (I-18).
"""

import json

import pytest

from support.admin import Admin, admin_pb2, record_pb2, require
from support.java_tools import have_java, run_tool
from support.metrics import metric
from support.processes import wait_until
from support.records import Producer, read
from support.weir_cluster import weir
from support.weir_nodes import WeirNodes


TOPIC = "elected"
# What a broker needs to come back into the ISR, and the controllers for two rounds of one second.
RETURN_S = 30


def start(data_dir, **controller_values):
    cluster = WeirNodes(data_dir, controller_values=controller_values)
    try:
        cluster.start("--bootstrap")
    except BaseException:
        cluster.stop()
        raise
    return cluster


@pytest.fixture
def manual(data_dir):
    """Leaderships go back only when somebody asks."""
    cluster = start(data_dir, **{"auto.leader.rebalance.enable": "false",
                                 "leader.imbalance.check.interval.seconds": 1})
    yield cluster
    cluster.stop()


@pytest.fixture
def automatic(data_dir):
    cluster = start(data_dir, **{"leader.imbalance.check.interval.seconds": 1})
    yield cluster
    cluster.stop()


def create(nodes, name, assignments, **configs):
    """A topic with the given replicas by partition."""
    topic = admin_pb2.NewTopic(name=name, configs={key.replace("_", "."): value
                                                   for key, value in configs.items()})
    for index, replicas in enumerate(assignments):
        topic.assignments.add(partition=index, broker_ids=replicas)
    with Admin(nodes.admin) as admin:
        reply = admin.call("CreateTopics", admin_pb2.CreateTopicsRequest(topics=[topic]))
        require(reply.topics[0].error)


def partitions(nodes, name=TOPIC):
    with Admin(nodes.admin) as admin:
        return admin.partitions(name)


def leaders(nodes, name=TOPIC):
    return [partition.leader_id for partition in partitions(nodes, name)]


def all_in_sync(nodes, name=TOPIC):
    return all(sorted(partition.isr_ids) == sorted(partition.replica_ids)
               for partition in partitions(nodes, name))


def bounce(nodes, broker_id):
    """The broker is stopped and comes back; returns once it is in every ISR again."""
    broker = nodes[f"broker-{broker_id}"]
    broker.stop()
    wait_until(lambda: broker_id not in leaders(nodes), RETURN_S, "other leaders")
    broker.start()
    wait_until(lambda: all_in_sync(nodes), RETURN_S, "the broker to be in sync")


def set_config(nodes, name, key, value):
    resource = admin_pb2.AlteredResource(
        resource=admin_pb2.ConfigResource(type=record_pb2.CONFIG_RESOURCE_TOPIC, name=name),
        changes=[admin_pb2.ConfigChange(key=key, value=value)])
    with Admin(nodes.admin) as admin:
        require(admin.call("AlterConfigs", admin_pb2.AlterConfigsRequest(resources=[resource]))
                .resources[0].error)


def unclean_elections(nodes):
    """What all controllers have counted."""
    return sum(metric(node, "weir_controller_unclean_elections_total") for node in nodes.controllers())


def test_leaderships_go_back_by_themselves(automatic):
    create(automatic, TOPIC, [[1, 2, 3], [2, 3, 1], [3, 1, 2], [1, 3, 2]])
    assert leaders(automatic) == [1, 2, 3, 1]
    bounce(automatic, 1)
    wait_until(lambda: leaders(automatic) == [1, 2, 3, 1], RETURN_S, "leaderships to go back")


def test_elections_on_request(manual):
    """By `weir`, kafka-python and Kafka's own tool."""
    from kafka.admin import KafkaAdminClient

    create(manual, TOPIC, [[1, 2, 3], [2, 3, 1], [1, 3, 2], [1, 2, 3]])
    bounce(manual, 1)
    moved = leaders(manual)
    assert 1 not in moved
    epochs = [partition.leader_epoch for partition in partitions(manual)]

    done = weir("partition", "elect", f"{TOPIC}:0", "--dry-run", "--admin", manual.admin)
    assert done.returncode == 0 and "would be led by 1" in done.stdout, done
    assert leaders(manual) == moved
    done = weir("partition", "elect", f"{TOPIC}:0,1", "--admin", manual.admin, "--format", "json")
    assert done.returncode == 0 or "ELECTION_NOT_NEEDED" in done.stdout, done
    reply = json.loads(done.stdout)
    assert [part["leader_id"] for part in reply["partitions"]] == [1, -1]
    assert reply["partitions"][1]["error"]["name"] == "ELECTION_NOT_NEEDED"
    assert leaders(manual)[0] == 1

    if have_java():
        code, output, errors = run_tool("kafka-leader-election", "--bootstrap-server", manual.bootstrap,
                                        "--election-type", "preferred", "--topic", TOPIC, "--partition", 2)
        assert code == 0, output + errors
        assert f"Successfully completed leader election (PREFERRED) for partitions {TOPIC}-2" in output
        assert leaders(manual)[2] == 1
        code, output, errors = run_tool("kafka-leader-election", "--bootstrap-server", manual.bootstrap,
                                        "--election-type", "preferred", "--topic", TOPIC, "--partition", 2)
        assert code == 0 and "Valid replica already elected" in output, output + errors
        code, output, errors = run_tool("kafka-leader-election", "--bootstrap-server", manual.bootstrap,
                                        "--election-type", "preferred", "--topic", "no-such", "--partition", 0)
        assert code == 1 and "UnknownTopicOrPartition" in output + errors, output + errors

    client = KafkaAdminClient(bootstrap_servers=manual.bootstrap)
    try:
        response = client.elect_leaders(0)
    finally:
        client.close()
    assert leaders(manual) == [1, 2, 1, 1], response
    after = partitions(manual)
    assert [partition.leader_epoch - epoch for partition, epoch in zip(after, epochs)] == [1, 0, 1, 1]
    assert all_in_sync(manual)


def leaderless(nodes, name):
    """A topic whose last leader, broker 1, is gone: broker 2 is up but may lack records."""
    create(nodes, name, [[1, 2]], min_insync_replicas="1")
    nodes["broker-2"].stop()
    wait_until(lambda: list(partitions(nodes, name)[0].isr_ids) == [1], RETURN_S, "broker 2 to leave the ISR")


def test_I18_unclean_elections_are_asked_for_and_said(manual):
    leaderless(manual, "asked")
    create(manual, "kept", [[1]])
    create(manual, "failed-over", [[1, 3]])
    manual["broker-1"].stop()
    manual["broker-2"].start()
    wait_until(lambda: leaders(manual, "failed-over") == [3], RETURN_S, "the clean failover")
    with Admin(manual.admin) as admin:
        wait_until(lambda: {broker.broker_id for broker in admin.cluster().brokers if not broker.fenced}
                   == {2, 3}, RETURN_S, "broker 2 to be back")
    assert leaders(manual, "asked") == [-1]
    assert unclean_elections(manual) == 0

    done = weir("partition", "elect", "asked", "--admin", manual.admin)
    assert done.returncode == 1 and "PREFERRED_LEADER_NOT_AVAILABLE" in done.stderr, done
    done = weir("partition", "elect", "--unclean", "asked", "kept", "-y", "--admin", manual.admin)
    assert "asked-0  is led by 2  acknowledged records may be lost" in done.stdout, done
    assert "kept-0: ELIGIBLE_LEADERS_NOT_AVAILABLE" in done.stderr, done
    assert leaders(manual, "asked") == [2]
    assert unclean_elections(manual) == 1
    said = [line for node in manual.controllers() for line in node.log.read_text().splitlines()
            if "unclean leader election" in line]
    assert len(said) == 1 and "topic=asked" in said[0], said


def test_allowing_unclean_elections_elects_at_once(manual):
    leaderless(manual, "allowed")
    manual["broker-1"].stop()
    manual["broker-2"].start()
    with Admin(manual.admin) as admin:
        wait_until(lambda: {broker.broker_id for broker in admin.cluster().brokers if not broker.fenced}
                   == {2, 3}, RETURN_S, "broker 2 to be back")
    assert leaders(manual, "allowed") == [-1]
    set_config(manual, "allowed", "unclean.leader.election.enable", "true")
    assert leaders(manual, "allowed") == [2], "in the same batch as the configuration"
    assert unclean_elections(manual) == 1


def test_I08_a_lower_min_insync_replicas_ends_the_elr(manual):
    create(manual, TOPIC, [[1, 2, 3]], min_insync_replicas="3")
    manual["broker-3"].stop()
    wait_until(lambda: list(partitions(manual)[0].elr_ids) == [3], RETURN_S, "broker 3 in the ELR")
    set_config(manual, TOPIC, "min.insync.replicas", "2")
    assert not partitions(manual)[0].elr_ids
    assert sorted(partitions(manual)[0].isr_ids) == [1, 2]


def test_I18_after_an_outage_of_all_the_log_that_goes_furthest_leads(manual):
    """With durability=os nobody's log is known to be whole after a crash of all brokers."""
    values = [b"%d" % number for number in range(500)]
    create(manual, TOPIC, [[1, 2, 3]], min_insync_replicas="3", durability="os")
    Producer(manual.bootstrap).send_all(TOPIC, values)
    before = partitions(manual)[0].leader_epoch
    for broker in manual.brokers():
        broker.kill()
    for broker in manual.brokers():
        broker.start()
    wait_until(lambda: partitions(manual)[0].leader_epoch > before and leaders(manual) != [-1]
               and all_in_sync(manual), RETURN_S, "a leader that all follow")
    assert read(manual.bootstrap, TOPIC, len(values)) == values
    assert unclean_elections(manual) == 1, "records that were not synced might have been lost"


def test_D22_a_full_disk_leads_only_where_nobody_else_can(automatic):
    """A broker is full from its reserve on: one that no disk has makes it so at once."""
    create(automatic, TOPIC, [[1, 2]], min_insync_replicas="1")
    automatic["broker-2"].stop()
    wait_until(lambda: list(partitions(automatic)[0].isr_ids) == [1], RETURN_S, "broker 2 to leave the ISR")
    full = automatic["broker-1"]
    full.stop()
    full.write_config(**{"storage.disk.reserve.bytes": "1000000GiB"})
    full.start()
    wait_until(lambda: leaders(automatic) == [1], RETURN_S, "the only one in sync to lead, full as it is")
    automatic["broker-2"].start()
    wait_until(lambda: leaders(automatic) == [2], RETURN_S, "another one in sync to lead")
    values = [b"%d" % number for number in range(100)]
    Producer(automatic.bootstrap).send_all(TOPIC, values)
    full.stop()
    full.write_config(**{"storage.disk.reserve.bytes": "0"})
    full.start()
    wait_until(lambda: leaders(automatic) == [1] and all_in_sync(automatic), RETURN_S, "the leadership to go back")
    assert read(automatic.bootstrap, TOPIC, len(values)) == values
