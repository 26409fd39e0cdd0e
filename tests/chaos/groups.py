"""What consumer groups notice when nodes go, on Weir and on Apache Kafka alike.

    groups.py weir|kafka [--groups N] [--members M] [--clients A,B] [--session-timeout-ms T] [--keep DIRECTORY]

N groups of M members, of every client library and with automatic and manual commits in turn, read a topic of three replicas
that one producer writes to steadily. Then every broker is killed (-9) and comes back, every broker is restarted in its turn
(SIGTERM), and the active controller is killed, and restarted. Told by client: how often a generation changed, partitions
that were revoked, records that no member read, records read twice, and by fault the longest time in which a group, or any
partition of it, got nothing. The members are the programs of tests/compat/members, many in one process.
"""

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import confluent_kafka  # noqa: E402
from confluent_kafka.admin import AdminClient, NewTopic  # noqa: E402

from chaos.group_history import GroupHistory  # noqa: E402
from support import group_clients, groups as controllers  # noqa: E402
from support.api_versions import CONSUMER_GROUP_HEARTBEAT, api_versions  # noqa: E402
from support.host import StolenShare  # noqa: E402
from support.kafka_cluster import KafkaCluster  # noqa: E402
from support.processes import unwind_on_sigterm, wait_until  # noqa: E402
from support.weir_nodes import WeirNodes  # noqa: E402

TOPIC, REPLICAS, MIN_IN_SYNC = "grouped", 3, 2
RATE_PER_PARTITION = 5
# Of libraries whose members would keep one another waiting in one process.
MEMBERS_PER_PROCESS = {"kafka-python": 5}
JOINED_WITHIN_S, WHOLE_WITHIN_S, CAUGHT_UP_WITHIN_S, LEFT_WITHIN_S = 240, 300, 300, 60
_RDKAFKA = {"reconnect.backoff.ms": 10, "reconnect.backoff.max.ms": 100, "log_level": 2}


@dataclass(frozen=True)
class Plan:
    """One group to be."""

    group: str
    client: str
    commit: str
    members: int

    def names(self):
        return [f"{self.group}.{number}" for number in range(self.members)]


def plans(groups, members, clients):
    """The clients in turn; each commits automatically and manually in turn."""
    made = []
    for number in range(groups):
        lap, client = divmod(number, len(clients))
        made.append(Plan(f"group-{number}-{clients[client]}", clients[client],
                         ("auto", "manual")[(client + lap) % 2], members))
    return made


class SteadyProducer(threading.Thread):
    """Writes to every partition in turn, at a fixed rate."""

    def __init__(self, bootstrap, partitions):
        super().__init__(daemon=True)
        self.ends, self.failures = {}, []      # {partition: offset after the last acknowledged}
        self._sent_at = {}                     # partition -> when the newest acknowledged record was sent
        self._partitions = partitions
        self._stopping = threading.Event()
        self._producer = confluent_kafka.Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True,
                                                   "linger.ms": 0, "retry.backoff.ms": 20, **_RDKAFKA})

    def run(self):
        begin, count = time.monotonic(), 0
        while not self._stopping.is_set():
            partition, sent_at = count % self._partitions, time.time()
            self._producer.produce(TOPIC, b"%d" % count, partition=partition,
                                   on_delivery=lambda error, message, at=sent_at: self._told(error, message, at))
            count += 1
            ahead = begin + count / (RATE_PER_PARTITION * self._partitions) - time.monotonic()
            self._producer.poll(max(0, ahead))
            self._stopping.wait(max(0, begin + count / (RATE_PER_PARTITION * self._partitions) - time.monotonic()))
        self._producer.flush(60)

    def _told(self, error, message, sent_at):
        if error is not None:
            self.failures.append(str(error))
            return
        partition = message.partition()
        self.ends[partition] = max(self.ends.get(partition, 0), message.offset() + 1)
        self._sent_at[partition] = max(self._sent_at.get(partition, 0), sent_at)

    def ends_beyond(self, moment):
        """The ends, once a record sent after `moment` (Unix time, s) was acknowledged in every partition."""
        def written():
            return len(self._sent_at) == self._partitions and min(self._sent_at.values()) > moment
        wait_until(written, CAUGHT_UP_WITHIN_S, "every partition to be written to")
        return dict(self.ends)

    def stop(self):
        self._stopping.set()
        self.join(90)


