"""The table of all figures, with the goals of DESIGN.md §6 beside them."""

import statistics

UNITS = {"mb_per_s": "MB/s", "records_per_s": "records/s", "cpu_s_per_gb": "CPU-s/GB", "p50_ms": "p50 ms",
         "p99_ms": "p99 ms", "p99_9_ms": "p99.9 ms", "resident_mib": "MiB", "idle_mib": "idle MiB",
         "first_ack_ms": "first ack ms", "ready_ms": "ready ms", "answered_ms": "answered ms",
         "led_ms": "all led ms", "cpu_s": "CPU-s", "gap_ms": "gap ms", "worst_gap_ms": "worst gap ms",
         "idle_cpu_percent": "idle CPU %", "follower_cpu_s_per_gb": "+CPU-s/GB", "in_sync_ms": "in sync ms"}
_NAME, _COLUMN = 26, 24


def formatted(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}"


def cell(values):
    """Median of the runs, and in brackets least and greatest where they differ."""
    if not values:
        return "-"
    text = formatted(statistics.median(values))
    if len(values) > 1:
        text += f" ({formatted(min(values))}..{formatted(max(values))})"
    return text


def verdict(goal, values, kafka_values):
    """("<= 2.0", met or missed)"""
    if not goal or not values:
        return goal or ""
    word, bound, *of_kafka = goal.split()
    bound = float(bound)
    if of_kafka:
        if not kafka_values:
            return goal
        bound *= statistics.median(kafka_values)
    value = statistics.median(values)
    met = value <= bound if word == "<=" else value >= bound
    shown = f"{word} {formatted(bound)}" if of_kafka else goal
    return f"{shown} {'met' if met else 'MISSED'}"


def print_table(scenarios, systems, results):
    """results[scenario name][client][system] is a list of figures, one dict per run."""
    for scenario in scenarios:
        by_client = results.get(scenario.name, {})
        for client, by_system in by_client.items():
            print(f"\n{scenario.name} [{client}]: {scenario.what}")
            header = "".join(f"{system:>{_COLUMN}}" for system in systems)
            print(f"  {'':{_NAME}}{header}  goal")
            keys = dict.fromkeys(key for runs in by_system.values() for run in runs for key in run)
            for key in keys:
                columns = {system: [run[key] for run in by_system.get(system, []) if key in run]
                           for system in systems}
                text = "".join(f"{cell(columns[system]):>{_COLUMN}}" for system in systems)
                goal = verdict(scenario.goals.get(key), columns.get("weir"), columns.get("kafka"))
                print(f"  {UNITS.get(key, key):{_NAME}}{text}  {goal}")
