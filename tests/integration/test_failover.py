"""The leader of a partition goes while kafka-python, confluent-kafka and Java producers write with acks=all: nothing
acknowledged is lost or doubled, and the longest time between two acknowledgements of a partition is short.

The same when all processes end at once, and when only what was synced survives that: scripts/test.sh long makes 30
rounds of these, 50 of each way in which one leader goes, and holds them to their bounds of time.
"""

import statistics

import pytest

from chaos import failover
from support.host import STOLEN_MAX, StolenShare
from support.weir_nodes import WeirNodes

# (median, worst) seconds between two acknowledgements of a partition.
BOUNDS_S = {"kill": (1.0, 2.0), "terminate": (0.2, 2.0), "kill-with-controller": (1.5, 2.5)}
FEW_ROUNDS, OUTAGES_MAX = 3, 30


def test_the_longest_gap_begins_before_the_fault():
    acks = [("p", at) for at in (1.0, 1.1, 1.2, 2.0, 2.1, 2.6)] + [("q", 1.5)]
    assert failover.longest_gap(acks, "p", begin=1.25, end=2.5) == pytest.approx(0.8)
    assert failover.longest_gap(acks, "p", begin=2.05, end=3.0) == pytest.approx(0.5)
    assert failover.longest_gap(acks, "r", begin=1.0, end=3.0) == 2.0


def test_the_share_that_the_host_keeps_is_told_since_the_beginning(tmp_path):
    stat = tmp_path / "stat"
    stat.write_text("cpu  100 0 50 800 10 0 0 40 7 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n")
    share = StolenShare(stat)
    assert share() == 0
    stat.write_text("cpu  130 0 60 840 10 0 0 60 9 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n")
    assert share() == pytest.approx(0.2)
    assert 0 <= StolenShare()() <= 1


@pytest.fixture
def prepared(data_dir, how):
    """A cluster prepared for what is going to happen to it."""
    cluster = WeirNodes(data_dir, controllers=3, brokers=3)
    cluster.power_cuts = failover.prepare(cluster, how)
    try:
        cluster.start("--bootstrap")
        yield cluster
    finally:
        cluster.stop()


def test_A01_D01_nothing_acknowledged_is_lost_when_leaders_are_killed(nodes):
    outcome = failover.run(nodes, "kill", FEW_ROUNDS)
    print(f"\n{outcome.describe()}")
    assert not outcome.problems, "\n".join(outcome.problems)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("how", failover.HOWS)
def test_A01_A02_J04_producers_go_on_when_a_leader_goes(prepared, how, request):
    rounds = request.config.getoption("--rounds")
    outcome = failover.run(prepared, how, rounds, stolen_max=STOLEN_MAX)
    print(f"\n{how}: {outcome.describe()}")
    assert not outcome.problems, "\n".join(outcome.problems)
    assert len(outcome.rounds) == rounds, "the host left this machine too little of its processors"
    median, worst = BOUNDS_S[how]
    assert statistics.median(outcome.gaps()) <= median, outcome.describe()
    assert max(outcome.gaps()) <= worst, outcome.describe()


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("how", failover.OUTAGES)
def test_D03_J24_nothing_acknowledged_is_lost_when_all_go(prepared, how, request):
    rounds = min(request.config.getoption("--rounds"), OUTAGES_MAX)
    outcome = failover.run(prepared, how, rounds, power_cuts=prepared.power_cuts)
    print(f"\n{how}: {outcome.describe()}")
    assert not outcome.problems, "\n".join(outcome.problems)
