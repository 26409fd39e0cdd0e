"""What all member programs speak, whatever their language, and the Python ones' half of it.

    PROGRAM BOOTSTRAP TOPIC SESSION_TIMEOUT_MS

reads commands, one per line, from standard input:
    join NAME GROUP PROTOCOL COMMIT [INSTANCE_ID]    PROTOCOL: classic, cooperative or consumer (KIP-848)
                                                     COMMIT: auto (every second) or manual (after every poll)
    leave NAME
At the end of the input all leave, and the program ends, even if some cannot. It prints one JSON object per line; all have "at" (Unix time, ms),
"member" and "event":
    assigned, revoked, lost    "partitions", those added or taken; "generation" where the client tells
    records                    "partition", "first", "last" (offsets) and "count" of what one poll brought
    committed                  "offsets" {partition: next offset} that the broker acknowledged, of a manual commit
    error                      "text"
    left                       nothing comes from this member after it
Every program leaves its client's settings alone but for these: the earliest offset where none is committed, the two session
settings, reconnects, retries and fetches without long pauses where they delay anything, and as many retries, or a pause
after a refused connection, as a client needs that would leave its group by itself when a broker goes (sarama, franz-go,
kafkajs; each says why).
"""

import json
import os
import sys
import threading
import time

COMMIT_INTERVAL_MS = 1000
LEAVE_PATIENCE_S = 30

_output = threading.Lock()


class Member:
    """One member: what it was asked to be, whether to go on, and its voice."""

    def __init__(self, name, group, protocol, commit, instance_id=None):
        self.bootstrap, self.topic, session_timeout_ms = sys.argv[1:4]
        self.session_timeout_ms = int(session_timeout_ms)
        self.heartbeat_interval_ms = min(3000, self.session_timeout_ms // 6)
        self.name, self.group, self.protocol, self.instance_id = name, group, protocol, instance_id
        self.auto_commit = commit == "auto"
        self.stopping = threading.Event()

    def say(self, event, **more):
        line = json.dumps({"at": time.time() * 1000, "member": self.name, "event": event, **more})
        with _output:
            print(line, flush=True)

    def partitions(self, event, numbers, **more):
        self.say(event, partitions=sorted(numbers), **more)

    def records(self, partition, first, last, count):
        self.say("records", partition=partition, first=first, last=last, count=count)

    def error(self, error):
        self.say("error", text=f"{type(error).__name__}: {error}")


def serve(start):
    """Obeys standard input; start(member) lets a member work and returns what its end can be waited for with."""
    running = {}
    for line in sys.stdin:
        command, name, *more = line.split()
        if command == "join":
            member = Member(name, *more)
            running[name] = member, start(member)
        else:
            running[name][0].stopping.set()
    patience = threading.Timer(LEAVE_PATIENCE_S, os._exit, [1])
    patience.daemon = True
    patience.start()
    for member, _ in running.values():
        member.stopping.set()
    for _, wait in running.values():
        wait()


def in_thread(work):
    """A `start` for serve: work(member) in a thread of its own, until the member is stopping."""
    def run(member):
        try:
            work(member)
        except Exception as error:  # noqa: BLE001, the driver judges
            member.error(error)
        member.say("left")

    def start(member):
        thread = threading.Thread(target=run, args=(member,))
        thread.start()
        return thread.join

    return start
