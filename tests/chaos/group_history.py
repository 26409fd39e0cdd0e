"""What one consumer group has seen, from the events of its members (tests/compat/members/protocol.py).

Laws: (1) events of one member come in order, those of different members in any; (2) a record is a duplicate once any member
of the group has read it before, and forbidden if a commit beyond it had been acknowledged by then; (3) of a client
with `overlapping_fetches`, what a member reads again of a partition that it has owned all along is its own doing.
Methods may be called from several threads.
"""

import threading
from bisect import bisect_right
from collections import defaultdict


class GroupHistory:
    def __init__(self, name, overlapping_fetches=False):
        self.name = name
        self._overlapping_fetches = overlapping_fetches
        self.errors = []
        self._lock = threading.Lock()
        self._owned = defaultdict(set)          # member -> partitions
        self._generation = -1
        self._assignments = defaultdict(int)    # member -> how often it was told what it owns
        self._revoked = 0
        self._left = set()
        self._read = defaultdict(dict)          # partition -> {offset: (who read it last, its assignments then)}
        self._arrivals = defaultdict(list)      # partition -> times, s
        self._committed = defaultdict(int)      # partition -> next offset
        self._duplicates = 0
        self._forbidden = []

    def take(self, event):
        with self._lock:
            getattr(self, f"_take_{event['event']}")(event["member"], event)

    def _take_assigned(self, member, event):
        self._owned[member].update(event["partitions"])
        self._assignments[member] += 1
        self._generation = max(self._generation, event.get("generation") or -1)

    def _take_revoked(self, member, event):
        if member in self._left:
            return
        self._revoked += len(self._owned[member].intersection(event["partitions"]))
        self._owned[member].difference_update(event["partitions"])

    def _take_lost(self, member, event):
        self._take_revoked(member, event)

    def _take_records(self, member, event):
        partition, offsets = event["partition"], range(event["first"], event["last"] + 1)
        if len(offsets) != event["count"]:
            self.errors.append(f"{member}: {event} has gaps")
        before, reader = self._read[partition], (member, self._assignments[member])
        again = [offset for offset in offsets if offset in before]
        if len(again) < len(offsets):
            self._arrivals[partition].append(event["at"] / 1000)
        self._duplicates += len(again)
        self._forbidden += [f"{self.name}: {partition}@{offset} again at {member}, {self._committed[partition]} was "
                            "committed" for offset in again
                            if offset < self._committed[partition]
                            and not (self._overlapping_fetches and before[offset] == reader)]
        before.update((offset, reader) for offset in offsets)

    def _take_committed(self, _, event):
        for partition, offset in event["offsets"].items():
            self._committed[int(partition)] = max(self._committed[int(partition)], offset)

    def _take_error(self, member, event):
        self.errors.append(f"{member}: {event['text']}")

    def _take_left(self, member, _):
        self.leaves(member)

    def leaves(self, member):
        """What it owned is nobody's from now on; what is revoked from it because of that does not count."""
        self._left.add(member)
        self._owned.pop(member, None)

    def owned(self):
        """{member: sorted partitions} of those that own any."""
        with self._lock:
            return {member: sorted(partitions) for member, partitions in self._owned.items() if partitions}

    def shared(self, members, partitions):
        """Whether each partition is owned once, and by as many members as can be."""
        owned = self.owned()
        return (len(owned) == min(members, partitions)
                and sorted(sum(owned.values(), [])) == list(range(partitions)))

    def marks(self):
        """What is counted from a moment on: (generation, assignments, revoked partitions)."""
        with self._lock:
            return self._generation, dict(self._assignments), self._revoked

    def since(self, marks):
        """(generation changes, assignments, revoked partitions) since these marks. A client that does not tell its
        generation gets an assignment in each.
        """
        generation, assignments, revoked = marks
        with self._lock:
            more = [count - assignments.get(member, 0) for member, count in self._assignments.items()]
            return max([self._generation - generation, *more, 0]), sum(more), self._revoked - revoked

    def duplicates(self):
        """(how many, those that had been committed)."""
        with self._lock:
            return self._duplicates, list(self._forbidden)

    def committed(self):
        """{partition: next offset} of the commits that were acknowledged to members."""
        with self._lock:
            return dict(self._committed)

    def missed(self, ends):
        """How many records below {partition: end offset} nobody read."""
        with self._lock:
            return sum(1 for partition, end in ends.items() for offset in range(end)
                       if offset not in self._read[partition])

    def has_read(self, ends):
        """Whether the last record below each end was read."""
        with self._lock:
            return all(end - 1 in self._read[partition] for partition, end in ends.items() if end > 0)

    def describe(self):
        """Owners, the offset after the last record read of each partition, and the last errors."""
        with self._lock:
            return (f"{self.name}: owned {dict(self._owned)}, read to "
                    f"{ {partition: max(offsets) + 1 for partition, offsets in sorted(self._read.items()) if offsets} }, "
                    f"errors {self.errors[-5:]}")

    def silence(self, begin, end):
        """(of the group, of any of its partitions): the longest time in s between two arrivals of new records, the last
        before `begin` and all up to `end`.
        """
        with self._lock:
            arrivals = {partition: sorted(at for at in times if at <= end)
                        for partition, times in self._arrivals.items()}
        of_group = sorted(sum(arrivals.values(), []))
        return longest_gap(of_group, begin, end), max(longest_gap(times, begin, end) for times in arrivals.values())


def longest_gap(times, begin, end):
    """Of ascending times: the longest gap from the last one before `begin` to `end`."""
    first = max(0, bisect_right(times, begin) - 1)
    times = [*(times[first:] or [begin]), end]
    return max(later - earlier for earlier, later in zip(times, times[1:]))
