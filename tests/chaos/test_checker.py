"""The checker finds what it must: for each rule histories that break just that rule, beside sound ones
(RELIABILITY C-31). A history here is a list of lines; times are in the order of the lines unless given.
"""

import random
import time

import pytest

from chaos import history
from chaos.checker import check
from chaos.crash_lines import crash_lines
from chaos.history import Op

STEP = 10


def build(*lines):
    """Operations from (process, f, type, value, options); one after the other, each over before the next."""
    ops = []
    for number, (process, f, kind, value, *options) in enumerate(lines):
        given = options[0] if options else {}
        start = given.get("start", number * STEP)
        ops.append(Op(process, f, kind, start, given.get("end", start + STEP // 2), value,
                      given.get("final", False)))
    return history.ordered(ops)


def send(process, value, offset, kind="ok", partition="p", attributes=None, **options):
    step = ["send", partition, value, offset] + ([attributes] if attributes else [])
    return (process, "send", kind, [step], options)


def poll(process, *messages, partition="p", f="poll", **options):
    return (process, f, "ok", [["poll", {partition: [list(message) for message in messages]}]], options)


def txn(process, *steps, kind="ok", **options):
    return (process, "txn", kind, [list(step) for step in steps], options)


def polled(partition, *messages):
    return ["poll", {partition: [list(message) for message in messages]}]


def sent(partition, value, offset):
    return ["send", partition, value, offset]


A, B, C, D = (send(1, value, offset) for offset, value in enumerate("abcd"))
FOUR = [(0, "a"), (1, "b"), (2, "c"), (3, "d")]
READ_ALL = poll(9, *FOUR, final=True)


def kv(process, op, start, end, arg=None, result=None, kind="ok"):
    return (process, "kv", kind, {"key": "k", "op": op, "arg": arg, "result": result},
            {"start": start, "end": end})


def watch(process, after, entries, bookmark):
    return (process, "watch", "ok", {"after": after, "entries": entries, "bookmark": bookmark})


def meta(**facts):
    return (0, "meta", "info", facts)


def money(process, **accounts):
    return (process, "balances", "ok", accounts)


def offsets(process, earliest, latest):
    return (process, "list_offsets", "ok", {"p": [earliest, latest]})


def keyed(value, offset, key, **more):
    return send(1, value, offset, attributes={"key": key, **more})


COMPACTED = meta(compacted=["p"], delete_retention_ns=1000)

# rule -> histories that break it and nothing else
BAD = {
    "duplicate": [
        [A, B, poll(9, (0, "a"), (1, "b"), (2, "a"), final=True)],
        [send(1, "a", 0, "info"), poll(8, (0, "a"), (1, "a"))],
    ],
    "inconsistent-offsets": [
        [send(1, "a", None, "info"), send(2, "b", None, "info"), poll(8, (0, "a")), poll(9, (0, "b"))],
        [send(1, "a", None, "info"), send(2, "b", None, "info"), poll(8, (7, "b")), poll(9, (7, "b")),
         poll(7, (7, "a"))],
    ],
    "lost-write": [
        # Readers that never were at the hole: the record that was lost is known by its acknowledgement alone.
        [A, B, (8, "assign", "ok", ["p"]), poll(8, (0, "a")), C, (8, "assign", "ok", ["p"]), poll(8, (2, "c"))],
        [A, B, C, D, poll(7, (0, "a")), poll(8, (2, "c"), (3, "d"))],
    ],
    "unseen": [
        [A, B, C, poll(9, (0, "a"), (1, "b"))],
        [A, send(1, "x", 0, partition="q"), poll(9, (0, "a"), final=True)],
    ],
    "G1a": [
        [A, send(2, "b", None, "fail"), poll(9, (0, "a"), (1, "b"), final=True)],
        [txn(1, sent("p", "a", 0), kind="fail"), poll(9, (0, "a"))],
    ],
    "precommitted-read": [
        [txn(1, sent("p", "a", 0), polled("p", (0, "a")))],
        [txn(1, sent("p", "a", None), polled("p", (4, "a")), kind="info")],
    ],
    "int-poll-skip": [
        [A, B, C, poll(8, (0, "a"), (2, "c")), poll(9, *FOUR[:3], final=True)],
        [A, B, C, txn(8, polled("p", (0, "a")), polled("p", (2, "c"))), poll(9, *FOUR[:3])],
    ],
    "int-nonmonotonic-poll": [
        [A, B, poll(9, (1, "b"), (0, "a"))],
        [A, B, txn(9, polled("p", (0, "a"), (1, "b")), polled("p", (1, "b")))],
    ],
    "poll-skip": [
        [A, B, C, poll(8, (0, "a")), poll(8, (2, "c")), poll(9, *FOUR[:3])],
        [A, B, C, (8, "assign", "ok", ["p"]), poll(8, (0, "a")), poll(8, (2, "c")), poll(9, *FOUR[:3])],
    ],
    "nonmonotonic-poll": [
        [A, B, poll(8, (0, "a"), (1, "b")), poll(8, (0, "a"), (1, "b"))],
        [A, B, C, poll(8, *FOUR[:3]), poll(8, (2, "c"))],
    ],
    "int-nonmonotonic-send": [
        [txn(1, sent("p", "b", 1), sent("p", "a", 0)), poll(9, *FOUR[:2])],
        [txn(1, sent("p", "c", 2), sent("p", "x", 0), sent("p", "y", 1)),
         poll(9, (0, "x"), (1, "y"), (2, "c"))],
    ],
    "nonmonotonic-send": [
        # Under way at the same time: only the order in which the process began them forbids it.
        [send(1, "b", 1, start=0, end=9), send(1, "a", 0, start=1, end=8), poll(9, *FOUR[:2])],
        [send(1, "c", 2, start=0, end=9), send(1, "a", 0, start=1, end=9), send(1, "b", 1, start=2, end=9),
         poll(9, *FOUR[:3])],
    ],
    "stale-offset": [
        [send(1, "b", 1), send(2, "a", 0), poll(9, *FOUR[:2])],
        [send(2, "x", None, "info"), poll(8, (5, "x")), send(1, "a", 3),
         poll(9, (3, "a"), (5, "x"))],
    ],
    "offset-assigned-twice": [
        [send(1, "a", 0, start=0, end=9), send(2, "b", 0, start=0, end=9), poll(8, (0, "a"))],
        [A, send(1, "b", 1, start=20, end=29), send(2, "c", 1, start=20, end=29),
         poll(9, *FOUR[:2], start=40)],
    ],
    "record-mismatch": [
        [send(1, "a", 0, attributes={"digest": "1"}), poll(9, (0, "a", {"digest": "2"}))],
        [send(1, "a", 0, attributes={"digest": "1"}), poll(8, (0, "a", {"digest": "1"})),
         poll(9, (0, "a", {"digest": "3"}))],
    ],
    "unknown-record": [
        [A, poll(9, (0, "a"), (1, "z"))],
        [A, poll(9, (0, "z"), partition="q"), poll(8, (0, "a"))],
    ],
    "latest-too-low": [
        [A, B, offsets(5, 0, 1), poll(9, *FOUR[:2])],
        [A, B, poll(9, *FOUR[:2]), offsets(5, 0, 0)],
    ],
    "earliest-went-back": [
        [A, B, offsets(5, 1, 2), offsets(6, 0, 2), poll(9, *FOUR[:2])],
        [A, B, offsets(5, 2, 2), offsets(5, 2, 2), offsets(6, 1, 2), poll(9, *FOUR[:2])],
    ],
    "compacted-away": [
        [COMPACTED, keyed("a", 0, "k"), keyed("b", 1, "k"), poll(9, (0, "a"), final=True)],
        [COMPACTED, keyed("a", 0, "k"), keyed("b", 1, "m"), poll(9, (1, "b"), final=True)],
    ],
    "tombstone-too-short": [
        [COMPACTED, keyed("a", 0, "k", tombstone=True), keyed("b", 1, "m"), poll(9, (1, "b"), final=True)],
        [COMPACTED, keyed("a", 0, "k"), keyed("b", 1, "k", tombstone=True), keyed("c", 2, "m"),
         poll(9, (2, "c"), final=True)],
    ],
    "final-lag": [
        [A, B, poll(8, *FOUR[:2]), poll(9, (0, "a"), final=True)],
        [A, B, C, poll(8, *FOUR[:3]), poll(9, *FOUR[:2], final=True)],
    ],
    "money-not-conserved": [
        [meta(money_total=10), money(1, x=5, y=5), money(1, x=4, y=5)],
        [meta(money_total=10), money(1, x=6, y=5)],
    ],
    "G1c": [
        [txn(1, sent("p", "a", 0), polled("q", (0, "x")), start=0, end=9),
         txn(2, sent("q", "x", 0), polled("p", (0, "a")), start=1, end=9)],
        [txn(1, sent("p", "a", 0), polled("r", (0, "y")), start=0, end=9),
         txn(2, sent("q", "x", 0), polled("p", (0, "a")), start=1, end=9),
         txn(3, sent("r", "y", 0), polled("q", (0, "x")), start=2, end=9)],
    ],
    "G1c-process": [
        [poll(1, (0, "a")), txn(1, sent("p", "a", 0))],
        [txn(1, polled("p", (0, "a"))), send(2, "z", 0, partition="q"),
         txn(1, sent("p", "a", 0)), poll(9, (0, "z"), partition="q")],
    ],
    "G1c-realtime": [
        [poll(9, (0, "a")), txn(1, sent("p", "a", 0), start=30)],
        [poll(8, (0, "a")), send(2, "z", 0, partition="q"), txn(1, sent("p", "a", 0)),
         poll(9, (0, "z"), partition="q")],
    ],
    "not-linearizable": [
        [kv(1, "put", 0, 5, arg=1), kv(2, "get", 10, 15, result=None)],
        [kv(1, "put", 0, 5, arg=1), kv(2, "cas", 10, 15, arg=[1, 2], result=True),
         kv(3, "cas", 10, 15, arg=[1, 3], result=True)],
    ],
    "watch-unordered": [[watch(1, 0, [[2, "b"], [1, "a"]], 2)],
                        [watch(1, 0, [[1, "a"]], 1), watch(1, 1, [[3, "c"], [2, "b"]], 3)]],
    "watch-repeated": [[watch(1, 0, [[1, "a"], [1, "a"]], 1)],
                       [watch(1, 0, [[1, "a"]], 1), watch(1, 1, [[1, "a"], [2, "b"]], 2)]],
    "watch-torn": [[watch(1, 0, [[1, "a"], [2, "a"]], 2), watch(2, 0, [[1, "a"]], 1),
                    watch(2, 1, [], 1)],
                   [watch(1, 0, [[1, "a"]], 1), watch(1, 1, [[2, "a"]], 2)]],
    "watch-missed": [[watch(1, 0, [[1, "a"], [2, "b"]], 2), watch(2, 0, [[2, "b"]], 2)],
                     [watch(1, 0, [[1, "a"]], 1), watch(2, 0, [], 3)]],
    "watch-not-resumed": [[watch(1, 0, [[1, "a"]], 1), watch(1, 2, [], 2)],
                          [watch(1, 0, [], 4), watch(1, 1, [], 4)]],
    "watch-bookmark": [[watch(1, 0, [[1, "a"], [2, "b"]], 1)],
                       [watch(1, 0, [[1, "a"]], 1), watch(1, 1, [[2, "b"]], 1)]],
}

GOOD = {
    "plain": [A, B, C, D, READ_ALL],
    "unknown outcome, written": [A, send(2, "b", None, "info"), poll(9, *FOUR[:2], final=True)],
    "unknown outcome, not written": [A, send(2, "b", None, "info"), poll(9, (0, "a"), final=True)],
    "failed and absent": [A, send(2, "b", None, "fail"), poll(9, (0, "a"), final=True)],
    "gaps in offsets": [send(1, "a", 0), send(1, "b", 5), poll(8, (0, "a")), poll(8, (5, "b")),
                        poll(9, (0, "a"), (5, "b"), final=True)],
    "assigned anew": [A, B, poll(8, *FOUR[:2]), (8, "assign", "ok", ["p"]), poll(8, *FOUR[:2])],
    "rebalanced": [A, B, C, (8, "subscribe", "ok", ["p"]), poll(8, (0, "a")), poll(8, (2, "c")),
                   poll(8, (1, "b"))],
    "read before its acknowledgement": [send(1, "a", 0, start=0, end=50), poll(9, (0, "a"), start=10)],
    "sends under way together": [send(1, "a", 0, start=0, end=9), send(1, "b", 1, start=1, end=8),
                                 poll(9, *FOUR[:2], final=True)],
    "an aborted reader goes back": [A, txn(8, polled("p", (0, "a")), kind="fail"),
                                    txn(8, polled("p", (0, "a")))],
    "transactions": [txn(1, sent("p", "a", 0), sent("q", "x", 0)),
                     txn(2, polled("p", (0, "a")), sent("q", "y", 1)),
                     poll(9, (0, "x"), (1, "y"), partition="q", final=True)],
    "offsets": [A, offsets(5, 0, 1), B, offsets(5, 1, 2), poll(9, *FOUR[:2])],
    "compacted": [COMPACTED, keyed("a", 0, "k"), keyed("b", 1, "k"), keyed("c", 2, "m"),
                  poll(9, (1, "b"), (2, "c"), final=True)],
    "tombstone gone in time": [COMPACTED, keyed("a", 0, "k", tombstone=True), keyed("b", 1, "m"),
                               poll(9, (1, "b"), start=5000, final=True)],
    "digests": [send(1, "a", 0, attributes={"digest": "1"}), poll(9, (0, "a", {"digest": "1"}))],
    "money": [meta(money_total=10), money(1, x=5, y=5), money(2, x=3, y=7)],
    "register": [kv(1, "put", 0, 20, arg=1), kv(2, "get", 5, 10, result=1), kv(3, "get", 11, 12, result=1),
                 kv(4, "cas", 13, 40, arg=[1, 2], result=True), kv(5, "get", 30, 35, result=2),
                 kv(6, "put", 36, 37, arg=9, kind="info"), kv(7, "get", 50, 51, result=2),
                 kv(7, "delete", 60, 61), kv(7, "get", 62, 63, result=None)],
    "watches": [watch(1, 0, [[1, "a"], [2, "a"]], 2), watch(1, 2, [[3, "b"]], 3), watch(2, 2, [[3, "b"]], 4),
                watch(3, 0, [[1, "a"], [2, "a"], [3, "b"]], 5)],
}


@pytest.mark.parametrize("rule, number", [(rule, number) for rule in BAD for number in range(len(BAD[rule]))])
def test_C31_a_broken_rule_is_found_and_only_that(rule, number):
    report = check(build(*BAD[rule][number]))
    assert set(report.anomalies) == {rule}, report.describe()


def test_C31_every_rule_has_two_bad_histories():
    assert all(len(histories) >= 2 for histories in BAD.values())


@pytest.mark.parametrize("name", GOOD)
def test_C31_a_sound_history_is_clean(name):
    report = check(build(*GOOD[name]))
    assert report.ok, report.describe()


WW_CYCLE = [txn(1, sent("p", "a", 0), sent("q", "y", 1), start=0, end=9),
            txn(2, sent("q", "x", 0), sent("p", "b", 1), start=1, end=9),
            poll(8, *FOUR[:2], start=10), poll(9, (0, "x"), (1, "y"), partition="q", start=10)]


@pytest.mark.parametrize("rule, lines", [
    ("int-send-skip", [txn(1, sent("p", "a", 0), sent("p", "c", 2), start=0, end=9),
                       send(2, "b", 1, start=1, end=9), poll(9, *FOUR[:3], start=20)]),
    ("int-send-skip", [txn(1, sent("p", "a", 0), sent("p", "d", 3), start=0, end=9),
                       txn(2, sent("p", "b", 1), sent("p", "c", 2), start=1, end=9), READ_ALL]),
    ("poll-skip", GOOD["rebalanced"]),
    ("nonmonotonic-poll", GOOD["rebalanced"]),
    ("G0", WW_CYCLE),
    ("G0", [*WW_CYCLE, send(3, "c", 2, start=30)] + [poll(7, *FOUR[:3], start=40)]),
    ("G1c-ww", [txn(1, sent("p", "b", 1), sent("q", "x", 0), start=0, end=9),
                txn(2, sent("p", "a", 0), polled("q", (0, "x")), start=1, end=9),
                poll(8, *FOUR[:2], start=20)]),
])
def test_C31_what_a_log_may_show_is_reported_and_passes(rule, lines):
    report = check(build(*lines))
    assert report.ok and rule in report.allowed, report.describe()


@pytest.mark.parametrize("rule, lines", [
    ("G-single", [txn(1, polled("p", (0, "a")), polled("q", (0, "x")), start=20, end=29),
                  txn(2, sent("p", "b", 1), sent("q", "x", 0), start=20, end=29)]),
    ("G2", [txn(1, polled("p", (0, "a")), sent("q", "y", 1), start=20, end=29),
            txn(2, polled("q", (0, "x")), sent("p", "b", 1), start=20, end=29),
            send(5, "x", 0, partition="q", start=1), poll(8, (0, "x"), (1, "y"), partition="q", start=40)]),
    ("G-single-realtime", [send(2, "b", 1, start=20), txn(1, polled("p", (0, "a")), start=30)]),
    ("G-single-process", [(2, "txn", "ok", [sent("p", "b", 1)], {"start": 20}),
                          txn(2, polled("p", (0, "a")), start=30)]),
])
def test_C16_cycles_with_one_and_more_missed_writes(rule, lines):
    around = [send(4, "a", 0, start=0), *lines, poll(9, *FOUR[:2], start=50)]
    assert set(check(build(*around), rw_deps=True).anomalies) == {rule}, \
        check(build(*around), rw_deps=True).describe()
    assert check(build(*around)).ok


def test_C18_C33_a_run_in_which_nothing_happened_is_invalid():
    assert check(build(A, (9, "poll", "fail", []))).invalid
    assert check(build(A, poll(9, (0, "a"))), needs=("list_offsets",)).invalid
    slow = build(A, poll(9, (0, "a"), start=10 ** 10))
    assert check(slow, ops_per_s_min=50).invalid and not check(slow).invalid


def test_C17_the_worst_lag_is_a_figure():
    second = 10 ** 9
    lines = [send(1, "a", 0, start=0, end=1), send(1, "b", 1, start=2, end=second),
             poll(8, (0, "a"), start=4 * second), poll(8, (1, "b"), start=5 * second)]
    assert 3.0 in check(build(*lines)).figures.values()


def test_C19_lines_of_a_crash_are_found():
    assert not crash_lines("I broker: started\nW checked 3 directories")
    for line in ("CHECK failed log.cc:3: a == b", "terminate called after throwing", "==1==ERROR: AddressSanitizer: x",
                 "x.cc:1: runtime error: signed overflow"):
        assert crash_lines(f"I fine\n{line}\n") == [line]


def test_a_history_survives_its_file(data_dir):
    history.write(data_dir / "h.jsonl", build(A, B, READ_ALL))
    again = history.read(data_dir / "h.jsonl")
    assert [op.as_json() for op in again] == [op.as_json() for op in build(A, B, READ_ALL)]


def large_history(count, partitions=16, batch=50, seed=1):
    """A sound history of `count` operations: writers, readers in step, and a last reading of everything."""
    dice, ops, clock = random.Random(seed), [], 0
    logs = [[] for _ in range(partitions)]
    read = [0] * partitions
    while len(ops) < count:
        clock += 10
        number = dice.randrange(partitions)
        if dice.random() < 0.9:
            value = f"v{len(ops)}"
            ops.append(Op(number, "send", "ok", clock, clock + dice.randrange(1, 9),
                          [["send", f"p-{number}", value, len(logs[number])]]))
            logs[number].append(value)
        else:
            first, read[number] = read[number], len(logs[number])
            ops.append(Op(100 + number, "poll", "ok", clock, clock + 5,
                          [["poll", {f"p-{number}": [[offset, logs[number][offset]] for offset
                                                     in range(first, read[number])]}]]))
    for number, log in enumerate(logs):
        for first in range(0, len(log), batch):
            clock += 10
            ops.append(Op(200 + number, "poll", "ok", clock, clock + 5,
                          [["poll", {f"p-{number}": [[offset, log[offset]] for offset in
                                                     range(first, min(first + batch, len(log)))]}]], True))
    return history.ordered(ops)


def test_C35_a_large_history_is_judged_in_linear_time():
    """Ten times the operations cost at most forty times the processor time: a quadratic checker costs a hundred."""
    seconds = []
    for count in (3_000, 30_000):
        ops = large_history(count)
        begin = time.process_time()
        report = check(ops)
        seconds.append(time.process_time() - begin)
        print(f"\n{len(ops)} operations judged in {seconds[-1]:.2f} s")
        assert report.ok, report.describe()
    assert seconds[1] < 40 * seconds[0]
