"""Controllers and brokers as separate processes, configured from the samples in deploy/.

Each node gets a copy of deploy/controller.yaml or deploy/broker.yaml in which only ids, directories, ports and
addresses differ, beside what a test overrides.
"""

import re
import shutil
import subprocess
from pathlib import Path

from support.admin import Admin, AdminFailure
from support.processes import REPOSITORY, TIMEOUT_FACTOR, Process, free_ports, wait_until
from support.weir_cluster import binary

READY_WITHIN_S = 20


def sample(kind, values):
    """The text of deploy/<kind>.yaml with some keys set; a key the sample does not show is an error."""
    text = (REPOSITORY / "deploy" / f"{kind}.yaml").read_text()
    for key, value in values.items():
        line = re.compile(rf"^#? ?{re.escape(key)}:.*$", re.MULTILINE)
        if not line.search(text):
            raise KeyError(f"deploy/{kind}.yaml does not show {key}")
        text = line.sub(lambda _: f"{key}: {value}", text, count=1)
    return text


class Node:
    """One controller or broker: its configuration file, its directory and, while it runs, its process."""

    def __init__(self, kind, node_id, directory, values):
        self.kind, self.node_id = kind, node_id
        self.name = f"{kind}-{node_id}"
        self.values = values
        self.data_dir = directory / self.name / "data"
        self.config = directory / self.name / f"{kind}.yaml"
        self.log = directory / self.name / "log"
        self.process = None
        self.environment = None  # of the process; None: this one's
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.write_config()

    def write_config(self, **overrides):
        self.values.update(overrides)
        self.config.write_text(sample(self.kind, self.values))

    def command(self, *flags):
        return [str(binary(f"weir-{self.kind}")), "--config", str(self.config), *flags]

    def start(self, *flags):
        self.process = Process(self.command(*flags), self.log, env=self.environment)
        return self

    def run_to_end(self, *flags, timeout_s=15):
        """Starts it where it is expected to refuse; returns (exit code, output)."""
        done = subprocess.run(self.command(*flags), capture_output=True, text=True,
                              timeout=timeout_s * TIMEOUT_FACTOR)
        return done.returncode, done.stdout + done.stderr

    def running(self):
        return self.process is not None and self.process.running()

    def kill(self):
        self.process.kill()

    def stop(self):
        return self.process.stop() if self.process else None

    def wipe(self):
        shutil.rmtree(self.data_dir)


class WeirNodes:
    """`controllers` and `brokers` nodes; start() starts all and returns once every broker is unfenced."""

    name = "weir"

    def __init__(self, directory, controllers=3, brokers=3, controller_values=None, broker_values=None):
        self.directory = Path(directory)
        self._controller_values = controller_values or {}
        self._broker_values = broker_values or {}
        first = free_ports(2 * controllers + 3 * brokers)
        self.voters = ",".join(f"{number + 1}@127.0.0.1:{first + number}" for number in range(controllers))
        self.admin = ",".join(part.split("@")[1] for part in self.voters.split(","))
        self.nodes = {}
        for number in range(1, controllers + 1):
            self.add_controller(number, first + number - 1, first + controllers + number - 1)
        for number in range(1, brokers + 1):
            self.add_broker(number, *(first + 2 * controllers + 3 * (number - 1) + port for port in range(3)))
        self.bootstrap = ",".join(node.values["kafka.listen"] for node in self.brokers())

    def add_controller(self, node_id, port, http_port, **values):
        node = Node("controller", node_id, self.directory, {
            "node.id": node_id, "data.dir": self.directory / f"controller-{node_id}" / "data",
            "listen": f"127.0.0.1:{port}", "advertised.address": f"127.0.0.1:{port}",
            "http.listen": f"127.0.0.1:{http_port}", "quorum.voters": self.voters,
            **self._controller_values, **values})
        self.nodes[node.name] = node
        return node

    def add_broker(self, node_id, kafka_port, inter_broker_port, http_port):
        node = Node("broker", node_id, self.directory, {
            "node.id": node_id, "data.dir": self.directory / f"broker-{node_id}" / "data",
            "kafka.listen": f"127.0.0.1:{kafka_port}", "http.listen": f"127.0.0.1:{http_port}",
            "kafka.advertised": f"127.0.0.1:{kafka_port}",
            "interbroker.listen": f"127.0.0.1:{inter_broker_port}", "controllers": self.admin,
            **self._broker_values})
        self.nodes[node.name] = node
        return node

    def __getitem__(self, name):
        return self.nodes[name]

    def controllers(self):
        return [node for node in self.nodes.values() if node.kind == "controller"]

    def brokers(self):
        return [node for node in self.nodes.values() if node.kind == "broker"]

    def start(self, *flags):
        try:
            for node in self.nodes.values():
                if not node.running():
                    node.start(*flags)
            self.wait_ready()
        except Exception:
            self.stop()  # a fixture that fails before its yield is not torn down
            raise
        return self

    def wait_ready(self):
        """Until a controller is active, knows every broker as unfenced and every controller as part of the quorum;
        names a node that ended. A majority can be ready before the last controller is part of anything: one that
        is killed until then needs --bootstrap again.
        """
        brokers = {node.node_id for node in self.brokers()}
        controllers = {node.node_id for node in self.controllers()}
        with Admin(self.admin, timeout_s=2) as admin:

            def ready():
                for node in self.nodes.values():
                    if not node.running():
                        raise RuntimeError(f"{node.name} ended:\n{node.process.log_tail()}")
                try:
                    cluster, quorum = admin.cluster(), admin.quorum()
                except AdminFailure:
                    return False
                unfenced = {broker.broker_id for broker in cluster.brokers if not broker.fenced}
                started = {member.controller_id for member in quorum.members if member.match_index > 0}
                return cluster.controller_id > 0 and unfenced == brokers and started >= controllers

            wait_until(ready, READY_WITHIN_S, "every broker to be unfenced and every controller to have started")

    def active_controller(self):
        """Name of the active controller."""
        with Admin(self.admin, timeout_s=2) as admin:
            return f"controller-{wait_until(admin.leader_id, 10, 'an active controller')}"

    def stop(self):
        """Brokers first, so that they can hand over; then controllers. Every process is ended."""
        problems = []
        for node in [*self.brokers(), *self.controllers()]:
            try:
                node.stop()
            except TimeoutError as late:
                problems.append(str(late))
        if problems:
            raise TimeoutError("\n".join(problems))
