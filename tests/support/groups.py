"""Consumer groups for integration tests: members as processes, and what the controllers say about a group."""

import re
import sys
from pathlib import Path

import grpc

from support.admin import failure_of  # makes the generated code importable
from support.processes import Process, wait_until
from support.records import Producer

from proto import group_pb2, group_pb2_grpc

# What the tests of one group use.
TOPIC, GROUP, PARTITIONS = "shared", "the-group", 6

_MEMBER = Path(__file__).with_name("group_member.py")


class Member:
    """One process with one consumer (group_member.py)."""

    def __init__(self, client, bootstrap, topic, group, directory, name, session_timeout_ms=6_000,
                 instance_id=None, commits=False):
        self.log = directory / f"{name}.log"
        arguments = [client, bootstrap, topic, group, str(session_timeout_ms)]
        if instance_id:
            arguments += ["--instance-id", instance_id]
        if commits:
            arguments.append("--commit")
        self.process = Process([sys.executable, str(_MEMBER), *arguments], self.log)

    def _values(self, what):
        text = self.log.read_text(errors="replace")
        return re.findall(rf"^{what} (.*)\n", text, flags=re.MULTILINE)

    def rebalances(self):
        """How often the client was told what it owns."""
        return len(self._values("OWNS"))

    def owned(self):
        last = ([""] + self._values("OWNS"))[-1]
        return {int(partition) for partition in last.split(",") if partition}

    def read(self):
        return int(([0] + self._values("READ"))[-1])

    def crash(self):
        self.process.kill()

    def leave(self):
        self.process.stop()


def wait_until_shared(members, partitions, timeout_s=40):
    """Until every member owns something and every partition is owned, each once."""

    def shared():
        owned = [member.owned() for member in members]
        return all(owned) and sorted(sum(map(list, owned), [])) == list(range(partitions))

    try:
        wait_until(shared, timeout_s, f"{partitions} partitions to be shared by {len(members)}")
    except TimeoutError as error:
        logs = "\n".join(member.process.log_tail() for member in members)
        raise AssertionError(f"{error}: {[member.owned() for member in members]}\n{logs}") from None


def produce_one_each(bootstrap, partitions=PARTITIONS):
    producer = Producer(bootstrap)
    for partition in range(partitions):
        producer.send(TOPIC, b"value", partition)
    producer.flush()
    assert not producer.errors


def assert_read_on(dev, members, partitions=PARTITIONS):
    read = sum(member.read() for member in members)
    produce_one_each(dev.bootstrap, partitions)
    wait_until(lambda: sum(member.read() for member in members) >= read + partitions, 20, "the members to read on")


class Groups:
    """Questions to the active controller about groups."""

    def __init__(self, addresses):
        self._channels = [grpc.insecure_channel(address) for address in addresses.split(",")]

    def _ask(self, method, request):
        for channel in self._channels:
            try:
                reply = getattr(group_pb2_grpc.GroupServiceStub(channel), method)(request, timeout=2)
            except grpc.RpcError as error:
                failure_of(error)
                continue
            return reply.groups[0]
        return None

    def describe(self, group):
        """A DescribedGroup, or None while no controller answers."""
        return self._ask("DescribeGroups", group_pb2.DescribeGroupsRequest(group_ids=[group.encode()]))

    def describe_consumers(self, group):
        """A DescribedConsumerGroup, or None while no controller answers."""
        request = group_pb2.DescribeConsumerGroupsRequest(group_ids=[group.encode()])
        return self._ask("DescribeConsumerGroups", request)

    def wait_until_consumers_stable(self, group, members, timeout_s=40):
        """The group of the consumer protocol, once it is stable with so many members."""

        def stable():
            found = self.describe_consumers(group)
            return found if found and found.state == "Stable" and len(found.members) == members else None

        return wait_until(stable, timeout_s, f"{group} to be stable with {members} members")

    def wait_until_stable(self, group, members, timeout_s=40):
        """Its generation, once it is stable with so many members."""

        def stable():
            found = self.describe(group)
            return found if found and found.state == "Stable" and len(found.members) == members else None

        return wait_until(stable, timeout_s, f"{group} to be stable with {members} members").generation_id

    def generation(self, group, timeout_s=15):
        return wait_until(lambda: self.describe(group), timeout_s, "a controller to answer").generation_id

    def epoch(self, group, timeout_s=15):
        """Of a group of the consumer protocol."""
        return wait_until(lambda: self.describe_consumers(group), timeout_s, "a controller to answer").group_epoch

    def close(self):
        for channel in self._channels:
            channel.close()


def coordinator_partition(group, partitions):
    """The partition of __consumer_offsets that a group's offsets are in."""
    hashed = 0
    for unit in group:
        hashed = (31 * hashed + ord(unit)) & 0xFFFFFFFF
    signed = hashed - (1 << 32) if hashed & 0x80000000 else hashed
    return (0 if signed == -(1 << 31) else abs(signed)) % partitions
