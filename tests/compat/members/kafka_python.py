"""kafka-python as a group member (protocol.py)."""

import kafka
from kafka.errors import KafkaError
from protocol import COMMIT_INTERVAL_MS, in_thread, serve


class Listener(kafka.ConsumerRebalanceListener):
    def __init__(self, member):
        self.member, self.consumer = member, None

    def on_partitions_assigned(self, assigned):
        self.member.partitions("assigned", [place.partition for place in assigned],
                               generation=self.consumer.group_metadata().generation_id)

    def on_partitions_revoked(self, revoked):
        self.member.partitions("revoked", [place.partition for place in revoked])

    def on_partitions_lost(self, lost):
        self.member.partitions("lost", [place.partition for place in lost])


def work(member):
    listener = Listener(member)
    settings = {}
    if member.protocol == "cooperative":
        from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
        settings["partition_assignment_strategy"] = [CooperativeStickyAssignor]
    consumer = listener.consumer = kafka.KafkaConsumer(
        bootstrap_servers=member.bootstrap.split(","), group_id=member.group,
        group_instance_id=member.instance_id, session_timeout_ms=member.session_timeout_ms,
        heartbeat_interval_ms=member.heartbeat_interval_ms, enable_auto_commit=member.auto_commit,
        auto_commit_interval_ms=COMMIT_INTERVAL_MS, auto_offset_reset="earliest",
        reconnect_backoff_max_ms=200, **settings)
    consumer.subscribe([member.topic], listener=listener)
    while not member.stopping.is_set():
        try:
            polled = consumer.poll(timeout_ms=200)
        except KafkaError as error:
            # It looks for brokers by polling, and tells when none of those that it knew is there.
            if not error.retriable:
                raise
            member.error(error)
            continue
        for place, records in polled.items():
            member.records(place.partition, records[0].offset, records[-1].offset, len(records))
        if polled and not member.auto_commit:
            try:
                consumer.commit()
                member.say("committed", offsets={place.partition: records[-1].offset + 1
                                                 for place, records in polled.items()})
            except KafkaError as error:
                member.error(error)
    consumer.close()


if __name__ == "__main__":
    serve(in_thread(work))
