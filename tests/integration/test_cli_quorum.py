"""The `weir` command line and the controllers' quorum: transfer, membership, loss of the leader, no majority."""

import json
import subprocess
import time

from support.processes import wait_until
from support.weir_cluster import binary, weir

NO_ANSWER = 3


def run(dev, *arguments, code=0, stdin=None):
    result = weir(*arguments, "--admin", dev.admin, stdin=stdin)
    assert result.returncode == code, f"{result.stdout}\n{result.stderr}"
    return result


def quorum(dev):
    return json.loads(run(dev, "quorum", "describe", "--format", "json").stdout)


def voters(dev):
    return {member["controller_id"]: member for member in quorum(dev)["members"] if member["voter"]}


def test_leadership_moves_where_it_is_sent(dev):
    leader = quorum(dev)["leader_id"]
    other = leader % 3 + 1
    assert f"controller {other} would lead" in run(dev, "quorum", "transfer", other, "--dry-run").stdout
    assert quorum(dev)["leader_id"] == leader
    assert f"controller {other} leads" in run(dev, "quorum", "transfer", other).stdout
    assert quorum(dev)["leader_id"] == other


def test_a_voter_leaves_and_comes_back(dev):
    leaving = quorum(dev)["leader_id"] % 3 + 1
    member = voters(dev)[leaving]
    assert "would take" in run(dev, "quorum", "remove", leaving, "--dry-run").stdout
    assert set(voters(dev)) == {1, 2, 3}
    run(dev, "quorum", "remove", leaving)
    assert leaving not in voters(dev)
    run(dev, "quorum", "add", leaving, f"--directory-id={member['directory_id']}",
        "--address", member["address"])
    assert set(voters(dev)) == {1, 2, 3}
    refused = run(dev, "quorum", "remove", 7, code=1)
    assert "VOTER_NOT_FOUND" in refused.stderr and "weir quorum describe" in refused.stderr


def test_a_change_survives_the_loss_of_the_leader(dev):
    """The command is repeated until a new leader answers; the old one's topics are still there."""
    run(dev, "topic", "create", "before")
    dev.kill(f"controller-{quorum(dev)['leader_id']}")
    started = time.monotonic()
    run(dev, "topic", "create", "after")
    print(f"created {time.monotonic() - started:.3f} s after the kill")
    names = {topic["name"] for topic in json.loads(
        run(dev, "topic", "list", "--format", "json").stdout)["topics"]}
    assert names == {"before", "after"}


def test_without_a_majority_the_command_says_so_and_records_flow(dev):
    run(dev, "topic", "create", "flow")
    kafka = ("--kafka", dev.bootstrap)
    producer = subprocess.Popen([str(binary("weir")), "topic", "produce", "flow", *kafka], text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        send(producer, "first", 0)
        for node in ("controller-1", "controller-3"):
            dev.kill(node)
        wait_until(lambda: len(dev.living()) == 4, 5, "two controllers to be dead")
        refused = run(dev, "topic", "create", "late", "--timeout-ms", 2000, code=NO_ANSWER)
        assert "majority" in refused.stderr and "next:" in refused.stderr
        send(producer, "second", 1)
        consumed = run(dev, "topic", "consume", "flow", "-o", ":end", "-f", r"%v\n", *kafka).stdout
        assert consumed == "first\nsecond\n"
        dev.restart("controller-1")
        # The refused change may have been written by the last leader, and be committed now.
        run(dev, "topic", "create", "later")
    finally:
        producer.stdin.close()
        assert producer.wait(10) == 0


def send(producer, line, offset):
    producer.stdin.write(line + "\n")
    producer.stdin.flush()
    assert producer.stdout.readline() == f"partition 0 offset {offset}\n"