@dataclass
class Row:
    """What became of one group."""

    plan: Plan
    generations: int
    assignments: int
    revoked: int
    missed: int
    duplicates: int
    forbidden: list
    silences: dict    # fault -> (of the group, of a partition), s


@dataclass
class Outcome:
    rows: list = field(default_factory=list)
    problems: list = field(default_factory=list)
    errors: list = field(default_factory=list)

    def silences(self):
        """Longest silence, s, of each group at each fault."""
        return [of_group for row in self.rows for of_group, _ in row.silences.values()]

    def describe(self):
        lines = ["| client | groups | members | generation changes | assignments | revoked | missed | read twice | of "
                 "these committed | silence of a group, s: median, worst | of a partition, s: median, worst |",
                 "|---|---|---|---|---|---|---|---|---|---|---|"]
        by_client = defaultdict(list)
        for row in self.rows:
            by_client[row.plan.client].append(row)
            by_client["all"].append(row)
        lines += [_line(client, rows) for client, rows in
                  sorted(by_client.items(), key=lambda item: (item[0] == "all", item[0]))]
        faults = list(self.rows[0].silences)
        lines += ["", "Longest silence of a partition, s, by fault:", "", "| client | " + " | ".join(faults) + " |",
                  "|---" * (len(faults) + 1) + "|"]
        lines += [f"| {client} | " + " | ".join(f"{max(row.silences[fault][1] for row in rows):.2f}" for fault in faults)
                  + " |" for client, rows in sorted(by_client.items())]
        return "\n".join(lines)


def _line(client, rows):
    total = [sum(getattr(row, name) for row in rows)
             for name in ("generations", "assignments", "revoked", "missed", "duplicates")]
    pairs = [pair for row in rows for pair in row.silences.values()]
    cells = [client, len(rows), sum(row.plan.members for row in rows), *total,
             sum(len(row.forbidden) for row in rows), _median_worst(pairs, 0), _median_worst(pairs, 1)]
    return "| " + " | ".join(map(str, cells)) + " |"


def _median_worst(pairs, which):
    values = [pair[which] for pair in pairs]
    return f"{statistics.median(values):.2f}, {max(values):.2f}" if values else "-"


