"""confluent-kafka (librdkafka) as a group member (protocol.py)."""

import confluent_kafka
from protocol import COMMIT_INTERVAL_MS, in_thread, serve


def settings_of(member):
    settings = {"bootstrap.servers": member.bootstrap, "group.id": member.group,
                "enable.auto.commit": member.auto_commit, "auto.commit.interval.ms": COMMIT_INTERVAL_MS,
                "auto.offset.reset": "earliest", "reconnect.backoff.max.ms": 200, "log_level": 2}
    if member.protocol == "consumer":
        settings["group.protocol"] = "consumer"
    else:
        settings.update({
            "session.timeout.ms": member.session_timeout_ms,
            "heartbeat.interval.ms": member.heartbeat_interval_ms,
            "partition.assignment.strategy":
                "cooperative-sticky" if member.protocol == "cooperative" else "range,roundrobin"})
    if member.instance_id:
        settings["group.instance.id"] = member.instance_id
    return settings


def report_batches(member, messages):
    """One event per partition; returns whether there was any."""
    offsets = {}
    for message in messages:
        if message.error():
            member.error(confluent_kafka.KafkaException(message.error()))
        else:
            offsets.setdefault(message.partition(), []).append(message.offset())
    for partition, of_partition in offsets.items():
        member.records(partition, of_partition[0], of_partition[-1], len(of_partition))
    return bool(offsets)


def commit(member, consumer):
    try:
        done = consumer.commit(asynchronous=False)
    except confluent_kafka.KafkaException as error:
        member.error(error)
        return
    for place in done:
        if place.error:
            member.error(confluent_kafka.KafkaException(place.error))
    member.say("committed", offsets={place.partition: place.offset for place in done if not place.error})


def work(member):
    def told(event):
        return lambda _, places: member.partitions(event, [place.partition for place in places])

    consumer = confluent_kafka.Consumer(settings_of(member))
    consumer.subscribe([member.topic], on_assign=told("assigned"), on_revoke=told("revoked"),
                       on_lost=told("lost"))
    while not member.stopping.is_set():
        if report_batches(member, consumer.consume(500, timeout=0.1)) and not member.auto_commit:
            commit(member, consumer)
    consumer.close()


if __name__ == "__main__":
    serve(in_thread(work))
