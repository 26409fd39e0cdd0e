"""aiokafka as a group member (protocol.py): all members in one event loop."""

import asyncio
import threading

import aiokafka
from aiokafka.errors import KafkaError
from protocol import COMMIT_INTERVAL_MS, serve


class Listener(aiokafka.ConsumerRebalanceListener):
    def __init__(self, member):
        self.member = member

    async def on_partitions_assigned(self, assigned):
        self.member.partitions("assigned", [place.partition for place in assigned])

    async def on_partitions_revoked(self, revoked):
        self.member.partitions("revoked", [place.partition for place in revoked])


async def work(member):
    consumer = aiokafka.AIOKafkaConsumer(
        bootstrap_servers=member.bootstrap, group_id=member.group, group_instance_id=member.instance_id,
        session_timeout_ms=member.session_timeout_ms, heartbeat_interval_ms=member.heartbeat_interval_ms,
        enable_auto_commit=member.auto_commit, auto_commit_interval_ms=COMMIT_INTERVAL_MS,
        auto_offset_reset="earliest")
    consumer.subscribe([member.topic], listener=Listener(member))
    await consumer.start()
    while not member.stopping.is_set():
        polled = await consumer.getmany(timeout_ms=200)
        for place, records in polled.items():
            member.records(place.partition, records[0].offset, records[-1].offset, len(records))
        if polled and not member.auto_commit:
            offsets = {place: records[-1].offset + 1 for place, records in polled.items()}
            try:
                await consumer.commit(offsets)
                member.say("committed", offsets={place.partition: next for place, next in offsets.items()})
            except KafkaError as error:
                member.error(error)
    await consumer.stop()


async def work_to_end(member):
    try:
        await work(member)
    except Exception as error:  # noqa: BLE001, the driver judges
        member.error(error)
    member.say("left")


def main():
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    serve(lambda member: asyncio.run_coroutine_threadsafe(work_to_end(member), loop).result)


if __name__ == "__main__":
    main()