class Measurement:
    """A running cluster, the groups on it, and the faults."""

    def __init__(self, cluster, directory, made, say=print, session_timeout_ms=group_clients.SESSION_TIMEOUT_MS):
        self.cluster, self.directory, self.say = cluster, Path(directory), say
        self.plans, self.session_timeout_ms = made, session_timeout_ms
        self.partitions = max(plan.members for plan in made)
        self.histories = {
            plan.group: GroupHistory(plan.group, group_clients.CLIENTS[plan.client].overlapping_fetches) for plan in made}
        self.silences = {plan.group: {} for plan in made}
        self.programs, self.producer, self.marks, self.generations = {}, None, {}, {}
        self.admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "socket.timeout.ms": 2000, **_RDKAFKA})

    def start(self):
        """Returns once every group is stable and reads what the producer writes."""
        topic = NewTopic(TOPIC, self.partitions, REPLICAS, config={"min.insync.replicas": str(MIN_IN_SYNC)})
        self.admin.create_topics([topic], request_timeout=30)[TOPIC].result(60)
        group_clients.prepare({group_clients.CLIENTS[plan.client].library for plan in self.plans})
        joined = defaultdict(int)
        for plan in self.plans:
            client = group_clients.CLIENTS[plan.client]
            for name in plan.names():
                number = joined[client.library] // MEMBERS_PER_PROCESS.get(client.library, sys.maxsize)
                joined[client.library] += 1
                self.program(client.library, number).join(name, plan.group, client.protocol, plan.commit)
        try:
            wait_until(lambda: not self.unshared(), JOINED_WITHIN_S, "every group to have shared its partitions")
        except TimeoutError as late:
            raise TimeoutError(f"{late}: {self.describe(self.unshared())}") from None
        self.producer = SteadyProducer(self.cluster.bootstrap, self.partitions)
        self.producer.start()
        self.caught_up()
        wait_until(self.whole, WHOLE_WITHIN_S, "every replica to be in sync")
        self.marks = {group: history.marks() for group, history in self.histories.items()}
        self.generations = self.told_generations()

    def program(self, library, number):
        """The process of a library's members, one of several, started if it does not run yet."""
        name = f"{library}-{number}"
        if name not in self.programs:
            self.programs[name] = group_clients.Program(
                library, self.cluster.bootstrap, TOPIC, self.directory / f"members-{name}.log", self._take,
                self.session_timeout_ms)
        return self.programs[name]

    def _take(self, event):
        self.histories[event["member"].rsplit(".", 1)[0]].take(event)

    def unshared(self):
        return [plan.group for plan in self.plans
                if not self.histories[plan.group].shared(plan.members, self.partitions)]

    def describe(self, names):
        return "\n".join(self.histories[name].describe() for name in names)

    def errors(self):
        return [error for history in self.histories.values() for error in history.errors]

    def told_generations(self):
        """{group: generation or epoch} as Weir's controllers tell it; of Kafka's groups members tell."""
        if not hasattr(self.cluster, "admin"):
            return {}
        asked = controllers.Groups(self.cluster.admin)
        try:
            return {plan.group: asked.epoch(plan.group)
                    if group_clients.CLIENTS[plan.client].protocol == "consumer" else asked.generation(plan.group)
                    for plan in self.plans}
        finally:
            asked.close()

    def caught_up(self):
        """Waits until every group has read a record that is written from now on, in every partition."""
        ends = self.producer.ends_beyond(time.time())
        behind = []

        def read():
            behind[:] = [group for group, history in self.histories.items() if not history.has_read(ends)]
            return not behind
        try:
            wait_until(read, CAUGHT_UP_WITHIN_S, "every group to have read what is written")
        except TimeoutError as late:
            raise TimeoutError(f"{late}: {self.describe(behind)}") from None

    def whole(self):
        """Every replica in sync; on Weir, which sees to it by itself, preferred replicas lead."""
        try:
            topics = self.admin.list_topics(timeout=5).topics
        except confluent_kafka.KafkaException:
            return False
        return all(len(partition.isrs) == len(partition.replicas) and partition.leader > 0
                   and (self.cluster.name == "kafka" or partition.leader == partition.replicas[0])
                   for topic in topics.values() for partition in topic.partitions.values())

    def fault(self, how, node):
        name, begin, stolen_share = f"{how} {node.name}", time.time(), StolenShare()
        if how == "restart":
            node.stop()
        else:
            node.kill()
            self.caught_up()
        node.start()
        self.caught_up()
        wait_until(self.whole, WHOLE_WITHIN_S, f"every replica to be in sync after {name}")
        self.caught_up()
        end, found, changed = time.time(), [], []
        for group, history in self.histories.items():
            self.silences[group][name] = history.silence(begin, end)
            found.append(self.silences[group][name])
            if history.since(self.marks[group])[0] > 0:
                changed.append(group)
        self.say(f"{name}: {end - begin:.1f} s; silence of a group {_median_worst(found, 0)} s, of a partition "
                 f"{_median_worst(found, 1)} s; assigned anew: {', '.join(changed) or 'no group'}; "
                 f"{stolen_share():.0%} of the processors' time was the host's")

    def all_faults(self):
        brokers = [node for node in self.cluster.nodes.values() if node.kind == "broker"]
        for how in ("kill", "restart"):
            for node in brokers:
                self.fault(how, node)
        for how in ("kill", "restart"):
            self.fault(how, self.cluster[self.cluster.active_controller()])
        # A member that was forgotten at a fault is missed when its session ends.
        until = time.monotonic() + 1.2 * self.session_timeout_ms / 1000
        wait_until(lambda: time.monotonic() > until, 2 * self.session_timeout_ms / 1000, "a session to pass")

    def finish(self):
        outcome = Outcome()
        self.producer.stop()
        outcome.problems += [f"not acknowledged: {failure}" for failure in self.producer.failures[:3]]
        ends = self.producer.ends
        with contextlib.suppress(TimeoutError):  # what is missed is counted
            wait_until(lambda: all(history.has_read(ends) for history in self.histories.values()),
                       CAUGHT_UP_WITHIN_S, "every group to have read all")
        told = self.told_generations()
        for plan in self.plans:
            history = self.histories[plan.group]
            generations, assignments, revoked = history.since(self.marks[plan.group])
            if plan.group in told:
                generations = told[plan.group] - self.generations[plan.group]
            duplicates, forbidden = history.duplicates()
            outcome.rows.append(Row(plan, generations, assignments, revoked, history.missed(ends), duplicates,
                                    forbidden, self.silences[plan.group]))
        outcome.errors = self.errors()
        outcome.problems += self.end_members()
        outcome.problems += self.commits_gone_back()
        return outcome

    def end_members(self):
        for plan in self.plans:
            for name in plan.names():
                self.histories[plan.group].leaves(name)
        codes = {name: program.end(LEFT_WITHIN_S) for name, program in self.programs.items()}
        self.programs = {}
        return [f"the members {name} ended with {code}" for name, code in codes.items() if code != 0]

    def commits_gone_back(self):
        """Offsets that are committed less far than was acknowledged to a member (RELIABILITY G-10)."""
        found = []
        for plan in self.plans:
            request = confluent_kafka.ConsumerGroupTopicPartitions(plan.group)
            answer = self.admin.list_consumer_group_offsets([request], request_timeout=20)[plan.group].result()
            now = {place.partition: place.offset for place in answer.topic_partitions}
            found += [f"{plan.group}: {partition} is committed to {now.get(partition)}, {offset} was acknowledged"
                      for partition, offset in self.histories[plan.group].committed().items()
                      if now.get(partition, -1) < offset]
        return found

    def stop(self):
        for program in self.programs.values():
            program.kill()
        if self.producer:
            self.producer.stop()


