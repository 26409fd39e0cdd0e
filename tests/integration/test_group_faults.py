"""Groups of several client libraries while every broker is killed (-9), every broker is restarted and the active controller
is killed: no generation changes, nothing is revoked, no record is missed, nothing that was committed is read again.

A few groups; scripts/test.sh long runs 30 of 10 members, every client, and bounds how long they may hear nothing.
"""

import statistics

import pytest

from chaos import groups

# Those that start quickly.
FEW_CLIENTS = ("confluent-cooperative", "java", "confluent-consumer", "kafka-python", "aiokafka")
FEW_GROUPS, FEW_MEMBERS, FEW_SESSION_TIMEOUT_MS = 4, 2, 10_000
MANY_GROUPS, MANY_MEMBERS = 30, 10
# Longest time that a group hears nothing at a fault.
SILENCE_MEDIAN_MAX_S, SILENCE_MAX_S = 1.0, 2.0


def measured(nodes, data_dir, made, **more):
    outcome = groups.run(nodes, data_dir, made, **more)
    print("\n" + outcome.describe())
    assert not groups.problems_of(outcome), "\n".join(groups.problems_of(outcome))
    return outcome


@pytest.mark.timeout(600)
def test_A03_G10_groups_go_on_when_nodes_go(nodes, data_dir):
    clients = [client for client in groups.clients_of(nodes.bootstrap) if client in FEW_CLIENTS]
    made = groups.plans(FEW_GROUPS, FEW_MEMBERS, clients)
    measured(nodes, data_dir, made, session_timeout_ms=FEW_SESSION_TIMEOUT_MS)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_A03_G10_many_groups_of_every_client_go_on(nodes, data_dir):
    made = groups.plans(MANY_GROUPS, MANY_MEMBERS, groups.clients_of(nodes.bootstrap))
    silences = measured(nodes, data_dir, made).silences()
    assert statistics.median(silences) <= SILENCE_MEDIAN_MAX_S and max(silences) <= SILENCE_MAX_S
