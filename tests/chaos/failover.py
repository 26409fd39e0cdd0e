"""How long writers wait when the leader of their partitions goes, on Weir and on Apache Kafka alike.

    failover.py weir|kafka kill|terminate|kill-with-controller|kill-all|power-cut [--rounds N] [--stolen-max S] [--json]

Three producers (kafka-python, confluent-kafka, Java), idempotent and with acks=all, write to a topic of three replicas. Each
round ends the broker that leads partition 0 and takes, by producer and partition it led, the longest time between two
acknowledgements around that moment; then the broker comes back and every replica is in sync again. At the end all is
read and judged by the checker: nothing acknowledged is lost, nothing is there twice; the replicas are equal byte for byte.
kill-all ends all six processes at once and starts them again; power-cut (of Weir only) also takes what they had not synced.
A round in which the host kept more than a share S of the processors' time from this machine tells nothing of how long
anybody waits: it is made again, and its longest gap is told beside the others. What it lost or doubled counts.
"""

import argparse
import contextlib
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import confluent_kafka  # noqa: E402
from confluent_kafka.admin import AdminClient, NewTopic  # noqa: E402

from chaos import workload  # noqa: E402
from chaos.checker import check  # noqa: E402
from chaos.history import Recorder  # noqa: E402
from chaos.power_cut import PowerCut  # noqa: E402
from support import replicas  # noqa: E402
from support.host import STOLEN_MAX, StolenShare  # noqa: E402
from support.kafka_cluster import KafkaCluster  # noqa: E402
from support.processes import unwind_on_sigterm, wait_until  # noqa: E402
from support.weir_nodes import WeirNodes  # noqa: E402

TOPIC, PARTITIONS, REPLICAS, MIN_IN_SYNC = "failover", 6, 3, 2
# Of each producer: every partition is written to 50 times a second.
RATE = 300
WRITERS = (workload.PythonWriter, workload.ConfluentWriter, workload.JavaWriter)
# After the first acknowledgement by the new leader: pauses that come a little later count too.
WATCHED_S = 1.0
RESUMED_WITHIN_S = 60
# Of the rounds asked for, in all: a host that never leaves the machine alone ends the measurement with fewer.
ATTEMPTS_PER_ROUND = 3
WHOLE_WITHIN_S = 90

# One broker goes, or it and the active controller; all go.
HOWS = ("kill", "terminate", "kill-with-controller")
OUTAGES = ("kill-all", "power-cut")


@dataclass
class Outcome:
    """Gaps are seconds. `rounds` holds {(producer, partition): gap} of each round, `disturbed` of those made again."""

    rounds: list = field(default_factory=list)
    disturbed: list = field(default_factory=list)
    problems: list = field(default_factory=list)
    acknowledged: int = 0

    def gaps(self):
        return [gap for gaps in self.rounds for gap in gaps.values()]

    def worst_of_rounds(self):
        return [max(gaps.values()) for gaps in self.rounds]

    def figures(self):
        gaps = self.gaps()
        return {"gap_ms": statistics.median(gaps) * 1000, "worst_gap_ms": max(gaps) * 1000,
                "rounds": len(self.rounds), "disturbed_rounds": len(self.disturbed),
                "acknowledged": self.acknowledged}

    def describe(self):
        by_producer = {}
        for gaps in self.rounds:
            for (producer, _), gap in gaps.items():
                by_producer.setdefault(producer, []).append(gap)
        parts = [f"{producer} {statistics.median(gaps):.3f}/{max(gaps):.3f}"
                 for producer, gaps in sorted(by_producer.items())]
        disturbed = max((gap for gaps in self.disturbed for gap in gaps.values()), default=0)
        more = (f"; {len(self.disturbed)} more rounds while the host kept the processors to itself, {disturbed:.3f} s "
                f"worst" if self.disturbed else "")
        return (f"{len(self.rounds)} rounds, {self.acknowledged} acknowledged; longest gap per partition "
                f"{statistics.median(self.gaps()):.3f} s median, {max(self.gaps()):.3f} s worst "
                f"({', '.join(parts)}){more}")


