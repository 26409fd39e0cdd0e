"""Fixtures of the integration tests: `weir` run against the cluster, and members of a consumer group."""

import pytest

from support.admin import Admin
from support.groups import GROUP, PARTITIONS, TOPIC, Groups, Member
from support.weir_cluster import weir


@pytest.fixture
def run(dev):
    """Runs `weir ... --admin`; returns the CompletedProcess and checks the exit code."""
    def call(*arguments, code=0, stdin=None):
        result = weir(*arguments, "--admin", dev.admin, stdin=stdin)
        assert result.returncode == code, f"{result.stdout}\n{result.stderr}"
        return result
    return call


@pytest.fixture
def topic(dev):
    with Admin(dev.admin) as admin:
        admin.create_topic(TOPIC, partitions=PARTITIONS, replication_factor=3)
    return TOPIC


@pytest.fixture
def groups(dev):
    asked = Groups(dev.admin)
    yield asked
    asked.close()


@pytest.fixture
def join(dev, topic, data_dir):
    """Starts members; ends those that are left at the end of the test."""
    members = []

    def start(client, **settings):
        members.append(Member(client, dev.bootstrap, topic, GROUP, data_dir, f"member-{len(members)}", **settings))
        return members[-1]

    yield start
    for member in members:
        member.process.kill()
