"""The counts of group_history.py."""

import pytest

from chaos.group_history import GroupHistory, longest_gap
from chaos.groups import plans


def history(*events, **more):
    made = GroupHistory("g", **more)
    for member, event, values in events:
        made.take({"at": 0, "member": member, "event": event, **values})
    return made


def records(member, first, last, at=0.0, partition=0):
    return member, "records", {"partition": partition, "first": first, "last": last, "count": last - first + 1,
                               "at": at * 1000}


def test_partitions_are_shared_when_each_is_owned_once_by_as_many_as_can_be():
    made = history(("a", "assigned", {"partitions": [0, 1]}))
    assert made.shared(1, 2) and not made.shared(2, 2) and not made.shared(1, 3)
    made.take({"at": 0, "member": "b", "event": "assigned", "partitions": [1]})
    assert not made.shared(2, 2)
    made.take({"at": 0, "member": "a", "event": "revoked", "partitions": [1]})
    assert made.shared(2, 2) and made.shared(3, 2)


def test_changes_are_counted_from_a_mark_and_not_of_members_that_leave():
    made = history(("a", "assigned", {"partitions": [0, 1], "generation": 3}), ("b", "assigned", {"partitions": [2]}))
    marks = made.marks()
    assert made.since(marks) == (0, 0, 0)
    made.take({"at": 0, "member": "a", "event": "lost", "partitions": [0, 1]})
    made.take({"at": 0, "member": "a", "event": "assigned", "partitions": [0], "generation": 5})
    assert made.since(marks) == (2, 1, 2)
    made.leaves("b")
    made.take({"at": 0, "member": "b", "event": "revoked", "partitions": [2]})
    assert made.since(marks) == (2, 1, 2)


def test_a_client_without_generations_changes_with_its_assignments():
    made = history(("a", "assigned", {"partitions": [0]}))
    marks = made.marks()
    made.take({"at": 0, "member": "a", "event": "assigned", "partitions": [0]})
    assert made.since(marks) == (1, 1, 0)


def test_duplicates_are_forbidden_below_what_was_committed():
    made = history(records("a", 0, 9), ("a", "committed", {"offsets": {"0": 8}}), records("b", 7, 11))
    count, forbidden = made.duplicates()
    assert count == 3 and forbidden == ["g: 0@7 again at b, 8 was committed"]


def test_overlapping_fetches_are_a_members_own_doing_while_it_owns_the_partition():
    owned = ("a", "assigned", {"partitions": [0]})
    first = [owned, records("a", 0, 9), ("a", "committed", {"offsets": {"0": 10}}), records("a", 9, 9)]
    again = "g: 0@9 again at a, 10 was committed"
    assert history(*first).duplicates() == (1, [again])
    assert history(*first, overlapping_fetches=True).duplicates() == (1, [])
    made = history(*first, owned, records("a", 9, 9), overlapping_fetches=True)
    assert made.duplicates() == (2, [again])


def test_missed_records_and_gaps_within_a_batch():
    made = history(records("a", 0, 3), records("a", 6, 7), ("a", "records", {"partition": 1, "first": 0, "last": 4,
                                                                             "count": 4}))
    assert made.missed({0: 9, 1: 5}) == 3
    assert made.has_read({0: 8}) and not made.has_read({0: 9})
    assert len(made.errors) == 1 and "gaps" in made.errors[0]


def test_the_longest_silence_begins_before_the_fault_and_is_ended_by_new_records_only():
    made = history(records("a", 0, 0, 1.0), records("a", 0, 0, 1.6, partition=1), records("a", 0, 0, 2.0),
                   records("a", 1, 1, 2.5), records("a", 1, 1, 2.2, partition=1))
    assert made.silence(begin=1.7, end=2.6) == pytest.approx((0.6, 1.5))
    assert longest_gap([1.0, 2.0], 3.0, 3.5) == 1.5 and longest_gap([], 3.0, 3.5) == 0.5


def test_every_client_commits_in_both_ways():
    made = plans(6, 2, ["x", "y", "z"])
    assert {(plan.client, plan.commit) for plan in made} == {(client, commit) for client in "xyz"
                                                            for commit in ("auto", "manual")}
    assert len({plan.group for plan in made}) == 6
