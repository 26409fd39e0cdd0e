"""Judges a history of sends and polls by the rules of Jepsen's queue checker (RELIABILITY C-01 ... C-30).

check(ops) returns a Report: every anomaly found, by rule, which of them a log of this kind may show, and whether the
run says anything at all. One pass collects what is known of each partition; each rule is a function over that.
Offsets have gaps (markers of transactions): "next" means the next offset at which anybody knows of a record.
"""

from bisect import bisect_left
from collections import defaultdict

from chaos import cycles, registers, watches

# Reported, never a failure: sends of others may come between two of ours, and nothing orders writes of different
# transactions across partitions.
ALLOWED = {"int-send-skip", "G0", "G1c-ww"}
# Allowed to a process that subscribed: a rebalance moves its positions.
OF_SUBSCRIBERS = {"poll-skip", "nonmonotonic-poll"}
SHOWN_PER_RULE = 5


class Report:
    def __init__(self):
        self.anomalies = defaultdict(list)
        self.allowed = defaultdict(list)
        self.invalid = []
        self.figures = {}

    def add(self, rule, text, allowed=False):
        (self.allowed if allowed or rule in ALLOWED else self.anomalies)[rule].append(text)

    @property
    def ok(self):
        return not self.anomalies and not self.invalid

    def describe(self):
        lines = [f"{key}: {value}" for key, value in self.figures.items()]
        for title, found in (("FAILURE", self.anomalies), ("allowed", self.allowed)):
            for rule, texts in sorted(found.items()):
                lines += [f"{title} {rule}: {len(texts)}"] + [f"  {text}" for text in texts[:SHOWN_PER_RULE]]
        lines += [f"INVALID {text}" for text in self.invalid]
        return "\n".join(lines)


class Partition:
    """What a history says about one partition."""

    def __init__(self, name):
        self.name = name
        self.value_at = {}        # offset -> the first value seen there, by acks that hold and by polls
        self.polled_at = {}       # offset -> the first value polled there
        self.acked_at = {}        # offset -> the first value acknowledged there
        self.offset_of = {}       # value -> the first offset seen
        self.writer = {}          # value -> (op, attributes)
        self.acked = {}           # value -> (offset, op) of operations that are ok
        self.disputed = set()     # offsets that were acknowledged for several values
        self.read = {}            # value -> offset
        self.read_max = -1
        self.final_read = set()
        self.versions = []        # offsets at which a record is known, ascending
        self.rank = {}            # offset -> index in versions

    def finish(self):
        self.versions = sorted(self.value_at)
        self.rank = {offset: index for index, offset in enumerate(self.versions)}


class Facts:
    """The history by partition; conflicts show while they are collected."""

    def __init__(self, ops, report):
        self.ops, self.report = ops, report
        self.partitions = {}
        self.meta = {}
        for op in ops:
            if op.f == "meta":
                self.meta.update(op.value)
            for _, name, value, offset, *attributes in op.sends():
                self._sent(op, self.partition(name), value, offset, attributes)
        for op in ops:
            for poll in op.polls():
                for name, messages in poll.items():
                    self._polled(op, self.partition(name), messages)
        for partition in self.partitions.values():
            partition.finish()

    def partition(self, name):
        found = self.partitions.get(name)
        if found is None:
            found = self.partitions[name] = Partition(name)
        return found

    def _sent(self, op, partition, value, offset, attributes):
        partition.writer[value] = (op, attributes[0] if attributes else {})
        if offset is None or op.type != "ok":
            return
        partition.acked[value] = (offset, op)
        other = partition.acked_at.setdefault(offset, value)
        if other != value:
            partition.disputed.add(offset)
            self.report.add("offset-assigned-twice", f"{partition.name}@{offset}: {other} and {value}")
        partition.value_at.setdefault(offset, value)
        self._placed(partition, value, offset)

    def _polled(self, op, partition, messages):
        for offset, value, *attributes in messages:
            self._compare_with_written(partition, offset, value, attributes[0] if attributes else {})
            other = partition.polled_at.setdefault(offset, value)
            # An offset that acknowledgements alone dispute is reported where it was assigned.
            if other == value and partition.acked.get(value, (None,))[0] != offset:
                other = partition.value_at.setdefault(offset, value)
            if other != value:
                self.report.add("inconsistent-offsets", f"{partition.name}@{offset}: {other} and {value}")
            self._placed(partition, value, offset)
            partition.read[value] = offset
            partition.read_max = max(partition.read_max, offset)
            if op.final:
                partition.final_read.add(value)

    def _placed(self, partition, value, offset):
        other = partition.offset_of.setdefault(value, offset)
        if other != offset:
            self.report.add("duplicate", f"{partition.name}: {value} at {other} and {offset}")

    def _compare_with_written(self, partition, offset, value, attributes):
        written = partition.writer.get(value)
        if written is None:
            self.report.add("unknown-record", f"{partition.name}@{offset}: {value} was never sent there")
            return
        if attributes.get("digest") != written[1].get("digest") and "digest" in attributes:
            self.report.add("record-mismatch", f"{partition.name}@{offset}: {value} differs from what was sent")
        if written[0].type == "fail":
            self.report.add("G1a", f"{partition.name}@{offset}: {value} of an operation that failed")


