"""Options and fixtures that the Python tests share. A test runs on Weir unless --kafka says otherwise."""

import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from support.kafka_server import KafkaServer  # noqa: E402
from support.processes import SANITIZER_REPORTS, tail  # noqa: E402
from support.weir_cluster import WeirDev  # noqa: E402
from support.weir_nodes import WeirNodes  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--kafka", action="store_true",
                     help="run the compat suite on Apache Kafka instead: proves the tests, not Weir")
    parser.addoption("--bootstrap", help="run the compat suite on a cluster that already runs (HOST:PORT); "
                                         "tests that restart it are skipped")
    parser.addoption("--nodes", type=int, default=3, help="nodes of the compat suite's weir dev")
    parser.addoption("--quick", action="store_true",
                     help="10,000 records instead of 100,000, except one codec of each client")
    parser.addoption("--rounds", type=int, default=5,
                     help="how often test_failover and test_committed_offsets end a leader")


class RunningCluster:
    """A cluster somebody else runs: it can be used, not restarted."""

    name = "running"

    def __init__(self, bootstrap):
        self.bootstrap = bootstrap


@pytest.fixture(scope="session")
def full(request):
    return not request.config.getoption("--quick")


@pytest.fixture(scope="session")
def cluster(request):
    """The cluster under the compat suite: weir dev, Apache Kafka or one that already runs."""
    bootstrap = request.config.getoption("--bootstrap")
    if bootstrap:
        yield RunningCluster(bootstrap)
        return
    with tempfile.TemporaryDirectory(prefix="weir-compat-") as directory:
        if request.config.getoption("--kafka"):
            running = KafkaServer(Path(directory) / "kafka")
        else:
            running = WeirDev(Path(directory) / "weir", nodes=request.config.getoption("--nodes"))
        running.start()
        yield running
        running.stop()


@pytest.fixture(autouse=True)
def no_sanitizer_report():
    """A report of any process that a test started fails that test, however the process ended."""
    before = sanitizer_reports()
    yield
    new = sanitizer_reports() - before
    if new:
        pytest.fail("\n".join(path.read_text(errors="replace")[:6000] for path in sorted(new)))


def sanitizer_reports():
    return set(Path(SANITIZER_REPORTS).iterdir()) if SANITIZER_REPORTS else set()


@pytest.fixture
def dev(data_dir):
    """A running `weir dev --nodes 3` for one test."""
    cluster = WeirDev(data_dir / "cluster", nodes=3)
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def nodes(data_dir):
    """Three controllers and three brokers, each a process of its own, for one test."""
    cluster = WeirNodes(data_dir, controllers=3, brokers=3)
    try:
        cluster.start("--bootstrap")
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def data_dir():
    """A fresh directory on disk, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="weir-test-") as directory:
        yield Path(directory)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """A failed test's report has the end of each node's log: the directory they are in is removed."""
    report = yield
    directory = item.funcargs.get("data_dir")
    if report.failed and directory is not None:
        for log in sorted(directory.rglob("log")):
            if log.is_file():
                report.sections.append((f"Log of {log.parent.name}", tail(log)))
    return report
