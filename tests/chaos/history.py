"""Histories of operations: the format, a recorder for many threads, reading and writing.

A history is JSON lines, one per operation that was begun, with its outcome:

    {"process": 3, "f": "txn", "type": "ok", "start": 17, "end": 42, "value": [...]}

process  who did it, an integer; one process has one client and goes on under a new number when that client crashed
f        send, poll, txn: `value` is a list of steps (below); send and poll are txns of one kind of step
         assign, subscribe: the process took its partitions anew; `value` lists them
         list_offsets: `value` is {partition: [earliest, latest]}
         balances: `value` is {account: amount}, one read of all accounts (C-26)
         kv: `value` is {"key", "op": get|put|cas|delete, "arg", "result"} on a register (C-27)
         watch: `value` is {"after": offset, "entries": [[offset, group], ...], "bookmark": offset} (C-28)
         meta: facts of the run in `value`: "compacted" partitions, "delete_retention_ns", "money_total"
type     ok: it took effect; fail: it did not, and never will; info: nobody knows
start    nanoseconds at which it was begun, on one clock for all processes; operations of a process that overlap
         (a producer with many sends under way) stand in the order in which they were begun
end      nanoseconds at which its outcome was known
final    true in polls of the last phase, in which fresh consumers read everything from the beginning

Steps:
    ["send", partition, value, offset, attributes?]         offset is null where it is not known
    ["poll", {partition: [[offset, value, attributes?], ...]}]
A value is a string that is sent only once. Attributes: "digest" of the whole record (key, value, headers), "key",
"tombstone".
"""

import json
import threading
import time


class Op:
    """One operation. `index` is its place in the order of beginnings."""

    __slots__ = ("index", "process", "f", "type", "start", "end", "value", "final")

    def __init__(self, process, f, type, start, end, value, final=False):  # noqa: A002
        self.index = -1
        self.process, self.f, self.type, self.start, self.end = process, f, type, start, end
        self.value, self.final = value, final

    def sends(self):
        """The steps that send; none if this kind of operation has no steps."""
        return [step for step in self.value if step[0] == "send"] if self.has_steps() else []

    def polls(self):
        return [step[1] for step in self.value if step[0] == "poll"] if self.has_steps() else []

    def has_steps(self):
        return self.f in ("send", "poll", "txn")

    def as_json(self):
        fields = {"process": self.process, "f": self.f, "type": self.type, "start": self.start,
                  "end": self.end, "value": self.value}
        if self.final:
            fields["final"] = True
        return json.dumps(fields, separators=(",", ":"))


def ordered(ops):
    """The operations by their beginnings, numbered."""
    ops = sorted(ops, key=lambda op: op.start)
    for index, op in enumerate(ops):
        op.index = index
    return ops


def read(path):
    with open(path, encoding="utf-8") as lines:
        return ordered(Op(**json.loads(line)) for line in lines if line.strip())


def write(path, ops):
    with open(path, "w", encoding="utf-8") as out:
        for op in ops:
            out.write(op.as_json() + "\n")


class Recorder:
    """Collects operations from many threads; hands out process numbers."""

    def __init__(self):
        self._lock = threading.Lock()
        self._ops = []
        self._processes = 0

    @staticmethod
    def now():
        return time.monotonic_ns()

    def new_process(self):
        with self._lock:
            self._processes += 1
            return self._processes

    def add(self, process, f, type, start, value, final=False, end=None):  # noqa: A002
        """Records an operation whose outcome is known now, or was at `end`."""
        op = Op(process, f, type, start, end or self.now(), value, final)
        with self._lock:
            self._ops.append(op)
        return op

    def ops(self):
        with self._lock:
            return ordered(list(self._ops))

    def count(self, f, type="ok"):  # noqa: A002
        with self._lock:
            return sum(op.f == f and op.type == type for op in self._ops)
