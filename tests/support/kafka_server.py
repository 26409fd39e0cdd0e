"""Apache Kafka as one combined node, the yardstick for tests and benchmarks. Standard library only.

JVM options are those of Kafka's own kafka-server-start.sh. It offers what weir_cluster.WeirDev offers, so that the
same tests run on both: bootstrap, pids, kill_all, start, stop.
"""

import shutil
import subprocess
from pathlib import Path

from support.java_tools import class_path
from support.processes import Process, accepts, free_ports, kill_hard, wait_until

_JVM_OPTIONS = ["-Xmx1G", "-Xms1G", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20",
                "-XX:InitiatingHeapOccupancyPercent=35", "-XX:+ExplicitGCInvokesConcurrent",
                "-Djava.awt.headless=true"]
_CLUSTER_ID = "4L6g3nShT-eMCtK--X86sw"


class KafkaServer:
    """One broker and controller in one JVM on `data_dir`; `settings` are added to server.properties."""

    name = "kafka"
    host_count = 1

    def __init__(self, data_dir, settings=None):
        self.data_dir = Path(data_dir)
        self.port = free_ports(2)
        self.bootstrap = f"127.0.0.1:{self.port}"
        self._properties = self.data_dir / "server.properties"
        self._process = None
        self._write_properties(settings or {})
        self._format()

    def _write_properties(self, settings):
        values = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{self.port + 1}",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.port + 1}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(self.data_dir / "logs"),
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            **settings,
        }
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self._properties.write_text("".join(f"{key}={value}\n" for key, value in values.items()))

    def _format(self):
        if (self.data_dir / "logs" / "meta.properties").exists():
            return
        subprocess.run(["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", class_path("server"),
                        "kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c",
                        str(self._properties)],
                       check=True, capture_output=True, timeout=60)

    def start(self, timeout_s=60):
        self._process = Process(["java", *_JVM_OPTIONS, "-cp", class_path("server"), "kafka.Kafka",
                                 self._properties], self.data_dir / "server.log")
        wait_until(lambda: accepts(self.bootstrap) or not self._process.running(), timeout_s,
                   f"Kafka to listen on {self.bootstrap}")
        if not self._process.running():
            raise RuntimeError(f"Kafka ended at start:\n{self._process.log_tail()}")
        return self

    def pids(self):
        return {"kafka": self._process.pid}

    def kill_all(self):
        kill_hard(self._process.pid)
        self._process.wait(10)

    def stop(self):
        if self._process:
            self._process.stop(timeout_s=60)

    def remove(self):
        shutil.rmtree(self.data_dir, ignore_errors=True)
