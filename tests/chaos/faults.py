"""The faults, each with the proof that it had effect (RELIABILITY F-49).

A fault is begun, held while clients go on, and ended by ChaosCluster.heal. `begin` returns once the effect shows and says
what it was; a fault without effect raises, and the run is invalid.
`single`: one node is hit, so that clients must make progress meanwhile (A-04).
"""

import errno

from support.admin import AdminFailure, admin_pb2, context
from support.processes import is_running, wait_until

EFFECT_WITHIN_S = 15


class Fault:
    """One kind. `code` are the ids of the catalogue in RELIABILITY section 5."""

    name, code, single = "", "", True

    def __init__(self, cluster, topic, dice):
        self.cluster, self.topic, self.dice = cluster, topic, dice

    def begin(self):
        """Begins; returns the proof of its effect."""
        raise NotImplementedError

    def leader(self):
        """A broker that leads a partition of the topic."""
        partitions = wait_until(lambda: self.cluster.describe(self.topic), 10, "the topic's description")
        leaders = sorted({partition.leader_id for partition in partitions if partition.leader_id > 0})
        return f"broker-{self.dice.choice(leaders)}"

    def wait(self, condition, what):
        return wait_until(condition, EFFECT_WITHIN_S, f"{self.name}: {what}")

    def fenced(self, broker):
        self.wait(lambda: self.cluster.fenced(broker), f"{broker} to be fenced")
        return f"{broker} fenced"

    def succeeded(self, old):
        new = self.wait(lambda: other_than(self.cluster, old), f"a successor of {old}")
        return f"{new} succeeded {old}"

    def kill(self, *names):
        pids = [self.cluster[name].process.pid for name in names]
        for name in names:
            self.cluster[name].kill()
        assert not any(map(is_running, pids)), pids
        return f"killed {', '.join(names)} (pids {', '.join(map(str, pids))})"


def other_than(cluster, old):
    try:
        new = cluster.active_controller(timeout_s=0.2)
    except TimeoutError:
        return None
    return new if new != old else None


class KillLeader(Fault):
    name, code = "kill-leader", "F-01"

    def begin(self):
        broker = self.leader()
        return f"{self.kill(broker)}; {self.fenced(broker)}"


class KillController(Fault):
    name, code = "kill-controller", "F-01"

    def begin(self):
        old = self.cluster.active_controller()
        return f"{self.kill(old)}; {self.succeeded(old)}"


class KillLeaderAndController(Fault):
    name, code, single = "kill-leader-and-controller", "F-01 F-45", False

    def begin(self):
        old, broker = self.cluster.active_controller(), self.leader()
        return f"{self.kill(old, broker)}; {self.succeeded(old)}; {self.fenced(broker)}"


class KillAll(Fault):
    name, code, single = "kill-all", "F-01", False

    def begin(self):
        return self.kill(*self.cluster.nodes)


class PauseLeader(Fault):
    name, code = "pause-leader", "F-02"

    def begin(self):
        broker = self.leader()
        self.cluster.pause(broker)
        return f"stopped {broker}; {self.fenced(broker)}"


class PauseController(Fault):
    name, code = "pause-controller", "F-02"

    def begin(self):
        old = self.cluster.active_controller()
        self.cluster.pause(old)
        return f"stopped {old}; {self.succeeded(old)}"


class TerminateLeader(Fault):
    name, code = "terminate-leader", "F-03"

    def begin(self):
        broker = self.leader()
        code = self.cluster[broker].stop()
        return f"{broker} ended with {code}; {self.fenced(broker)}"


class RollingRestart(Fault):
    name, code, single = "rolling-restart", "F-04", False

    def begin(self):
        for name in list(self.cluster.nodes):
            node = self.cluster[name]
            node.stop()
            node.start()
            wait_until(lambda: self.cluster.recovered([self.topic]), 60, f"the cluster to be whole after {name}")
        return f"{len(self.cluster.nodes)} nodes stopped and started, one after the other"


class Cut(Fault):
    """Nothing passes between some nodes, in one direction or both."""

    def cut(self, pairs):
        self.before = sum(self.cluster.links.block([]).values())
        self.pairs = pairs
        self.cluster.links.block(pairs)

    def held(self):
        count = self.wait(lambda: sum(self.cluster.links.block(self.pairs).values()) - self.before,
                          "something to be held up")
        return f"held up {count} transmissions"

    def others(self, name):
        return [other for other in self.cluster.nodes if other != name]


class IsolateLeader(Cut):
    name, code = "isolate-leader", "F-06"

    def begin(self):
        broker = self.leader()
        self.cut([pair for other in self.others(broker) for pair in ((broker, other), (other, broker))])
        return f"{broker} cut off from all nodes; {self.fenced(broker)}; {self.held()}"


