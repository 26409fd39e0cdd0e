"""Controllers and brokers as processes whose network and disks the tests hold in their hands.

Nodes know one another, and clients know brokers, by public addresses that lead through links.py; the tests themselves look
in at the private ones. Brokers and controllers run over slow_disk.c.
"""

import os
import signal

from chaos.crash_lines import crash_lines
from chaos.disks import SmallDisk, SyncFaults
from chaos.links import LinkProcess
from support.admin import Admin, AdminFailure, admin_pb2
from support.processes import free_ports, wait_until
from support.weir_nodes import WeirNodes

SMALL_DISK_MIB = 512


class ChaosCluster(WeirNodes):
    """3 + 3 by default. `small_disk`: the last broker's data lie on a file system that can be filled."""

    def __init__(self, directory, controllers=3, brokers=3, small_disk=False):
        self.routes = []
        self.sync_faults = {}
        self.paused = set()
        self._private = free_ports(controllers + 2 * brokers)
        super().__init__(directory, controllers, brokers)
        self.bootstrap = ",".join(node.values["kafka.advertised"] for node in self.brokers())
        self.direct_admin = ",".join(node.values["listen"] for node in self.controllers())
        self.disk = None
        if small_disk:
            node = self.brokers()[-1]
            self.disk = SmallDisk(node.data_dir, node.config.parent / "image", SMALL_DISK_MIB)
            node.write_config(**{"data.dir": node.data_dir / "data"})
        self.links = LinkProcess(self.directory, self.routes, self.directory / "links.log")

    def _behind(self, public_port, name):
        """A private port that is reached through `public_port`."""
        self.routes.append(f"{public_port}={self._private}={name}")
        self._private += 1
        return self._private - 1

    def add_controller(self, node_id, port, http_port, **values):
        private = self._behind(port, f"controller-{node_id}")
        node = super().add_controller(node_id, port, http_port, listen=f"127.0.0.1:{private}", **values)
        return self._over_faults(node)

    def add_broker(self, node_id, kafka_port, inter_broker_port, http_port):
        node = super().add_broker(node_id, kafka_port, inter_broker_port, http_port)
        name = node.name
        node.write_config(**{
            "kafka.listen": f"127.0.0.1:{self._behind(kafka_port, name)}",
            "interbroker.listen": f"127.0.0.1:{self._behind(inter_broker_port, name)}",
            "interbroker.advertised": f"127.0.0.1:{inter_broker_port}"})
        return self._over_faults(node)

    def _over_faults(self, node):
        faults = self.sync_faults[node.name] = SyncFaults(node.config.parent / "sync-faults")
        node.environment = faults.environment
        return node

    def admin_client(self, timeout_s=2):
        return Admin(self.direct_admin, timeout_s=timeout_s)

    def pause(self, name):
        os.kill(self[name].process.pid, signal.SIGSTOP)
        self.paused.add(name)

    def resume(self, name):
        if name in self.paused and self[name].running():
            os.kill(self[name].process.pid, signal.SIGCONT)
        self.paused.discard(name)

    def active_controller(self, timeout_s=20):
        """Name of the active controller, as a majority says."""
        def agreed():
            votes = [view.leader_id for view in self._views() if view.leader_id > 0]
            leader = max(set(votes), key=votes.count, default=None)
            return f"controller-{leader}" if leader and votes.count(leader) >= 2 else None
        return wait_until(agreed, timeout_s, "an active controller that a majority knows")

    def _views(self):
        with self.admin_client(timeout_s=1) as admin:
            for address in admin.addresses:
                try:
                    yield admin.quorum(address, timeout_s=0.5)
                except AdminFailure:
                    continue

    def describe(self, topic, timeout_s=2):
        """Partitions of a topic as the controllers see them; None while they do not answer."""
        request = admin_pb2.DescribeTopicsRequest(topics=[admin_pb2.TopicSelector(name=topic)])
        try:
            with self.admin_client(timeout_s) as admin:
                return list(admin.call("DescribeTopics", request).topics[0].partitions)
        except AdminFailure:
            return None

    def fenced(self, name):
        """Whether the controllers hold this broker for gone."""
        try:
            with self.admin_client() as admin:
                brokers = admin.cluster().brokers
        except AdminFailure:
            return False
        return any(broker.fenced for broker in brokers if f"broker-{broker.broker_id}" == name)

    def heal(self):
        """Every fault ends; what is not running is started."""
        self.links.block([])
        for name in list(self.paused):
            self.resume(name)
        for faults in self.sync_faults.values():
            faults.set()
        if self.disk:
            self.disk.empty()
        for node in self.nodes.values():
            if not node.running():
                node.start()

    def recovered(self, topics):
        """Whether every broker is in and every partition has its leader and all replicas in sync."""
        try:
            with self.admin_client() as admin:
                cluster = admin.cluster()
        except AdminFailure:
            return False
        if cluster.controller_id <= 0 or any(broker.fenced for broker in cluster.brokers):
            return False
        for topic in topics:
            partitions = self.describe(topic)
            if not partitions or any(partition.leader_id < 0 or len(partition.isr_ids)
                                     != len(partition.replica_ids) for partition in partitions):
                return False
        return True

    def crashes(self):
        """Lines in any node's log that say a process broke one of its own laws."""
        return [f"{node.name}: {line}" for node in self.nodes.values() if node.log.exists()
                for line in crash_lines(node.log.read_text(errors="replace"))]

    def stop(self):
        try:
            for name in list(self.paused):
                self.resume(name)
            self.links.block([])
            super().stop()
        finally:
            for node in self.nodes.values():
                if node.running():
                    node.kill()
            self.links.stop()
            if self.disk:
                self.disk.remove()
