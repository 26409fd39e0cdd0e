"""A Spring Boot application with Spring for Apache Kafka (java/spring/Orders.java): what its KafkaTemplate sends comes to
its @KafkaListener once, what fails ends as a dead letter, and the next start goes on where the last one stood.
"""

import re

import pytest

from support import java_tools
from support.processes import Process, wait_until

PARTITIONS, ORDERS = 6, 300
# Of every 50 orders the listener refuses one.
BAD = {f"key-{number}" for number in range(ORDERS) if number % 50 == 7}


class Application:
    def __init__(self, bootstrap, orders, log):
        self.log = log
        classes = java_tools.compiled("spring", "spring")
        self.process = Process(
            ["java", *java_tools.SHORT_LIVED, "-cp", java_tools.class_path("spring", classes), "orders.Orders", orders,
             f"--spring.kafka.bootstrap-servers={bootstrap}", "--spring.kafka.consumer.auto-offset-reset=earliest",
             "--spring.main.banner-mode=off", "--logging.level.root=warn"], log)

    def lines(self, pattern):
        return re.findall(rf"^{pattern}$", self.log.read_text(errors="replace"), re.M)

    def taken(self):
        """[(key, value, partition, offset)] of the listener."""
        return self.lines(r"ORDER (\S+) (\S+) (\d+) (\d+)")

    def wait(self, condition, what):
        try:
            wait_until(lambda: condition() or not self.process.running(), 60, what)
        except TimeoutError as late:
            raise AssertionError(f"{late}\n{self.process.log_tail()}") from None
        assert self.process.running(), self.process.log_tail()


@pytest.fixture
def start(cluster, data_dir):
    started = []

    def start(orders):
        started.append(Application(cluster.bootstrap, orders, data_dir / f"spring-{len(started)}.log"))
        return started[-1]

    yield start
    for application in started:
        application.process.kill()


def test_template_listener_and_dead_letters(start):
    first = start(ORDERS)
    first.wait(lambda: len(first.taken()) >= ORDERS - len(BAD) and len(first.lines("DEAD (.*)")) >= len(BAD),
               f"{ORDERS} orders to be taken")
    assert first.lines("SENT .*") == [f"SENT {ORDERS}"]
    taken = first.taken()
    assert len(taken) == ORDERS - len(BAD) and len({key for key, *_ in taken}) == len(taken), "each once"
    assert sorted(first.lines("DEAD (.*)")) == sorted(BAD)
    assert {int(partition) for _, _, partition, _ in taken} == set(range(PARTITIONS))
    for partition in range(PARTITIONS):
        offsets = [int(offset) for _, _, place, offset in taken if int(place) == partition]
        assert offsets == sorted(offsets)
    # 128 + SIGTERM: a clean end, with the offsets committed.
    assert first.process.stop() == 143, first.process.log_tail()

    second = start(50)
    second.wait(lambda: len(second.taken()) >= 49 and second.lines("DEAD (.*)"), "the orders of the second start")
    assert len(second.taken()) == 49 and len(second.lines("DEAD (.*)")) == 1, "nothing comes a second time"
