"""Group members of every client library, as the programs of tests/compat/members: started, told what to do, listened to."""

import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass

from support import go_tools, java_tools, node_tools
from support.processes import REPOSITORY, TIMEOUT_FACTOR, kill_hard

_MEMBERS = REPOSITORY / "tests" / "compat" / "members"
SESSION_TIMEOUT_MS = 45_000


@dataclass(frozen=True)
class Client:
    """A library and the group protocol it is to speak."""

    library: str
    protocol: str = "classic"
    # Fetches by broker (kafkajs 2.2.4, consumer/fetcher.js): while a leader moves, two brokers are asked for the same
    # records, and both answers are handed out unless the first is still being worked on when the second comes.
    overlapping_fetches: bool = False


CLIENTS = {
    "kafka-python": Client("kafka-python"),
    "confluent": Client("confluent"),
    "confluent-cooperative": Client("confluent", "cooperative"),
    "confluent-consumer": Client("confluent", "consumer"),
    "java": Client("java"),
    "java-cooperative": Client("java", "cooperative"),
    "java-consumer": Client("java", "consumer"),
    "aiokafka": Client("aiokafka"),
    "franz-go": Client("franz-go"),
    "franz-go-cooperative": Client("franz-go", "cooperative"),
    "sarama": Client("sarama"),
    "kafkajs": Client("kafkajs", overlapping_fetches=True),
}


def _java():
    classes = java_tools.compiled("client-4")
    return ["java", "-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp",
            java_tools.class_path("client-4", classes), "GroupMember"]


# Library -> its command. What has to be compiled or fetched for it is, once.
_COMMANDS = {
    "kafka-python": lambda: [sys.executable, _MEMBERS / "kafka_python.py"],
    "confluent": lambda: [sys.executable, _MEMBERS / "confluent.py"],
    "aiokafka": lambda: [sys.executable, _MEMBERS / "aio.py"],
    "java": _java,
    "franz-go": lambda: [go_tools.built("franz")],
    "sarama": lambda: [go_tools.built("sarama")],
    "kafkajs": lambda: [node_tools.node(), _MEMBERS / "kafkajs" / "member.js"],
}


def prepare(libraries):
    """Compiles and fetches what these libraries need, before anything is measured."""
    for library in libraries:
        _COMMANDS[library]()
    if "kafkajs" in libraries:
        node_tools.modules()


class Program:
    """One process with members of one library. `sink` gets every event, on this program's reading thread."""

    def __init__(self, library, bootstrap, topic, log_path, sink, session_timeout_ms=SESSION_TIMEOUT_MS):
        environment = dict(os.environ)
        if library == "kafkajs":
            environment["NODE_PATH"] = str(node_tools.modules())
        self.library, self._sink = library, sink
        command = [*_COMMANDS[library](), bootstrap, topic, session_timeout_ms]
        with open(log_path, "ab") as log:
            self._process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE,
                                             stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            if line.endswith("\n"):  # a killed process may leave half of one
                self._sink(json.loads(line))

    def running(self):
        return self._process.poll() is None

    def _tell(self, *words):
        self._process.stdin.write(" ".join(words) + "\n")
        self._process.stdin.flush()

    def join(self, name, group, protocol, commit, instance_id=None):
        self._tell("join", name, group, protocol, commit, *([instance_id] if instance_id else []))

    def leave(self, name):
        self._tell("leave", name)

    def kill(self):
        """kill -9: its members end without a farewell. Returns once all they had said is taken in."""
        kill_hard(self._process.pid)
        self._process.wait(10)
        self._reader.join(10)

    def end(self, timeout_s=60):
        """All its members leave; returns the exit code, None if it had to be killed."""
        try:
            self._process.stdin.close()
            return self._process.wait(timeout_s * TIMEOUT_FACTOR)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            return None
        finally:
            self.kill()