def check_losses(facts, report):
    """C-03, C-04: acknowledged and never read, below what has been read or above it."""
    compacted = set(facts.meta.get("compacted", ()))
    for partition in facts.partitions.values():
        if partition.name in compacted:
            continue
        for value, (offset, _) in partition.acked.items():
            if value not in partition.read and offset not in partition.disputed:
                rule = "lost-write" if offset < partition.read_max else "unseen"
                report.add(rule, f"{partition.name}@{offset}: {value}")


def check_steps(facts, report):
    """C-06, C-07, C-08, C-11, C-12: order within one operation."""
    for op in facts.ops:
        own = {step[2] for step in op.sends()}
        last_poll, last_send = {}, {}
        for step in op.value if op.has_steps() else ():
            if step[0] == "send":
                _check_int_send(facts, report, op, step, last_send)
                continue
            for name, messages in step[1].items():
                rank = facts.partitions[name].rank
                for offset, value, *_ in messages:
                    if value in own and op.f == "txn":
                        report.add("precommitted-read", f"{name}@{offset}: {value} by its own transaction")
                    place = rank[offset]
                    before = last_poll.get(name, place - 1)
                    if place <= before:
                        report.add("int-nonmonotonic-poll", _went(facts, name, before, place, op))
                    elif place > before + 1:
                        report.add("int-poll-skip", _went(facts, name, before, place, op))
                    last_poll[name] = place


def _check_int_send(facts, report, op, step, last_send):
    _, name, _, offset, *_ = step
    if offset is None:
        return
    before = last_send.get(name)
    if before is not None and offset <= before:
        report.add("int-nonmonotonic-send", f"{name}: {offset} after {before}, process {op.process}")
    elif before is not None:
        versions = facts.partitions[name].versions
        if bisect_left(versions, offset) - bisect_left(versions, before) > 1:
            report.add("int-send-skip", f"{name}: {offset} after {before}, process {op.process}")
    last_send[name] = offset


def _went(facts, name, before, place, op):
    versions = facts.partitions[name].versions
    return f"{name}: {versions[place]} after {versions[before]}, process {op.process}, begun {op.start}"


def check_processes(facts, report):
    """C-09, C-10, C-13: order between the operations of a process."""
    positions, sent, subscribers = defaultdict(dict), defaultdict(dict), set()
    for op in facts.ops:
        if op.f in ("assign", "subscribe"):
            positions.pop(op.process, None)
            (subscribers.add if op.f == "subscribe" else subscribers.discard)(op.process)
            continue
        _check_positions(facts, report, op, positions[op.process], op.process in subscribers)
        if op.type == "ok":
            last = sent[op.process]
            for _, name, _, offset, *_ in op.sends():
                if offset is None:
                    continue
                if offset <= last.get(name, -1) and not _sent_within(op, name, last[name]):
                    report.add("nonmonotonic-send",
                               f"{name}: {offset} after {last[name]}, process {op.process}")
                last[name] = offset


def _sent_within(op, name, offset):
    return any(step[1] == name and step[3] == offset for step in op.sends())


def _check_positions(facts, report, op, last, subscriber):
    for poll in op.polls():
        for name, messages in poll.items():
            if not messages:
                continue
            rank = facts.partitions[name].rank
            first = rank[messages[0][0]]
            before = last.get(name)
            if before is not None and before[1] is not op:
                if first <= before[0]:
                    report.add("nonmonotonic-poll", _went(facts, name, before[0], first, op), subscriber)
                elif first > before[0] + 1:
                    report.add("poll-skip", _went(facts, name, before[0], first, op), subscriber)
            last[name] = (rank[messages[-1][0]], op)
            if op.type != "ok":  # an aborted transaction's reader goes back
                del last[name]


def check_known_offsets(facts, report):
    """C-20, C-24: what was known before an operation began bounds what it may be told."""
    known, asked = defaultdict(list), defaultdict(list)
    for op in facts.ops:
        if op.f == "list_offsets" and op.type == "ok":
            for name, (earliest, latest) in op.value.items():
                asked[name].append((op.start, "latest", latest, op))
                known[name].append((op.end, "earliest", earliest))
                asked[name].append((op.start, "earliest", earliest, op))
        for _, name, value, offset, *_ in op.sends():
            if offset is not None and op.type == "ok":
                known[name].append((op.end, "offset", offset))
                if op.f == "send":
                    asked[name].append((op.start, value, offset, op))
        for poll in op.polls():
            for name, messages in poll.items():
                if messages:
                    known[name].append((op.end, "offset", max(message[0] for message in messages)))
    for name, questions in asked.items():
        _compare_with_known(name, known[name], questions, report)


