"""Linearizability of registers by name (RELIABILITY C-27): what the metadata of a cluster must be.

Search of Wing and Gong with Lowe's memory of visited states: take any operation that began before the first end among
those left; a failed search is a proof. Operations of unknown outcome may take effect at any time after they
began, or never.
"""

from collections import defaultdict

# Beyond it a key's history is not searched further, and the run is invalid rather than passed.
STATES_MAX = 2_000_000


def check(ops, report):
    by_key = defaultdict(list)
    for op in ops:
        if op.f == "kv" and op.type != "fail":
            by_key[op.value["key"]].append(op)
    for key, of_key in by_key.items():
        verdict = linearizable(of_key)
        if verdict is None:
            report.invalid.append(f"register {key}: too many states to search")
        elif not verdict:
            report.add("not-linearizable", f"register {key}: no order explains {len(of_key)} operations")


def apply(state, value):
    """(possible, next state) of one operation on a register that holds `state` (None: absent)."""
    kind, argument, result = value["op"], value.get("arg"), value.get("result")
    if kind == "get":
        return result == state, state
    if kind == "put":
        return True, argument
    if kind == "delete":
        return True, None
    old, new = argument  # cas
    return (state == old, new) if result is not False else (state != old, state)


def linearizable(ops):
    """True, False, or None where the search was given up."""
    ends = [op.end if op.type == "ok" else float("inf") for op in ops]
    certain = sum(1 << number for number, op in enumerate(ops) if op.type == "ok")
    everything = (1 << len(ops)) - 1
    stack, visited = [(everything, None)], {(everything, None)}
    while stack:
        left, state = stack.pop()
        if not left & certain:
            return True
        if len(visited) > STATES_MAX:
            return None
        members = [number for number in range(len(ops)) if left >> number & 1]
        first_end = min(ends[number] for number in members)
        for number in members:
            if ops[number].start > first_end:
                break
            possible, following = apply(state, ops[number].value)
            step = (left & ~(1 << number), following)
            if possible and step not in visited:
                visited.add(step)
                stack.append(step)
    return False
