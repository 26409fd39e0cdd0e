"""`weir dev status|restart|stop` beside the contract that test_dev_contract.py shows."""

import json
import subprocess

import pytest

from chaos.disks import SyncFaults
from support.processes import TIMEOUT_FACTOR, is_running, wait_until
from support.weir_cluster import WeirDev, binary, weir


@pytest.fixture
def dev(data_dir):
    cluster = WeirDev(data_dir / "cluster")
    cluster.start()
    yield cluster
    cluster.stop()


def status(dev):
    result = weir("dev", "status", "--data", dev.data_dir, "--format", "json")
    assert result.returncode == 0, result.stderr
    return {node["node"]: node for node in json.loads(result.stdout)}


def test_status_tells_dead_from_alive(dev):
    before = status(dev)
    assert {name: node["pid"] for name, node in before.items()} == dev.pids()
    assert before["broker-1"]["kafka"] == dev.bootstrap
    dev.kill("broker-1")
    wait_until(lambda: not status(dev)["broker-1"]["running"], 5, "the death of broker-1 to be seen")
    assert status(dev)["broker-1"]["signal"] == 9
    wait_until(lambda: "NODE broker-1 exited signal=9" in dev.lines, 5, "the line about its end")
    dev.restart("broker-1")
    assert status(dev)["broker-1"]["running"]


def test_restart_of_a_living_node_gives_a_new_process(dev):
    old = dev.pids()["broker-1"]
    assert dev.restart("broker-1") != old
    assert not is_running(old)


def test_restart_of_an_unknown_node_names_the_known(dev):
    result = weir("dev", "restart", "broker-9", "--data", dev.data_dir)
    assert result.returncode == 4
    assert "controller-1" in result.stderr and "broker-1" in result.stderr


def test_stop_returns_when_everything_has_ended(dev):
    pids = dev.pids()
    result = weir("dev", "stop", "--data", dev.data_dir)
    assert result.returncode == 0, result.stderr
    assert not [name for name, pid in pids.items() if is_running(pid)]
    assert dev.stop() == 0


def test_the_node_count_of_a_directory_is_kept(dev):
    dev.stop()
    other = subprocess.run([str(binary("weir")), "dev", "--nodes", "3", "--data", str(dev.data_dir)],
                           capture_output=True, text=True, timeout=20 * TIMEOUT_FACTOR)
    assert other.returncode == 4 and "cluster of 1 nodes" in other.stderr


def test_a_child_that_cannot_start_is_an_error_with_its_log(data_dir):
    cluster = WeirDev(data_dir / "cluster")
    blocked = data_dir / "cluster" / "controller-1" / "data"
    blocked.mkdir(parents=True)
    (blocked / "somebody-elses-file").write_text("keep me")
    result = subprocess.run(cluster.command(), capture_output=True, text=True, timeout=40 * TIMEOUT_FACTOR)
    assert result.returncode == 4
    assert "controller-1" in result.stderr and "log" in result.stderr
    assert (blocked / "somebody-elses-file").read_text() == "keep me"


def test_a_start_that_takes_too_long_is_an_error_that_names_the_flag(data_dir):
    cluster = WeirDev(data_dir / "cluster", arguments=["--ready-timeout", "1"])
    slow = SyncFaults(data_dir / "faults")
    slow.set(delay_ms=1500)
    result = subprocess.run(cluster.command(), env=slow.environment, capture_output=True, text=True,
                            timeout=60 * TIMEOUT_FACTOR)
    assert result.returncode == 4, result.stderr
    assert "not ready after 1 s" in result.stderr and "--ready-timeout 2" in result.stderr, result.stderr
    assert "READY" not in result.stdout
    cluster.arguments = []
    cluster.start()
    cluster.stop()
