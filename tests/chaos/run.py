"""Random faults on real processes under load, and a verdict on what clients saw.

    run.py SECONDS [--seed N] [--replication-factor N] [--faults NAME,...] [--keep DIRECTORY]

Prints each fault with the proof that it had effect and the progress clients made meanwhile. The verdict is OK if the
checker is clean, the replicas are equal byte for byte, no process broke its own laws, every fault had effect and clients made
progress during each that hit a single node. Exit code 0 only then.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests"))

from chaos import history, workload  # noqa: E402
from chaos.checker import check  # noqa: E402
from chaos.cluster import ChaosCluster  # noqa: E402
from chaos.disks import SmallDisk  # noqa: E402
from chaos.faults import FAULTS, DiskFull  # noqa: E402
from chaos.history import Recorder  # noqa: E402
from support import replicas  # noqa: E402
from support.admin import AdminFailure  # noqa: E402
from support.processes import unwind_on_sigterm, wait_until  # noqa: E402

TOPIC, PARTITIONS, REPLICAS = "chaos", 6, 3
PROGRESS_MIN = 100
HOLD_S = 2.0
PROGRESS_WITHIN_S = 30
RECOVERY_WITHIN_S = 60
STEADY_S = 1.0


class Run:
    """One cluster, its clients, and the faults that were tried."""

    def __init__(self, directory, seed, replication_factor, say=print):
        self.dice = random.Random(seed)
        self.say = say
        self.problems = []
        self.kinds = []
        self.recoveries = []
        why_not = SmallDisk.missing(directory)
        if why_not:
            say(f"disk-full is left out: {why_not}")
        self.cluster = ChaosCluster(directory, small_disk=not why_not)
        self.recorder = Recorder()
        self.replication_factor = replication_factor
        self.clients = []

    def start(self):
        self.cluster.start("--bootstrap")
        self._create_topic()
        kinds = (workload.ConfluentWriter, workload.PythonWriter, workload.ConfluentReader,
                 workload.PythonReader, workload.OffsetAsker)
        self.clients = [kind(self.cluster.bootstrap, {TOPIC: PARTITIONS}, self.recorder, seed=number)
                        for number, kind in enumerate(kinds)]
        for client in self.clients:
            client.start()
        self.wait_progress(PROGRESS_MIN, "the load to begin")

    def _create_topic(self):
        """With the replicas that were asked for, else three; where the cluster refuses those one, and that is said."""
        with self.cluster.admin_client(timeout_s=10) as admin:
            wanted = self.replication_factor or REPLICAS
            try:
                admin.create_topic(TOPIC, PARTITIONS, {"min.insync.replicas": str(max(1, wanted - 1))},
                                   replication_factor=wanted)
            except AdminFailure as failure:
                if self.replication_factor or failure.name != "INVALID_REPLICATION_FACTOR":
                    raise
                self.say(f"ONE REPLICA ONLY, because the controllers refuse {wanted}: {failure}")
                wanted = 1
                admin.create_topic(TOPIC, PARTITIONS, replication_factor=wanted)
        self.replication_factor = wanted

    def writers(self):
        return [client for client in self.clients if isinstance(client, workload.Writer)]

    def acknowledged(self):
        return sum(writer.acknowledged for writer in self.writers())

    def wait_progress(self, count, what, timeout_s=PROGRESS_WITHIN_S):
        """Until so many more sends were acknowledged; returns how many were."""
        before = self.acknowledged()
        try:
            wait_until(lambda: self.acknowledged() - before >= count or self.failures(), timeout_s, what)
        except TimeoutError:
            self.problems.append(f"{what}: {self.acknowledged() - before} of {count} operations "
                                 f"within {timeout_s} s")
        return self.acknowledged() - before

    def failures(self):
        return [client.failure for client in self.clients if client.failure]

    def fault(self, kind):
        """Tries one fault and waits until the cluster is whole again."""
        fault = kind(self.cluster, TOPIC, self.dice)
        began, before = time.monotonic(), self.acknowledged()
        try:
            proof = fault.begin()
            self.kinds.append(kind.name)
        except (TimeoutError, AssertionError, StopIteration) as error:
            proof = f"NO EFFECT: {error}"
            self.problems.append(f"{kind.name} had no effect: {error}")
        if fault.single:
            self.wait_progress(PROGRESS_MIN, f"progress during {kind.name}")
        time.sleep(self.dice.uniform(0.5, 1) * HOLD_S)
        progress, healed = self.acknowledged() - before, time.monotonic()
        self.recover(kind.name)
        recovery = time.monotonic() - healed
        self.recoveries.append(recovery)
        self.say(f"{kind.name} [{kind.code}]: {proof}; {progress} acknowledged in {healed - began:.1f} s; "
                 f"whole again after {recovery:.1f} s")
        time.sleep(STEADY_S)

    def recover(self, name):
        """Ends the fault; whoever exits meanwhile is started again, as a supervisor would."""
        self.cluster.heal()

        def whole():
            self.cluster.heal()
            return self.cluster.recovered([TOPIC])

        try:
            wait_until(whole, RECOVERY_WITHIN_S, f"recovery from {name}")
            self.wait_progress(PROGRESS_MIN, f"progress after {name}")
        except TimeoutError as late:
            self.problems.append(str(late))

    def finish(self):
        """Stops the clients, reads everything with fresh ones, compares the replicas and judges."""
        for client in reversed(self.clients):
            client.stop()
        self.problems += [f"client failed: {failure!r}" for failure in self.failures()]
        wanted = workload.acknowledged_ends(self.recorder.ops())
        for kind in (workload.ConfluentReader, workload.PythonReader):
            reader = kind(self.cluster.bootstrap, {TOPIC: PARTITIONS}, self.recorder)
            for place, (position, end) in workload.read_everything(reader, wanted).items():
                self.problems.append(f"{kind.__name__} did not reach {place}: {position} of {end}")
        if self.replication_factor == len(self.cluster.brokers()):
            brokers = [node.values["kafka.listen"] for node in self.cluster.brokers()]
            self.problems += replicas.differences(brokers, TOPIC, PARTITIONS)
        self.problems += self.cluster.crashes()
        ops = self.recorder.ops()
        return ops, check(ops, needs=("send", "poll", "list_offsets"), ops_per_s_min=50)


def choose(names, with_disk):
    known = {kind.name: kind for kind in FAULTS}
    chosen = [known[name] for name in names] if names else list(FAULTS)
    return [kind for kind in chosen if with_disk or kind is not DiskFull]


def run(seconds, seed, replication_factor, directory, faults=(), say=print):
    """Runs for `seconds` with a topic of so many replicas (None: three, if there can be so many).

    Returns (whether all is well, kinds of faults that had effect).
    """
    chaos = Run(directory, seed, replication_factor, say)
    try:
        chaos.start()
        kinds, number, until = choose(faults, chaos.cluster.disk), 0, time.monotonic() + seconds
        while time.monotonic() < until and not chaos.failures():
            if number % len(kinds) == 0:
                chaos.dice.shuffle(kinds)
            chaos.fault(kinds[number % len(kinds)])
            number += 1
        ops, report = chaos.finish()
        history.write(Path(directory) / "history.jsonl", ops)
    finally:
        chaos.cluster.stop()
    say(report.describe())
    for problem in chaos.problems:
        say(f"PROBLEM {problem}")
    well = report.ok and not chaos.problems
    say(f"{'OK' if well else 'FAILED'}: {number} faults of {len(set(chaos.kinds))} kinds, {len(ops)} operations, "
        f"replication factor {chaos.replication_factor}, seed {seed}")
    return well, set(chaos.kinds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("seconds", type=float)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--replication-factor", type=int, default=None,
                        help="default: 3, or 1 where the controllers refuse that")
    parser.add_argument("--faults", default="", help=", ".join(kind.name for kind in FAULTS))
    parser.add_argument("--keep", help="a directory to leave data, logs and history.jsonl in")
    arguments = parser.parse_args()
    unwind_on_sigterm()
    seed = random.randrange(2 ** 32) if arguments.seed is None else arguments.seed

    def say(text):
        print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)

    def go(directory):
        names = [name for name in arguments.faults.split(",") if name]
        return run(arguments.seconds, seed, arguments.replication_factor, directory, names, say)[0]

    say(f"seed {seed}")
    if arguments.keep:
        Path(arguments.keep).mkdir(parents=True, exist_ok=True)
        return 0 if go(arguments.keep) else 1
    with tempfile.TemporaryDirectory(prefix="weir-chaos-") as directory:
        return 0 if go(directory) else 1


if __name__ == "__main__":
    sys.exit(main())
