#!/usr/bin/env python3
"""Runs scenarios on Weir and on Apache Kafka, one system at a time, in the order A B C C B A, and prints one table.

Each round starts a system on an empty directory, warms it, and runs the chosen scenarios on it one after the other.
What scenarios there are: scenarios.py. Everything started is stopped by its pid, also after an error or Ctrl-C.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "tests"), str(Path(__file__).resolve().parent)]

import measure  # noqa: E402
from report import print_table  # noqa: E402
from scenarios import SCENARIOS, Scenario  # noqa: E402
from support.kafka_server import KafkaServer  # noqa: E402
from support.processes import unwind_on_sigterm  # noqa: E402
from support.weir_cluster import WeirDev  # noqa: E402

# Brought up before anything is measured: a JVM compiles what it meets often.
WARM_UP = Scenario("warm-up", "", "produce", records=2_000_000, warmup_records=0)


class Weir(WeirDev):
    """weir dev, every acknowledgement behind an fsync: its only mode by default."""

    def client_port(self):
        return self.kafka_port


class Kafka(KafkaServer):
    def client_port(self):
        return self.port


# Kafka's own default, and Weir's.
KAFKA_SETTINGS = {"group.initial.rebalance.delay.ms": "3000"}
SYSTEMS = {
    "weir": lambda directory, nodes: Weir(directory, nodes=nodes),
    "kafka": lambda directory, nodes: Kafka(directory, KAFKA_SETTINGS),
    "kafka-fsync": lambda directory, nodes: Kafka(
        directory, {**KAFKA_SETTINGS, "log.flush.interval.messages": "1"}),
}


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


class Comparison:
    def __init__(self, systems, scenarios, scale, directory):
        self.systems, self.scenarios, self.scale = systems, scenarios, scale
        self.directory = Path(directory)
        self.results = {}
        self.failures = []
        self._number = 0

    def _make(self, name, nodes=1):
        self._number += 1
        return SYSTEMS[name](self.directory / f"{name}-{self._number}", nodes)

    def _take(self, scenario, client, system_name, figures):
        by_client = self.results.setdefault(scenario.name, {})
        by_client.setdefault(client, {}).setdefault(system_name, []).append(figures)
        shown = ", ".join(f"{key} {value:,.2f}" for key, value in figures.items())
        say(f"{system_name:12} {scenario.name} [{client}]: {shown}")

    def _guarded(self, scenario, client, system_name, run):
        try:
            self._take(scenario, client, system_name, run())
        except Exception as error:  # noqa: BLE001: one scenario that fails must not end the others
            self.failures.append(f"{system_name} {scenario.name} [{client}]: {error}")
            say(f"FAILED {self.failures[-1]}")

    def round(self, name):
        """All scenarios on one system."""
        for scenario in self._of("start"):
            if scenario.nodes == 1 or name == "weir":
                self._guarded(scenario, "rdkafka", name,
                              lambda: measure.start(scenario, lambda nodes: self._make(name, nodes)))
        # 10,000 partitions, or groups, would weigh on what follows: a system of its own.
        for scenario in self._of("create", "group-admin"):
            self._on_fresh_system(name, [scenario], warm=False)
        of_groups = self._of("group-join", "group-commit")
        if of_groups:
            self._on_fresh_system(name, of_groups, warm=False)
        for scenario in self._of(*measure.OF_CLUSTERS):
            client = "all three" if scenario.kind == "failover" else "rdkafka"
            self._guarded(scenario, client, name,
                          lambda: measure.OF_CLUSTERS[scenario.kind](scenario, name, self.scale))
        loads = self._of("produce", "consume")
        if loads:
            self._on_fresh_system(name, loads, warm=True)

    def _of(self, *kinds):
        return [scenario for scenario in self.scenarios if scenario.kind in kinds]

    def _on_fresh_system(self, name, scenarios, warm):
        system = self._make(name)
        try:
            system.start()
            if warm:
                measure.produce(WARM_UP, system, "rdkafka", self.scale)
            for scenario in scenarios:
                for client in scenario.clients:
                    self._guarded(scenario, client, name, lambda: measure.RUNNERS[scenario.kind](
                        scenario, system, client, self.scale))
        except Exception as error:  # noqa: BLE001
            self.failures.append(f"{name}: {error}")
            say(f"FAILED {self.failures[-1]}")
        finally:
            try:
                system.stop()
            except TimeoutError as late:  # Kafka with 10,000 partitions takes minutes; it is killed
                say(f"{name}: {late}")
            system.remove()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("scenarios", nargs="*", help="names; default: all of --list")
    parser.add_argument("--list", action="store_true", help="list the scenarios and end")
    parser.add_argument("--systems", default=",".join(SYSTEMS), help=f"of {', '.join(SYSTEMS)}")
    parser.add_argument("--rounds", type=int, default=2, help="1: each system once; 2: A B C C B A; ...")
    parser.add_argument("--scale", type=float, default=1.0, help="share of each scenario's records")
    parser.add_argument("--output", default="build/compare.json", help="where the JSON goes")
    arguments = parser.parse_args()
    known = [scenario.name for scenario in SCENARIOS]
    for name in arguments.scenarios:
        if name not in known:
            parser.error(f"no scenario {name}; there are {', '.join(known)}")
    return arguments


def main():
    arguments = parse_arguments()
    chosen = [item for item in SCENARIOS if not arguments.scenarios or item.name in arguments.scenarios]
    # What a consume scenario reads must have been written.
    wanted = {item.reads for item in chosen if item.reads}
    chosen = [item for item in SCENARIOS if item in chosen or item.name in wanted]
    if arguments.list:
        for scenario in SCENARIOS:
            print(f"{scenario.name:22} {scenario.what}")
        return 0
    unwind_on_sigterm()
    systems = arguments.systems.split(",")
    (REPOSITORY / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="compare-", dir=REPOSITORY / "build") as directory:
        comparison = Comparison(systems, chosen, arguments.scale, directory)
        for number in range(arguments.rounds):
            for name in systems if number % 2 == 0 else reversed(systems):
                say(f"round {number + 1}: {name}")
                comparison.round(name)
    output = Path(arguments.output)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps({
        "machine": {"cores": os.cpu_count(), "kernel": platform.release()}, "systems": systems,
        "rounds": arguments.rounds, "scale": arguments.scale, "results": comparison.results,
        "failures": comparison.failures}, indent=1) + "\n")
    print_table(chosen, systems, comparison.results)
    for failure in comparison.failures:
        print(f"failed: {failure}")
    print(f"\nJSON: {output}")
    return 1 if comparison.failures else 0


if __name__ == "__main__":
    sys.exit(main())
