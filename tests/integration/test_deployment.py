"""The binaries without `weir dev`, configured by the samples in deploy/: first start, restart, refusals."""

import re
import subprocess

import pytest

from support.admin import Admin
from support.processes import REPOSITORY, TIMEOUT_FACTOR
from support.records import Producer, read
from support.weir_nodes import WeirNodes, binary, sample

KINDS = ["controller", "broker"]


@pytest.fixture(scope="module")
def three_and_three(tmp_path_factory):
    cluster = WeirNodes(tmp_path_factory.mktemp("weir-deployment"))
    try:
        cluster.start("--bootstrap")
        yield cluster
    finally:
        cluster.stop()


def check_config(kind, path):
    done = subprocess.run([str(binary(f"weir-{kind}")), "--config", str(path), "--check-config"],
                          capture_output=True, text=True, timeout=10 * TIMEOUT_FACTOR)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_the_sample_passes_check_config(kind):
    code, output = check_config(kind, REPOSITORY / "deploy" / f"{kind}.yaml")
    assert code == 0, output


@pytest.mark.parametrize("kind", KINDS)
def test_the_sample_shows_every_key_with_a_comment(kind):
    """Keys by --help; in the sample each stands, set or commented out, below a comment."""
    help_text = subprocess.run([str(binary(f"weir-{kind}")), "--help"], capture_output=True, text=True,
                               timeout=10 * TIMEOUT_FACTOR).stdout
    keys = set(re.findall(r"--([a-z]+(?:[.-][a-z]+)+)", help_text)) - {"check-config"}
    lines = sample(kind, {}).split("\n")
    shown = {}
    for number, line in enumerate(lines):
        if match := re.match(r"^#? ?([a-z]+(?:\.[a-z]+)*):( |$)", line):
            shown[match[1].replace(".", "-")] = number > 0 and lines[number - 1].startswith("# ")
    missing = {key.replace(".", "-") for key in keys} - set(shown)
    assert keys and not missing, f"deploy/{kind}.yaml does not show {sorted(missing)}"
    assert all(shown.values()), [key for key, commented in shown.items() if not commented]


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_key_is_refused_with_the_nearest_name(kind, data_dir):
    path = data_dir / "config.yaml"
    path.write_text(sample(kind, {}) + "\nnode.di: 7\n")
    code, output = check_config(kind, path)
    assert code != 0 and "node.di" in output and "node.id" in output, output


def test_i08_a_broker_has_no_min_insync_replicas_of_its_own(data_dir):
    path = data_dir / "broker.yaml"
    path.write_text(sample("broker", {"min.insync.replicas": "2"}))
    code, output = check_config("broker", path)
    assert code != 0 and "min.insync.replicas" in output and "--entity-default" in output, output


def test_three_controllers_and_three_brokers_work(three_and_three):
    nodes = three_and_three
    values = [b"%d" % number for number in range(1000)]
    with Admin(nodes.admin) as admin:
        admin.create_topic("deployed", partitions=6)
    for partition in range(6):
        Producer(nodes.bootstrap).send_all("deployed", values, partition)
        assert read(nodes.bootstrap, "deployed", len(values), partition) == values


def test_a_thousand_topics_can_be_produced_to_as_soon_as_they_are_created(three_and_three):
    """CreateTopics returns when every live broker has applied it: no retry is ever needed. (The sample
    has automatic creation off, so that nothing hides a broker that lags.)
    """
    nodes = three_and_three
    producer = Producer(nodes.bootstrap, retries=0, topic_metadata_propagation_max_ms=0)
    with Admin(nodes.admin) as admin:
        for number in range(1000):
            admin.create_topic(f"at-once-{number}")
            producer.send(f"at-once-{number}", b"%d" % number)
    producer.flush()
    assert not producer.errors, (len(producer.errors), producer.errors[:3])
    assert len(producer.acknowledged) == 1000


def test_all_start_again_without_bootstrap(three_and_three):
    nodes = three_and_three
    nodes.stop()
    nodes.start()
    assert len(read(nodes.bootstrap, "deployed", 1000, 3)) == 1000


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_directory_is_formatted_only_with_bootstrap(kind, data_dir):
    nodes = WeirNodes(data_dir, controllers=1, brokers=1)
    code, output = nodes[f"{kind}-1"].run_to_end()
    assert code != 0 and "bootstrap" in output, output


def test_a_volume_of_another_cluster_is_refused_with_both_ids(three_and_three, data_dir):
    with Admin(three_and_three.admin) as admin:
        ours = admin.cluster().cluster_id
    other = WeirNodes(data_dir, controllers=1, brokers=1)
    try:
        other.start("--bootstrap")
        with Admin(other.admin) as admin:
            theirs = admin.cluster().cluster_id
    finally:
        other.stop()
    assert ours != theirs
    stray = other["broker-1"]
    stray.write_config(controllers=three_and_three.admin)
    code, output = stray.run_to_end(timeout_s=20)
    assert code != 0 and ours in output and theirs in output, output
