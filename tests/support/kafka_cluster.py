"""Apache Kafka as three controllers and three brokers, each in a JVM of its own: the yardstick for failover.

Offers what weir_nodes.WeirNodes offers to tests that kill nodes: bootstrap, nodes by name (controller-1, broker-1, ...),
active_controller, start, stop.
"""

import re
import subprocess
from pathlib import Path

from support.java_tools import SHORT_LIVED, TOOLS, class_path
from support.processes import Process, accepts, free_ports, wait_until

_JVM_OPTIONS = ["-Xmx512M", "-Xms256M", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20",
                "-XX:InitiatingHeapOccupancyPercent=35", "-XX:+ExplicitGCInvokesConcurrent",
                "-Djava.awt.headless=true"]
_CLUSTER_ID = "4L6g3nShT-eMCtK--X86sw"
READY_WITHIN_S = 120


class KafkaNode:
    """One controller or broker and, while it runs, its process."""

    def __init__(self, kind, node_id, port, directory, properties):
        self.kind, self.node_id, self.name = kind, node_id, f"{kind}-{node_id}"
        self.address = f"127.0.0.1:{port}"
        self.log = directory / self.name / "log"
        self._properties = directory / self.name / "server.properties"
        self._properties.parent.mkdir(parents=True, exist_ok=True)
        self._properties.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
        self._format()
        self.process = None

    def _format(self):
        subprocess.run(["java", *SHORT_LIVED, "-cp", class_path("server"), "kafka.tools.StorageTool", "format",
                        "--ignore-formatted", "-t", _CLUSTER_ID, "-c", str(self._properties)],
                       check=True, capture_output=True, timeout=60)

    def start(self):
        self.process = Process(["java", *_JVM_OPTIONS, "-cp", class_path("server"), "kafka.Kafka",
                                self._properties], self.log)

    def running(self):
        return self.process is not None and self.process.running()

    def kill(self):
        self.process.kill()

    def stop(self):
        return self.process.stop(timeout_s=60) if self.process else None


class KafkaCluster:
    """`settings` are added to every broker's server.properties; all else is Kafka's default."""

    name = "kafka"

    def __init__(self, directory, settings=None):
        self.directory = Path(directory)
        first = free_ports(6)
        voters = ",".join(f"{100 + number}@127.0.0.1:{first + number}" for number in range(3))
        common = {"controller.quorum.voters": voters, "controller.listener.names": "CONTROLLER",
                  "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"}
        self.nodes = {}
        for number in range(3):
            port = first + number
            self._add("controller", 100 + number, port, {
                **common, "process.roles": "controller", "listeners": f"CONTROLLER://127.0.0.1:{port}"})
        for number in range(3):
            port = first + 3 + number
            self._add("broker", number + 1, port, {
                **common, "process.roles": "broker", "listeners": f"PLAINTEXT://127.0.0.1:{port}",
                "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}", **(settings or {})})
        self.bootstrap = ",".join(node.address for node in self.nodes.values() if node.kind == "broker")

    def _add(self, kind, node_id, port, properties):
        directory = self.directory / f"{kind}-{node_id}"
        self.nodes[f"{kind}-{node_id}"] = KafkaNode(kind, node_id, port, self.directory, {
            "node.id": node_id, "log.dirs": directory / "data", **properties})

    def __getitem__(self, name):
        return self.nodes[name]

    def start(self, *_):
        for node in self.nodes.values():
            if not node.running():
                node.start()
        wait_until(lambda: all(accepts(node.address) for node in self.nodes.values()), READY_WITHIN_S,
                   "every node of Kafka to listen")
        return self

    def active_controller(self):
        """Name of the active controller, as kafka-metadata-quorum tells it."""
        done = subprocess.run(["java", *SHORT_LIVED, "-cp", class_path("server"), TOOLS["kafka-metadata-quorum"],
                               "--bootstrap-server", self.bootstrap, "describe", "--status"],
                              capture_output=True, text=True, timeout=60)
        found = re.search(r"LeaderId:\s+(\d+)", done.stdout)
        if not found:
            raise RuntimeError(f"no leader in: {done.stdout}{done.stderr}")
        return f"controller-{found[1]}"

    def stop(self):
        """Brokers first; what does not end is killed."""
        for node in reversed(list(self.nodes.values())):
            try:
                node.stop()
            except TimeoutError as late:
                print(late)
