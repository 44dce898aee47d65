"""Promise 1: no row is ever written twice or skipped, whatever dies."""

import random
import time

import pytest

from compare import TopicDecoder, assert_table_holds
from load import Load
from samples import READING, Sampler
from tidegate import wait_until

PARTITIONS = 6
KILLS = 10


class Chaos:
    """What is done to the two instances and the server, each at a moment that the seed chooses."""

    def __init__(self, scene, load, seed):
        self.scene, self.load = scene, load
        self.random = random.Random(seed)
        # Small batches make many transactions, and so many moments to die in.
        batch = self.random.choice([{"max_rows": 10}, {"max_rows": 200}, {}])
        settings = scene.settings(load.topic, sink={"batch": batch} if batch else None)
        # The one that is killed comes back under its own name, as a supervised service does; the other
        # is a plain member of the group.
        steady = {**settings, "sinks": ({**settings["sinks"][0], "instance_id": scene.name + "-1"},)}
        self.first = scene.tidegate(steady, "first")
        self.second = scene.tidegate(settings, "second")

    def pause(self, longest):
        time.sleep(self.random.uniform(0, longest))

    def wait_for_progress(self):
        """More rows than before: a kill that meets an idle sink proves nothing."""
        before = self.scene.count()
        wait_until(lambda: self.scene.count() > before or not self.load.running, 60,
                   lambda: f"rows arrive\n{self.scene.tails()}", 0.05)

    def kill_first(self):
        if not self.first.running:
            self.first.start()
        if self.random.random() < 0.7:
            self.wait_for_progress()
        self.pause(0.6)
        self.first.kill()
        self.pause(0.3)
        self.first.start()

    def second_joins(self):
        self.second.start().wait_ready(60)
        self.pause(1)

    def second_leaves(self):
        if self.random.random() < 0.5:
            assert self.second.terminate() == 0
        else:
            self.second.kill()

    def server_crashes(self):
        self.scene.server.stop(immediate=True)
        self.pause(1.5)
        self.scene.server.start()


@pytest.mark.chaos
def test_promise_every_record_exactly_once_under_ten_kills(scene, request, seed):
    n_records = request.config.getoption("--records")
    topic = scene.topic(partitions=PARTITIONS)
    load = Load(scene, topic, READING, Sampler(READING, seed), n_records, PARTITIONS, per_second=n_records / 40)
    chaos = Chaos(scene, load, seed)
    events = [chaos.kill_first] * KILLS
    for position, event in sorted({3: chaos.second_joins, 5: chaos.server_crashes, 8: chaos.second_leaves}.items()):
        events.insert(position, event)
    load.start()
    chaos.first.start().wait_ready()
    started = time.monotonic()
    for event in events:
        event()
    load.join()
    print(f"events took {time.monotonic() - started:.1f} s")
    scene.wait_drained(topic, timeout=180)
    messages = scene.kafka.read_all(topic)
    assert len(messages) == n_records
    with scene.connect() as connection:
        n_rows = assert_table_holds(connection, scene.table(), messages, TopicDecoder(scene.kafka.registry))
    assert n_rows == n_records
    assert scene.kafka.read_all(scene.dead_letter_topic) == []
    assert chaos.first.terminate() == 0


def test_promise_records_of_schemas_never_seen_before_arrive_value_by_value(scene):
    """Thirty drawn schemas in thirty topics, one sink; a route by regular expression makes the tables."""
    from samples import SchemaDrawer
    topics, messages = {}, {}
    for number in range(30):
        schema = SchemaDrawer(1000 + number).draw()
        topic = scene.topic(f".{number}", partitions=2)
        scene.produce(topic, schema, map(Sampler(schema, number).draw, range(200)), partitions=2)
        topics[topic] = number
    route = {"topic": "^" + scene.name.replace(".", "\\.") + "\\.([0-9]+)$", "table": f"{scene.name}.drawn_$1",
             "create": True, "time_column": "time", "chunk_interval": "1000 days"}
    process = scene.tidegate(scene.settings(list(topics), routes=(route,))).start().wait_ready()
    scene.wait_drained(*topics)
    decoder = TopicDecoder(scene.kafka.registry)
    assert scene.kafka.read_all(scene.dead_letter_topic) == []
    with scene.connect() as connection:
        for topic, number in topics.items():
            messages = scene.kafka.read_all(topic)
            n_rows = assert_table_holds(connection, f"{scene.name}.drawn_{number}", messages, decoder)
            assert n_rows == len(messages) == 200
    assert process.terminate() == 0
