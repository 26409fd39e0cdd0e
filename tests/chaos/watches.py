"""Guarantees of a stream of metadata to its watchers (RELIABILITY C-28), after etcd's.

A watch operation is one delivery to its process: after the offset it stood at, entries with the group (one change,
delivered whole) each belongs to, and a bookmark: nothing up to it is still to come.
"""

from collections import defaultdict


def check(ops, report):
    watches = [op for op in ops if op.f == "watch" and op.type == "ok"]
    known = sorted({entry[0] for op in watches for entry in op.value["entries"]})
    groups = defaultdict(set)
    for op in watches:
        for offset, group in op.value["entries"]:
            groups[group].add(offset)
    position, delivered = {}, defaultdict(set)
    for op in watches:
        _check_delivery(op, report, known, groups, position, delivered[op.process])


def _check_delivery(op, report, known, groups, position, delivered):
    who, value = f"process {op.process}, begun {op.start}", op.value
    offsets = [entry[0] for entry in value["entries"]]
    if offsets != sorted(offsets):
        report.add("watch-unordered", f"{offsets}, {who}")
    if len(set(offsets)) != len(offsets) or delivered.intersection(offsets):
        report.add("watch-repeated", f"{offsets}, {who}")
    if value["after"] != position.get(op.process, value["after"]):
        report.add("watch-not-resumed", f"from {value['after']}, stood at {position[op.process]}, {who}")
    for group in {entry[1] for entry in value["entries"]}:
        if not groups[group] <= set(offsets):
            report.add("watch-torn", f"group {group}: {sorted(groups[group] - set(offsets))} missing, {who}")
    end = max([value["bookmark"], *offsets])
    if offsets and max(offsets) > value["bookmark"]:
        report.add("watch-bookmark", f"{max(offsets)} beyond the bookmark {value['bookmark']}, {who}")
    whole = set().union(*(groups[entry[1]] for entry in value["entries"]), offsets)
    missing = [offset for offset in known if value["after"] < offset <= end and offset not in whole]
    if missing:
        report.add("watch-missed", f"{missing[:5]}, {who}")
    delivered.update(offsets)
    position[op.process] = end
