"""A member of a consumer group in a process of its own, so that a test can end it without a farewell.

    group_member.py python|confluent|consumer BOOTSTRAP TOPIC GROUP SESSION_TIMEOUT_MS [--instance-id ID] [--commit]

Prints `OWNS 0,1,2` after every rebalance and `READ n` with the number of records read so far. Commits only if asked to.
`consumer` is confluent-kafka with group.protocol=consumer, whose session timeout is the group's. SIGTERM: leaves the
group and ends.
"""

import argparse
import signal

HEARTBEAT_INTERVAL_MS = 500
COMMIT_INTERVAL_MS = 200
POLL_S = 0.2


class Report:
    """What the test reads. Lines are whole: the process may be killed between two."""

    def __init__(self):
        self.read = 0

    def owns(self, partitions):
        print("OWNS " + ",".join(str(partition) for partition in sorted(partitions)), flush=True)

    def add(self, count):
        if count:
            self.read += count
            print(f"READ {self.read}", flush=True)


def run_python(asked, report, stopping):
    import kafka

    class Listener(kafka.ConsumerRebalanceListener):
        def on_partitions_assigned(self, assigned):
            report.owns(partition.partition for partition in assigned)

        def on_partitions_revoked(self, revoked):
            report.owns([])

    consumer = kafka.KafkaConsumer(
        bootstrap_servers=asked.bootstrap.split(","), group_id=asked.group, group_instance_id=asked.instance_id,
        session_timeout_ms=asked.session_timeout_ms, heartbeat_interval_ms=HEARTBEAT_INTERVAL_MS,
        enable_auto_commit=asked.commit, auto_commit_interval_ms=COMMIT_INTERVAL_MS,
        auto_offset_reset="earliest", fetch_max_wait_ms=100)
    consumer.subscribe([asked.topic], listener=Listener())
    while not stopping:
        records = consumer.poll(timeout_ms=int(POLL_S * 1000))
        report.add(sum(len(of_partition) for of_partition in records.values()))
    consumer.close()


def run_confluent(asked, report, stopping):
    import confluent_kafka

    settings = {"bootstrap.servers": asked.bootstrap, "group.id": asked.group,
                "session.timeout.ms": asked.session_timeout_ms,
                "heartbeat.interval.ms": HEARTBEAT_INTERVAL_MS, "enable.auto.commit": asked.commit,
                "auto.commit.interval.ms": COMMIT_INTERVAL_MS,
                "auto.offset.reset": "earliest", "fetch.wait.max.ms": 100,
                "reconnect.backoff.ms": 10, "reconnect.backoff.max.ms": 200}
    if asked.instance_id:
        settings["group.instance.id"] = asked.instance_id
    incremental = asked.client == "consumer"
    if incremental:
        settings["group.protocol"] = "consumer"
        for decided_by_the_group in ("session.timeout.ms", "heartbeat.interval.ms"):
            del settings[decided_by_the_group]
    owned = set()

    def on_assign(_, assigned):
        if not incremental:
            owned.clear()
        owned.update(partition.partition for partition in assigned)
        report.owns(owned)

    def on_revoke(_, revoked):
        owned.difference_update(partition.partition for partition in revoked)
        report.owns(owned if incremental else [])

    consumer = confluent_kafka.Consumer(settings)
    consumer.subscribe([asked.topic], on_assign=on_assign, on_revoke=on_revoke, on_lost=on_revoke)
    while not stopping:
        message = consumer.poll(POLL_S)
        report.add(1 if message is not None and message.error() is None else 0)
    consumer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("client", choices=("python", "confluent", "consumer"))
    for name in ("bootstrap", "topic", "group"):
        parser.add_argument(name)
    parser.add_argument("session_timeout_ms", type=int)
    parser.add_argument("--instance-id")
    parser.add_argument("--commit", action="store_true")
    asked = parser.parse_args()
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    run = run_python if asked.client == "python" else run_confluent
    run(asked, Report(), stopping)


if __name__ == "__main__":
    main()