def problems_of(outcome):
    """Everything that is not to happen on Weir, whatever the timing."""
    found = list(outcome.problems)
    for row in outcome.rows:
        name = f"{row.plan.group} ({row.plan.commit})"
        for what in ("generations", "revoked", "missed"):
            if getattr(row, what):
                found.append(f"{name}: {what} {getattr(row, what)}")
        found += row.forbidden[:3]
    return found


def run(cluster, directory, made, say=print, **more):
    """All faults on a cluster that runs."""
    measurement = Measurement(cluster, directory, made, say, **more)
    try:
        measurement.start()
        say(f"{len(made)} groups are stable and read")
        measurement.all_faults()
        return measurement.finish()
    finally:
        measurement.stop()


def clients_of(bootstrap):
    """The clients that a cluster's brokers can serve."""
    offered = api_versions(bootstrap.split(",")[0])
    return [name for name, client in group_clients.CLIENTS.items()
            if client.protocol != "consumer" or CONSUMER_GROUP_HEARTBEAT in offered]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("system", choices=("weir", "kafka"))
    parser.add_argument("--groups", type=int, default=30)
    parser.add_argument("--members", type=int, default=10)
    parser.add_argument("--clients", help="comma-separated; all that the brokers can serve if absent")
    parser.add_argument("--session-timeout-ms", type=int, default=group_clients.SESSION_TIMEOUT_MS)
    parser.add_argument("--keep", help="a directory to leave data and logs in")
    arguments = parser.parse_args()
    unwind_on_sigterm()
    with contextlib.ExitStack() as stack:
        directory = arguments.keep or stack.enter_context(tempfile.TemporaryDirectory(prefix="weir-groups-"))
        os.makedirs(directory, exist_ok=True)
        cluster = {"weir": WeirNodes, "kafka": KafkaCluster}[arguments.system](directory)
        try:
            cluster.start("--bootstrap")
            clients = arguments.clients.split(",") if arguments.clients else clients_of(cluster.bootstrap)
            outcome = run(cluster, directory, plans(arguments.groups, arguments.members, clients),
                          lambda text: print(text, file=sys.stderr, flush=True),
                          session_timeout_ms=arguments.session_timeout_ms)
        finally:
            cluster.stop()
    print(outcome.describe())
    print(f"{len(outcome.errors)} errors told by clients", *sorted(set(outcome.errors))[:20], sep="\n  ")
    for problem in problems_of(outcome):
        print(problem, file=sys.stderr)
    return 1 if problems_of(outcome) else 0


if __name__ == "__main__":
    sys.exit(main())