class OneWayLeader(Cut):
    name, code = "one-way-leader", "F-10 F-11"

    def begin(self):
        broker = self.leader()
        self.cut([(broker, node.name) for node in self.cluster.controllers()])
        return f"nothing from {broker} to the controllers; {self.fenced(broker)}; {self.held()}"


class IsolateController(Cut):
    name, code = "isolate-controller", "F-06 F-08"

    def begin(self):
        old = self.cluster.active_controller()
        self.cut([pair for other in self.others(old) for pair in ((old, other), (other, old))])
        return f"{old} cut off from all nodes; {self.succeeded(old)}; {self.held()}"


class OneWayController(Cut):
    name, code = "one-way-controller", "F-10"

    def begin(self):
        old = self.cluster.active_controller()
        self.cut([(old, node.name) for node in self.cluster.controllers() if node.name != old])
        return f"nothing from {old} to the other controllers; {self.succeeded(old)}; {self.held()}"


class SlowSyncBroker(Fault):
    name, code, node_kind = "slow-sync-broker", "F-30", "broker"
    delay_ms = 1000

    def begin(self):
        victim = self.leader() if self.node_kind == "broker" else self.cluster.active_controller()
        faults = self.cluster.sync_faults[victim]
        before = faults.counts()[1]
        faults.set(delay_ms=self.delay_ms)
        self.exercise()
        delayed = self.wait(lambda: faults.counts()[1] - before, f"a sync of {victim} to be slow")
        return f"{delayed} syncs of {victim} take {self.delay_ms} ms longer"


    def exercise(self):
        """A broker's clients write anyway."""


class SlowSyncController(SlowSyncBroker):
    name, code, node_kind, delay_ms = "slow-sync-controller", "F-30", "controller", 300

    def exercise(self):
        with self.cluster.admin_client(timeout_s=10) as admin:
            admin.create_topic(f"slow-{self.dice.randrange(2 ** 32)}")


class FailingSync(Fault):
    """The first failed sync ends the process, as its supervisor expects; started on a sound disk it comes back."""

    name, code = "failing-sync", "F-27 F-29"

    def begin(self):
        victim = self.leader()
        faults = self.cluster.sync_faults[victim]
        before = faults.counts()[2]
        faults.set(error=errno.EIO)
        failed = self.wait(lambda: faults.counts()[2] - before, f"a sync of {victim} to fail")
        return f"{failed} syncs of {victim} failed"


class DiskFull(Fault):
    name, code = "disk-full", "F-28"

    def begin(self):
        disk = self.cluster.disk
        before = disk.free_bytes()
        disk.fill()
        self.wait(lambda: disk.free_bytes() == 0, "no byte to be free")
        return f"{before >> 20} MiB of {self.cluster.brokers()[-1].name} taken away, 0 bytes free"


class VoterLeaves(Fault):
    """A voter is removed and, after the fault, comes back; the quorum serves on."""

    name, code = "voter-leaves", "F-17"

    def begin(self):
        leader = self.cluster.active_controller()
        node = self.dice.choice([node for node in self.cluster.controllers() if node.name != leader])
        with self.cluster.admin_client(timeout_s=10) as admin:
            member = next(member for member in admin.quorum().members if member.controller_id == node.node_id)
            admin.call("RemoveVoter", admin_pb2.RemoveVoterRequest(context=context(),
                                                                   controller_id=node.node_id))
            self.wait(lambda: self._voters(admin) == 2, "two voters")
            admin.call("AddVoter", admin_pb2.AddVoterRequest(
                context=context(), controller_id=node.node_id, directory_id=member.directory_id,
                address=member.address))
            self.wait(lambda: self._voters(admin) == 3, "three voters")
        return f"{node.name} left the voters and joined them again"

    @staticmethod
    def _voters(admin):
        try:
            return sum(member.voter for member in admin.quorum().members)
        except AdminFailure:
            return None


class LeadershipMoves(Fault):
    name, code = "controller-leadership-moves", "F-22"

    def begin(self):
        moves = 0
        for _ in range(3):
            old = self.cluster.active_controller()
            target = self.dice.choice([node for node in self.cluster.controllers() if node.name != old])
            with self.cluster.admin_client(timeout_s=10) as admin:
                admin.call("TransferLeadership", admin_pb2.TransferLeadershipRequest(
                    context=context(), controller_id=target.node_id))
            self.succeeded(old)
            moves += 1
        return f"the active controller changed {moves} times"


FAULTS = [KillLeader, KillController, PauseLeader, IsolateLeader, IsolateController, SlowSyncBroker, KillAll,
          OneWayLeader, OneWayController, PauseController, FailingSync, TerminateLeader, SlowSyncController,
          VoterLeaves, LeadershipMoves, KillLeaderAndController, DiskFull, RollingRestart]
