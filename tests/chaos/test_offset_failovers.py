"""The coordinators of committed offsets go again and again under load: nobody is ever told an older offset (G-10)."""

import confluent_kafka
import pytest

from chaos import offset_failovers
from support.admin import Admin

SEED = 10


def test_the_load_finds_an_offset_that_went_back(nodes):
    with Admin(nodes.admin) as admin:
        admin.create_topic(offset_failovers.TOPIC, replication_factor=3)
    load = offset_failovers.Load(nodes.bootstrap)
    try:
        group = offset_failovers.a_group_of_each_partition()[0]
        back = confluent_kafka.Consumer({"bootstrap.servers": nodes.bootstrap, "group.id": group})
        with pytest.raises(AssertionError, match="is told 0 after"):
            while True:
                back.commit(offsets=[confluent_kafka.TopicPartition(offset_failovers.TOPIC, 0, 0)],
                            asynchronous=False)
                load.wait_until_served()
        back.close()
    finally:
        load.kill()


@pytest.mark.parametrize("failovers", (
    90, pytest.param(1_000, marks=(pytest.mark.long, pytest.mark.timeout(3600)))))
def test_G10_offsets_never_go_back_over_failovers(nodes, failovers):
    offset_failovers.run(nodes, failovers, SEED, say=lambda text: print(text, flush=True))
