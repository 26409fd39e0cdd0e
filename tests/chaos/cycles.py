"""Cycles of dependencies between operations (RELIABILITY C-14 ... C-16), after Adya.

Edges: ww from the writer of a record to the writer of the next one; wr from a record's writer to its reader; rw from a
reader to the writer of the next record; process and realtime from an operation to those begun after its end. A
cycle is a set of operations each of which must come before the others.
Realtime edges go through one chain of instants, so that their number stays linear.
"""

from collections import defaultdict


def check(facts, report, ww_deps, rw_deps):
    graph = _dependencies(facts)
    if not any(graph.values()):
        return
    seen = set()
    if ww_deps:
        _report(facts, report, "G0", [graph["ww"]], set())
    _report(facts, report, "G1c", [graph["wr"]], seen)
    if ww_deps:
        _report(facts, report, "G1c-ww", [graph["ww"], graph["wr"]], _cyclic([graph["ww"]], facts) | seen)
    orders = {"": None, "-process": _process_order(facts), "-realtime": _realtime_order(facts)}
    for suffix, order in orders.items():
        ordering = [order] if order else []
        if order:
            _report(facts, report, "G1c" + suffix, [graph["wr"], *ordering], seen)
        if rw_deps:
            _report_rw(facts, report, suffix, graph, ordering, seen)


def _dependencies(facts):
    graph = {"ww": defaultdict(list), "wr": defaultdict(list), "rw": defaultdict(list)}
    writers = {}
    for name, partition in facts.partitions.items():
        by_rank = [partition.writer.get(partition.value_at[offset], (None,))[0]
                   for offset in partition.versions]
        writers[name] = by_rank
        for before, after in zip(by_rank, by_rank[1:]):
            if before is not None and after is not None and before is not after:
                graph["ww"][before.index].append(after.index)
    for op in facts.ops:
        for poll in op.polls():
            for name, messages in poll.items():
                _read_edges(facts, graph, op, name, messages, writers[name])
    return graph


def _read_edges(facts, graph, op, name, messages, writers):
    partition = facts.partitions[name]
    for _, value, *_ in messages:
        writer = partition.writer.get(value, (None,))[0]
        if writer is not None and writer is not op:
            targets = graph["wr"][writer.index]
            if not targets or targets[-1] != op.index:
                targets.append(op.index)
    if messages and op.f == "txn":
        following = partition.rank[messages[-1][0]] + 1
        if following < len(writers) and writers[following] not in (None, op):
            graph["rw"][op.index].append(writers[following].index)


def _process_order(facts):
    edges, last = defaultdict(list), {}
    for op in facts.ops:
        if op.has_steps() and op.type == "ok":
            before = last.get(op.process)
            if before is not None and before.end < op.start:
                edges[before.index].append(op.index)
            last[op.process] = op
    return edges


def _realtime_order(facts):
    """Operation -> instant of its end -> next instants -> operations begun after."""
    edges = defaultdict(list)
    done = [op for op in facts.ops if op.has_steps() and op.type == "ok"]
    ends = sorted(done, key=lambda op: op.end)
    first, place = len(facts.ops), 0
    for number, op in enumerate(ends):
        edges[op.index].append(first + number)
        if number:
            edges[first + number - 1].append(first + number)
    for op in done:
        while place < len(ends) and ends[place].end < op.start:
            place += 1
        if place:
            edges[first + place - 1].append(op.index)
    return edges


def _report(facts, report, rule, graphs, seen):
    for component in _components(graphs):
        real = [node for node in component if node < len(facts.ops)]
        if len(real) > 1 and seen.isdisjoint(real):
            seen.update(real)
            report.add(rule, _shown(facts, real))


def _cyclic(graphs, facts):
    return {node for component in _components(graphs) for node in component if node < len(facts.ops)}


def _report_rw(facts, report, suffix, graph, ordering, seen):
    firm = [graph["wr"], graph["ww"], *ordering]
    for component in _components([*firm, graph["rw"]]):
        inside = set(component)
        real = sorted(node for node in component if node < len(facts.ops))
        if len(real) < 2 or not seen.isdisjoint(real):
            continue
        anti = [(a, b) for a in real for b in graph["rw"].get(a, ()) if b in inside]
        if anti:
            single = any(_reaches(b, a, firm, inside) for a, b in anti)
            seen.update(real)
            report.add(("G-single" if single else "G2") + suffix, _shown(facts, real))


def _shown(facts, nodes):
    return ", ".join(f"{facts.ops[node].f} of process {facts.ops[node].process} begun {facts.ops[node].start}"
                     for node in sorted(nodes)[:4]) + f" ({len(nodes)} operations)"


def _reaches(source, target, graphs, inside):
    stack, visited = [source], {source}
    while stack:
        node = stack.pop()
        if node == target:
            return True
        for graph in graphs:
            for following in graph.get(node, ()):
                if following in inside and following not in visited:
                    visited.add(following)
                    stack.append(following)
    return False


def _components(graphs):
    """Strongly connected components of more than one node (Tarjan, without recursion)."""
    def successors(node):
        return (following for graph in graphs for following in graph.get(node, ()))

    number, low, on_stack, stack, found = {}, {}, set(), [], []
    for root in [node for graph in graphs for node in graph]:
        if root in number:
            continue
        number[root] = low[root] = len(number)
        stack.append(root)
        on_stack.add(root)
        work = [(root, successors(root))]
        while work:
            node, rest = work[-1]
            for following in rest:
                if following not in number:
                    number[following] = low[following] = len(number)
                    stack.append(following)
                    on_stack.add(following)
                    work.append((following, successors(following)))
                    break
                if following in on_stack:
                    low[node] = min(low[node], number[following])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == number[node]:
                    component = []
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        component.append(member)
                        if member == node:
                            break
                    if len(component) > 1:
                        found.append(component)
    return found