def _compare_with_known(name, known, questions, report):
    known.sort(key=lambda item: item[0])
    questions.sort(key=lambda item: item[0])
    offset_max, earliest_max, place = -1, -1, 0
    for start, what, answer, op in questions:
        while place < len(known) and known[place][0] < start:
            _, kind, number = known[place]
            if kind == "offset":
                offset_max = max(offset_max, number)
            else:
                earliest_max = max(earliest_max, number)
            place += 1
        if op.f == "send" and answer <= offset_max:
            report.add("stale-offset", f"{name}: {what} acknowledged at {answer}, {offset_max} was known before")
        elif op.f != "send" and what == "latest" and answer <= offset_max:
            report.add("latest-too-low", f"{name}: latest {answer}, {offset_max} was known before")
        elif op.f != "send" and what == "earliest" and answer < earliest_max:
            report.add("earliest-went-back", f"{name}: earliest {answer} after {earliest_max}")


def check_compaction(facts, report):
    """C-25: of each key the newest record is there at the end; a tombstone for its time."""
    retention_ns = facts.meta.get("delete_retention_ns", 0)
    end = max((op.start for op in facts.ops if op.final), default=0)
    for name in facts.meta.get("compacted", ()):
        partition = facts.partitions.get(name)
        newest = {}
        for value, (offset, op) in partition.acked.items() if partition else ():
            attributes = partition.writer[value][1]
            if offset > newest.get(attributes.get("key"), (-1,))[0]:
                newest[attributes.get("key")] = (offset, value, op, attributes.get("tombstone"))
        for key, (offset, value, op, tombstone) in newest.items():
            if value in partition.final_read:
                continue
            if not tombstone:
                report.add("compacted-away", f"{name}@{offset}: {value}, the newest of key {key}")
            elif end - op.end < retention_ns:
                report.add("tombstone-too-short", f"{name}@{offset}: {value} of key {key}")


def check_lag(facts, report):
    """C-17: how long the first poll that got a record lagged behind what had been acknowledged; nothing at the end. Readers
    that begin anew come to what others have read."""
    worst, furthest = 0, {}
    acked_after = {name: _first_ack_beyond(partition) for name, partition in facts.partitions.items()}
    last_final = {}
    for op in facts.ops:
        for poll in op.polls():
            for name, messages in poll.items():
                if messages:
                    place = facts.partitions[name].rank[messages[-1][0]]
                    lag = max(0, op.start - acked_after[name][place])
                    if place > furthest.get(name, -1):
                        furthest[name], worst = place, max(worst, lag)
                    if op.final:
                        last_final[name] = (place, lag, op)
    report.figures["worst lag behind acknowledged records, s"] = round(worst / 1e9, 3)
    for name, (_, lag, op) in last_final.items():
        # What was lost is reported as that; this is a reader that stopped early.
        if lag and all(value in facts.partitions[name].read for value in facts.partitions[name].acked):
            report.add("final-lag", f"{name}: process {op.process} stopped {lag / 1e9:.3f} s behind")


def _first_ack_beyond(partition):
    """By version: when a record beyond it was first acknowledged; infinity if none was."""
    never = float("inf")
    times = [never] * (len(partition.versions) + 1)
    for offset, op in partition.acked.values():
        place = partition.rank[offset]
        times[place] = min(times[place], op.end)
    for place in range(len(times) - 2, -1, -1):
        times[place] = min(times[place], times[place + 1])
    return times[1:]


def check_balances(facts, report):
    """C-26: transfers move money, they make none."""
    total = facts.meta.get("money_total")
    for op in facts.ops:
        if op.f == "balances" and op.type == "ok" and sum(op.value.values()) != total:
            report.add("money-not-conserved", f"{sum(op.value.values())} of {total}, begun {op.start}")


def check_validity(facts, report, needs, ops_per_s_min):
    """C-18, C-33: a run in which nothing succeeded proves nothing."""
    counts = defaultdict(lambda: defaultdict(int))
    for op in facts.ops:
        if op.f != "meta":
            counts[op.f][op.type] += 1
    for f, by_type in sorted(counts.items()):
        report.figures[f"{f} ok/fail/info"] = "/".join(str(by_type[type]) for type in ("ok", "fail", "info"))
    for f in {*counts, *needs}:
        if not counts[f]["ok"]:
            report.invalid.append(f"no {f} succeeded")
    if ops_per_s_min and facts.ops:
        seconds = (facts.ops[-1].end - facts.ops[0].start) / 1e9
        rate = sum(by_type["ok"] for by_type in counts.values()) / max(seconds, 1e-9)
        if rate < ops_per_s_min:
            report.invalid.append(f"{rate:.0f} operations/s, {ops_per_s_min} at least")


def check(ops, needs=(), ops_per_s_min=0, ww_deps=True, rw_deps=False):
    """Judges operations ordered by history.ordered. `needs`: kinds of operations that must have succeeded.

    rw_deps adds dependencies of a poll on the next record it did not see. A poll may stop early, so that is sound only
    where each poll is known to have reached the end.
    """
    report = Report()
    facts = Facts(ops, report)
    for rule in (check_losses, check_steps, check_processes, check_known_offsets, check_compaction,
                 check_lag, check_balances):
        rule(facts, report)
    cycles.check(facts, report, ww_deps, rw_deps)
    registers.check(ops, report)
    watches.check(ops, report)
    check_validity(facts, report, needs, ops_per_s_min)
    return report
