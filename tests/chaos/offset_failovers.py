"""The coordinators of committed offsets go again and again while clients commit and ask (G-10).

    offset_failovers.py FAILOVERS [--seed N]

Every partition of __consumer_offsets has a group of its own: whenever one changes its leader, the coordinator of a group
under load fails over. `weir-bench group-offsets` is that load, and ends as soon as anybody is told an older offset than one
that was acknowledged or told before. Each round ends one broker (kill -9, SIGTERM or kill -9 together with the active
controller) and, once every group is served again, brings it back and hands its leaderships back to it.
"""

import argparse
import contextlib
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.admin import Admin, AdminFailure, admin_pb2, context  # noqa: E402
from support.groups import coordinator_partition  # noqa: E402
from support.processes import TIMEOUT_FACTOR, unwind_on_sigterm, wait_until  # noqa: E402
from support.weir_cluster import binary  # noqa: E402
from support.weir_nodes import WeirNodes  # noqa: E402

TOPIC, OFFSETS_TOPIC = "committed", "__consumer_offsets"
OFFSETS_PARTITIONS, REPLICAS = 50, 3
SERVED_WITHIN_S, WHOLE_WITHIN_S = 30, 60
HOWS = ("kill", "terminate", "kill-with-controller")


def a_group_of_each_partition():
    groups = {}
    number = 0
    while len(groups) < OFFSETS_PARTITIONS:
        groups.setdefault(coordinator_partition(f"group-{number}", OFFSETS_PARTITIONS), f"group-{number}")
        number += 1
    return list(groups.values())


class Load:
    """weir-bench group-offsets; whatever it finds ends the run."""

    def __init__(self, bootstrap):
        self._process = subprocess.Popen(
            [str(binary("weir-bench")), "group-offsets", "--bootstrap", bootstrap, "--topic", TOPIC, "--json",
             "--timeout-ms", str(int(SERVED_WITHIN_S * TIMEOUT_FACTOR * 1000)),
             "--group-ids", ",".join(a_group_of_each_partition())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._expect_served()

    def _expect_served(self):
        line = self._process.stderr.readline()
        if line != "served\n":
            raise AssertionError(line + self._process.stderr.read())

    def wait_until_served(self):
        """Returns once every group has had a commit acknowledged and a question answered."""
        with contextlib.suppress(BrokenPipeError):  # it says why it ended
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        self._expect_served()

    def finish(self):
        """Its figures."""
        output, errors = self._process.communicate(timeout=2 * SERVED_WITHIN_S * TIMEOUT_FACTOR)
        if self._process.returncode != 0:
            raise AssertionError(errors)
        return json.loads(output)

    def kill(self):
        self._process.kill()
        self._process.wait()


class Failovers:
    """A running cluster under load, and the rounds."""

    def __init__(self, cluster, seed, say=print):
        self.cluster, self.say = cluster, say
        self.dice = random.Random(seed)
        self.rounds = 0
        self.load = None

    def start(self):
        with Admin(self.cluster.admin) as admin:
            admin.create_topic(TOPIC, replication_factor=REPLICAS)
        self.load = Load(self.cluster.bootstrap)
        wait_until(self.whole, WHOLE_WITHIN_S, "every replica to be in sync")
        self._epochs = sum(each.leader_epoch for each in self.partitions())

    def partitions(self):
        """Of the topic of committed offsets; none while no controller answers."""
        request = admin_pb2.DescribeTopicsRequest(topics=[admin_pb2.TopicSelector(name=OFFSETS_TOPIC)])
        try:
            with Admin(self.cluster.admin, timeout_s=2) as admin:
                return list(admin.call("DescribeTopics", request).topics[0].partitions)
        except AdminFailure:
            return []

    def whole(self):
        found = self.partitions()
        return len(found) == OFFSETS_PARTITIONS and all(len(each.isr_ids) == REPLICAS for each in found)

    def failovers(self):
        """How often partitions have changed their leaders."""
        found = wait_until(self.partitions, WHOLE_WITHIN_S, "a controller to answer")
        return sum(each.leader_epoch for each in found) - self._epochs

    def round(self, how):
        victim = self.dice.choice(self.cluster.brokers())
        begin, before = time.monotonic(), self.failovers()
        self.end(victim, how)
        self.load.wait_until_served()
        outage_s = time.monotonic() - begin
        for node in self.cluster.nodes.values():
            if not node.running():
                node.start()
        wait_until(self.whole, WHOLE_WITHIN_S, f"every replica to be in sync after {how} of {victim.name}")
        self.hand_back()
        self.load.wait_until_served()
        self.rounds += 1
        self.say(f"{how} {victim.name}: {self.failovers() - before} failovers, all served after "
                 f"{outage_s:.2f} s, round of {time.monotonic() - begin:.1f} s")

    def end(self, victim, how):
        led = {each.partition for each in self.partitions() if each.leader_id == victim.node_id}
        if how == "kill-with-controller":
            self.cluster[self.cluster.active_controller()].kill()
        victim.stop() if how == "terminate" else victim.kill()
        wait_until(lambda: not led & {each.partition for each in self.partitions()
                                      if each.leader_id in (victim.node_id, -1)} and self.partitions(),
                   SERVED_WITHIN_S, f"other leaders than {victim.name}")

    def hand_back(self):
        """Leaderships go back to the preferred replicas."""
        request = admin_pb2.ElectLeadersRequest(
            context=context(None), kind=admin_pb2.ELECTION_KIND_PREFERRED,
            topics=[admin_pb2.TopicPartitions(topic=OFFSETS_TOPIC, partitions=range(OFFSETS_PARTITIONS))])

        def preferred():
            try:
                with Admin(self.cluster.admin, timeout_s=5) as admin:
                    admin.call("ElectLeaders", request)
            except AdminFailure:
                return False
            return all(each.leader_id == each.replica_ids[0] for each in self.partitions())

        wait_until(preferred, WHOLE_WITHIN_S, "the preferred leaders")


def run(cluster, failovers, seed, say=print):
    """Goes on until so many coordinators have failed over. Returns (their number, figures of the load)."""
    rounds = Failovers(cluster, seed, say)
    try:
        rounds.start()
        while rounds.failovers() < failovers:
            rounds.round(HOWS[rounds.rounds % len(HOWS)])
        total = rounds.failovers()
        figures = rounds.load.finish()
    finally:
        if rounds.load is not None:
            rounds.load.kill()
    say(f"{total} failovers in {rounds.rounds} rounds under {figures['commits']:.0f} commits and "
        f"{figures['answers']:.0f} answers, none went back; longest wait of a group for its next commit "
        f"{figures['longest_gap_ms'] / 1000:.2f} s")
    return total, figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("failovers", type=int)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    unwind_on_sigterm()

    def say(text):
        print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)

    with tempfile.TemporaryDirectory(prefix="weir-offsets-") as directory:
        cluster = WeirNodes(directory, controllers=3, brokers=3)
        try:
            cluster.start("--bootstrap")
            run(cluster, arguments.failovers, arguments.seed, say)
        finally:
            cluster.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