class Failover:
    """A running cluster, its topic, producers, and the rounds."""

    def __init__(self, cluster, say=print, power_cuts=None, settings=None, stolen_max=1.0):
        self.cluster, self.say = cluster, say
        self.stolen_max = stolen_max
        self.power_cuts = power_cuts
        self.settings = {"min.insync.replicas": str(MIN_IN_SYNC), **(settings or {})}
        self.recorder = Recorder()
        self.outcome = Outcome()
        self.admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 2,
                                  "reconnect.backoff.max.ms": 100, "socket.timeout.ms": 2000})
        self.writers = []

    def start(self):
        topic = NewTopic(TOPIC, PARTITIONS, REPLICAS, config=self.settings)
        self.admin.create_topics([topic], request_timeout=30)[TOPIC].result(60)
        wait_until(self.whole, WHOLE_WITHIN_S, "every replica to be in sync")
        self.writers = [kind(self.cluster.bootstrap, {TOPIC: PARTITIONS}, self.recorder, rate=RATE)
                        for kind in WRITERS]
        for writer in self.writers:
            writer.start()
        self.resumed(range(PARTITIONS), time.monotonic())

    def partitions(self):
        """{partition: (leader, in sync, replicas)}; None while nobody answers."""
        try:
            found = self.admin.list_topics(TOPIC, timeout=5).topics.get(TOPIC)
        except confluent_kafka.KafkaException:
            return None
        return found and {number: (partition.leader, partition.isrs, partition.replicas)
                          for number, partition in found.partitions.items()}

    def whole(self):
        partitions = self.partitions()
        return partitions and len(partitions) == PARTITIONS and all(
            leader > 0 and len(in_sync) == len(replicas) == REPLICAS
            for leader, in_sync, replicas in partitions.values())

    def resumed(self, partitions, since):
        """Waits until every producer had something acknowledged in each of these partitions."""
        wanted = {f"{TOPIC}-{number}" for number in partitions}

        def waiting():
            """The partitions still to come, by producer."""
            self._raise_failure()
            left = {type(writer).__name__: sorted(wanted - {name for name, at in writer.acks[-20_000:] if at > since})
                    for writer in self.writers}
            return {producer: names for producer, names in left.items() if names}

        try:
            wait_until(lambda: not waiting(), RESUMED_WITHIN_S, "every producer to be answered")
        except TimeoutError as late:
            raise TimeoutError(f"{late}; waiting are {waiting()}") from None

    def _raise_failure(self):
        for writer in self.writers:
            if writer.failure:
                raise writer.failure

    def round(self, how):
        stolen_share = StolenShare()
        partitions = wait_until(self.partitions, 10, "the topic's leaders")
        leader = partitions[0][0]
        victims = self.victims(how, leader)
        led = [number for number, (of, _, _) in partitions.items() if of == leader or how in OUTAGES]
        begin = time.monotonic()
        self.end(victims, how)
        since, effect = time.monotonic(), ""
        if how in OUTAGES:
            effect = self.cut_power(victims) if how == "power-cut" else ""
            for node in victims:
                node.start()
        self.resumed(led, since)
        end = time.monotonic() + WATCHED_S
        wait_until(lambda: time.monotonic() > end, WATCHED_S + 1, "what follows to be watched")
        gaps = {(type(writer).__name__.removesuffix("Writer"), number): longest_gap(
            writer.acks, f"{TOPIC}-{number}", begin, end) for writer in self.writers for number in led}
        stolen = stolen_share()
        for node in victims:
            if not node.running():
                node.start()
        wait_until(self.whole, WHOLE_WITHIN_S, f"every replica to be in sync after broker {leader} came back")
        (self.outcome.rounds if stolen <= self.stolen_max else self.outcome.disturbed).append(gaps)
        producer, number = max(gaps, key=gaps.get)
        self.say(f"{how} {', '.join(node.name for node in victims)}: {effect}{len(led)} partitions, longest gap "
                 f"{gaps[producer, number]:.3f} s ({producer}, partition {number}), {stolen:.0%} stolen")

    def victims(self, how, leader):
        if how in OUTAGES:
            return list(self.cluster.nodes.values())
        names = [f"broker-{leader}"]
        if how == "kill-with-controller":
            names.append(self.cluster.active_controller())
        return [self.cluster[name] for name in names]

    @staticmethod
    def end(victims, how):
        if how == "terminate":
            for node in victims:
                node.stop()
            return
        for node in victims:
            os.kill(node.process.pid, signal.SIGKILL)
        for node in victims:
            node.kill()

    def cut_power(self, nodes):
        lost = [self.power_cuts[node.name].cut() for node in nodes]
        return f"{sum(size for size, _ in lost)} bytes and {sum(names for _, names in lost)} names lost, "

    def finish(self):
        for writer in self.writers:
            writer.stop()
        self.outcome.problems += [f"{type(writer).__name__}: {writer.failure!r}" for writer in self.writers
                                  if writer.failure]
        self.outcome.acknowledged = sum(writer.acknowledged for writer in self.writers)
        reader = workload.ConfluentReader(self.cluster.bootstrap, {TOPIC: PARTITIONS}, self.recorder)
        unread = workload.read_everything(reader, workload.acknowledged_ends(self.recorder.ops()))
        self.outcome.problems += [f"{place} was not read: {where}" for place, where in unread.items()]
        report = check(self.recorder.ops(), needs=("send", "poll"))
        if not report.ok:
            self.outcome.problems.append(report.describe())
        self.outcome.problems += replicas.differences(self.cluster.bootstrap.split(","), TOPIC, PARTITIONS)
        return self.outcome


