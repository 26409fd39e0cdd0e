"""Kafka Connect, two distributed workers: a file's lines go through a topic into another file. The worker that runs the
source is killed (-9); its work moves, and every line arrives.
"""

import json
import urllib.error
import urllib.request

import pytest

from support import java_tools
from support.processes import Process, free_ports, wait_until

TOPIC, INTERNAL = "connect-lines", ("connect-configs", "connect-offsets", "connect-status")


class Worker:
    def __init__(self, bootstrap, port, directory):
        self.address = f"127.0.0.1:{port}"
        properties = directory / f"worker-{port}.properties"
        properties.write_text("".join(f"{key}={value}\n" for key, value in {
            "bootstrap.servers": bootstrap, "group.id": "connect", "listeners": f"http://{self.address}",
            "rest.advertised.host.name": "127.0.0.1", "rest.advertised.port": port,
            "config.storage.topic": INTERNAL[0], "offset.storage.topic": INTERNAL[1],
            "status.storage.topic": INTERNAL[2], "offset.storage.partitions": 5, "status.storage.partitions": 5,
            **{f"{kind}.storage.replication.factor": -1 for kind in ("config", "offset", "status")},
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
            "value.converter": "org.apache.kafka.connect.storage.StringConverter",
            "offset.flush.interval.ms": 500, "session.timeout.ms": 6000, "heartbeat.interval.ms": 1000,
            "scheduled.rebalance.max.delay.ms": 0, "plugin.discovery": "only_scan",
        }.items()))
        self.process = Process(["java", *java_tools.SHORT_LIVED, "-cp", java_tools.class_path("connect"),
                                "org.apache.kafka.connect.cli.ConnectDistributed", properties],
                               directory / f"worker-{port}.log")

    def call(self, path, body=None):
        """The answer of its REST API; None while it has none."""
        request = urllib.request.Request(f"http://{self.address}{path}", method="POST" if body else "GET",
                                         data=json.dumps(body).encode() if body else None,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if not self.process.running():
                raise AssertionError(f"the worker ended:\n{self.process.log_tail()}") from None
            return None

    def running(self, *connectors):
        """{connector: worker of its one task} once all run."""
        found = {}
        for name in connectors:
            status = self.call(f"/connectors/{name}/status")
            tasks = status["tasks"] if status else []
            if not tasks or {status["connector"]["state"], tasks[0]["state"]} != {"RUNNING"}:
                return None
            found[name] = tasks[0]["worker_id"]
        return found


@pytest.fixture
def workers(cluster, data_dir):
    started = []
    try:
        first = free_ports(2)
        for port in (first, first + 1):
            started.append(Worker(cluster.bootstrap, port, data_dir))
        for worker in started:
            wait_until(lambda worker=worker: worker.call("/connectors") is not None, 60, f"{worker.address} to answer")
        yield started
    finally:
        for worker in started:
            worker.process.kill()


def append(path, first, count):
    with open(path, "a") as lines:
        lines.writelines(f"line {number}\n" for number in range(first, first + count))


def wait_for_lines(path, count, worker):
    wanted = {f"line {number}" for number in range(count)}
    try:
        wait_until(lambda: path.exists() and wanted <= set(path.read_text().splitlines()), 60, f"{count} lines")
    except TimeoutError as late:
        there = set(path.read_text().splitlines()) if path.exists() else set()
        raise AssertionError(f"{late}: {len(wanted - there)} are missing\n{worker.process.log_tail()}") from None


def test_tasks_move_when_a_worker_dies_and_no_line_is_missed(workers, data_dir):
    source, sink = data_dir / "source.txt", data_dir / "sink.txt"
    append(source, 0, 500)
    for name, kind, path, topics in (("lines-in", "FileStreamSource", source, "topic"),
                                     ("lines-out", "FileStreamSink", sink, "topics")):
        made = wait_until(lambda body={"name": name, "config": {
            "connector.class": kind, "tasks.max": "1", "file": str(path), topics: TOPIC}}:
            workers[0].call("/connectors", body), 30, f"{name} to be made")
        assert made["name"] == name
    where = wait_until(lambda: workers[0].running("lines-in", "lines-out"), 60, "both tasks to run")
    wait_for_lines(sink, 500, workers[0])
    [dying] = [worker for worker in workers if worker.address == where["lines-in"]]
    [other] = [worker for worker in workers if worker is not dying]
    append(source, 500, 500)
    dying.process.kill()
    append(source, 1000, 500)
    wait_until(lambda: set((other.running("lines-in", "lines-out") or {}).values()) == {other.address}, 60,
               "the tasks to move")
    append(source, 1500, 500)
    wait_for_lines(sink, 2000, other)
