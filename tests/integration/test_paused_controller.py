"""An active controller that is paused keeps its connections: nobody hears that it is gone. Groups do not wait for it."""

import os
import signal
import time

import pytest

from support.admin import Admin
from support.groups import Groups, Member, wait_until_shared
from support.processes import wait_until

PARTITIONS = 6
TOPIC, GROUP = "shared", "the-group"
# A broker leaves a silent controller after 1.5 s, the controllers elect another within 0.5 s; a rebalance takes a few
# heartbeats. gRPC itself gives a connection up after 13 s.
JOINED_WITHIN_S = 9


@pytest.fixture
def paused_controller(dev):
    """Pauses the active controller when called; goes on with it at the end."""
    pids = []

    def pause():
        with Admin(dev.admin) as admin:
            leader = wait_until(admin.leader_id, 10, "an active controller")
        pids.append(dev.pids()[f"controller-{leader}"])
        os.kill(pids[0], signal.SIGSTOP)

    yield pause
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


def test_joins_go_on_to_the_next_controller(dev, data_dir, paused_controller):
    with Admin(dev.admin) as admin:
        admin.create_topic(TOPIC, partitions=PARTITIONS, replication_factor=3)
    groups, members = Groups(dev.admin), []
    try:
        members.append(Member("confluent", dev.bootstrap, TOPIC, GROUP, data_dir, "first"))
        wait_until_shared(members, PARTITIONS)
        groups.wait_until_stable(GROUP, 1)
        paused_controller()
        begin = time.monotonic()
        members.append(Member("confluent", dev.bootstrap, TOPIC, GROUP, data_dir, "second"))
        wait_until_shared(members, PARTITIONS)
        took_s = time.monotonic() - begin
        print(f"shared {took_s:.1f} s after the active controller was paused")
        assert took_s < JOINED_WITHIN_S
    finally:
        groups.close()
        for member in members:
            member.process.kill()