def longest_gap(acks, name, begin, end):
    """Seconds between two acknowledgements of a partition, the last before `begin` and all up to `end`."""
    times = sorted(at for place, at in acks if place == name and at <= end)
    before = [at for at in times if at <= begin][-1:]
    times = before + [at for at in times if at > begin]
    return max((later - earlier for earlier, later in zip(times, times[1:])), default=end - begin)


def prepare(cluster, how):
    """To be called before the cluster starts. Returns the power cuts of its nodes, where the power is to be cut."""
    if how != "power-cut":
        return None
    cuts = {node.name: PowerCut(node.data_dir) for node in cluster.nodes.values()}
    for name, cut in cuts.items():
        cluster[name].environment = cut.environment
    return cuts


def run(cluster, how, rounds, say=print, power_cuts=None, settings=None, stolen_max=1.0):
    """Measures `rounds` on a cluster that runs. `power_cuts` are those of prepare, `settings` of the topic."""
    failover = Failover(cluster, say, power_cuts, settings, stolen_max)
    try:
        failover.start()
        for _ in range(ATTEMPTS_PER_ROUND * rounds):
            failover.round(how)
            if len(failover.outcome.rounds) == rounds:
                break
        return failover.finish()
    finally:
        for writer in failover.writers:
            writer.stopping.set()


SYSTEMS = {"weir": WeirNodes, "kafka": KafkaCluster,
           "kafka-fsync": lambda directory: KafkaCluster(directory, {"log.flush.interval.messages": "1"})}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("system", choices=SYSTEMS)
    parser.add_argument("how", choices=HOWS + OUTAGES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--stolen-max", type=float, default=STOLEN_MAX, metavar="S",
                        help="share of the processors' time; 1 takes every round as it comes")
    parser.add_argument("--setting", action="append", default=[], metavar="NAME=VALUE",
                        help="of the topic; durability=os shows what a power cut takes without fsync")
    parser.add_argument("--json", action="store_true", help="print the figures only")
    parser.add_argument("--keep", help="a directory to leave data and logs in")
    arguments = parser.parse_args()
    unwind_on_sigterm()
    with contextlib.ExitStack() as stack:
        directory = arguments.keep or stack.enter_context(tempfile.TemporaryDirectory(prefix="weir-failover-"))
        cluster = SYSTEMS[arguments.system](directory)
        try:
            power_cuts = prepare(cluster, arguments.how)
            cluster.start("--bootstrap")
            outcome = run(cluster, arguments.how, arguments.rounds,
                          lambda text: print(text, file=sys.stderr, flush=True), power_cuts,
                          dict(setting.split("=", 1) for setting in arguments.setting), arguments.stolen_max)
        finally:
            cluster.stop()
    print(json.dumps(outcome.figures()) if arguments.json else outcome.describe())
    for problem in outcome.problems:
        print(problem, file=sys.stderr)
    return 1 if outcome.problems or len(outcome.rounds) < arguments.rounds else 0


if __name__ == "__main__":
    sys.exit(main())
