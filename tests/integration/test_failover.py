"""The leader of a partition goes while kafka-python, confluent-kafka and Java producers write with acks=all: nothing
acknowledged is lost or doubled, and the longest time between two acknowledgements of a partition is short.

The same when all processes end at once, and when only what was synced survives that. 5 rounds each; scripts/test.sh
long makes 50, and 30 of the last two.
"""

import statistics

import pytest

from chaos import failover
from support.admin import Admin, AdminFailure
from support.weir_nodes import WeirNodes

# (median, worst) seconds between two acknowledgements of a partition.
BOUNDS_S = {"kill": (1.0, 2.0), "terminate": (0.2, 2.0), "kill-with-controller": (1.5, 2.5)}
OUTAGES_MAX = 30


def test_the_longest_gap_begins_before_the_fault():
    acks = [("p", at) for at in (1.0, 1.1, 1.2, 2.0, 2.1, 2.6)] + [("q", 1.5)]
    assert failover.longest_gap(acks, "p", begin=1.25, end=2.5) == pytest.approx(0.8)
    assert failover.longest_gap(acks, "p", begin=2.05, end=3.0) == pytest.approx(0.5)
    assert failover.longest_gap(acks, "r", begin=1.0, end=3.0) == 2.0


@pytest.fixture
def nodes(data_dir, request):
    """A cluster prepared for what `how` says, if that is a parameter."""
    cluster = WeirNodes(data_dir, controllers=3, brokers=3)
    cluster.power_cuts = failover.prepare(cluster, request.node.callspec.params.get("how"))
    try:
        cluster.start("--bootstrap")
        yield cluster
    finally:
        cluster.stop()


def replication_refused(nodes):
    """Why the controllers make no topic of three replicas, or None."""
    with Admin(nodes.admin) as admin:
        try:
            admin.create_topic("replicated", replication_factor=3)
        except AdminFailure as failure:
            if failure.name != "INVALID_REPLICATION_FACTOR":
                raise
            return str(failure)
    return None


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("how", failover.HOWS)
def test_A01_A02_J04_producers_go_on_when_a_leader_goes(nodes, how, request):
    refusal = replication_refused(nodes)
    if refusal:
        pytest.skip(f"this cluster does not replicate: {refusal}")
    outcome = failover.run(nodes, how, request.config.getoption("--rounds"))
    print(f"\n{how}: {outcome.describe()}")
    assert not outcome.problems, "\n".join(outcome.problems)
    median, worst = BOUNDS_S[how]
    assert statistics.median(outcome.gaps()) <= median, outcome.describe()
    assert max(outcome.gaps()) <= worst, outcome.describe()


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("how", failover.OUTAGES)
def test_D03_J24_nothing_acknowledged_is_lost_when_all_go(nodes, how, request):
    refusal = replication_refused(nodes)
    if refusal:
        pytest.skip(f"this cluster does not replicate: {refusal}")
    rounds = min(request.config.getoption("--rounds"), OUTAGES_MAX)
    outcome = failover.run(nodes, how, rounds, power_cuts=nodes.power_cuts)
    print(f"\n{how}: {outcome.describe()}")
    assert not outcome.problems, "\n".join(outcome.problems)
