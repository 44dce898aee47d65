"""Promise 2: a crash loses nothing. Appends commit with synchronous_commit = off, so a server that ends at once
forgets its last transactions; rows and ledger go back together, and Kafka replays the rest."""

import random
import time

import pytest

from compare import TopicDecoder, assert_table_holds
from load import Load
from samples import Sampler, field, logical
from tidegate import wait_until

PARTITIONS = 4
NARROW = {"type": "record", "name": "Narrow", "fields": [
    field("id", "long"), field("partition", "int"), field("time", logical("long", "timestamp-micros")),
    field("value", "double")]}


def _disagreements(scene):
    """Lanes whose ledger row and number of rows differ, as one snapshot has them. Offsets of a topic without
    transactions are counted from 0 without a gap, so the two are one number."""
    if scene.query("SELECT to_regclass(%s)", scene.table())[0][0] is None:
        return []
    return scene.query(
        f"SELECT o.partition, o.next_offset, count(r.id) FROM tidegate.sink_offsets o "
        f"LEFT JOIN {scene.table()} r ON r.partition = o.partition WHERE o.sink = %s "
        f"GROUP BY 1, 2 HAVING o.next_offset <> count(r.id)", scene.name)


@pytest.mark.chaos
def test_promise_rows_and_ledger_agree_after_immediate_stops_under_load(scene, request, seed):
    n_stops = request.config.getoption("--stops")
    chance = random.Random(seed)
    topic = scene.topic(partitions=PARTITIONS)
    load = Load(scene, topic, NARROW, Sampler(NARROW, seed), 10**7, PARTITIONS, per_second=4000).start()
    process = scene.tidegate(scene.settings(topic)).start().wait_ready()
    forgotten = 0
    for _ in range(n_stops):
        before = scene.count()
        wait_until(lambda: scene.count() > before, 60, lambda: f"the sink goes on\n{scene.tails()}", 0.05)  # noqa: B023
        time.sleep(chance.uniform(0, 0.5))
        scene.server.stop(immediate=True)
        time.sleep(chance.choice([0, 0, 0.2, 1]))
        acknowledged = process.metrics().sum("sink_rows_written_total")
        process.freeze()  # so that what the crash left is seen, and not what was replayed since
        scene.server.start()
        assert _disagreements(scene) == []
        # Rows that were forgotten before are counted again when they are written again.
        forgotten = max(forgotten, int(acknowledged) - scene.count())
        process.thaw()
        assert process.running, process.tail()
    load.end()
    scene.wait_drained(topic)
    assert _disagreements(scene) == []
    print(f"{n_stops} stops, {forgotten} rows forgotten by the server and written again")
    messages = scene.kafka.read_all(topic)
    with scene.connect() as connection:
        n_rows = assert_table_holds(connection, scene.table(), messages, TopicDecoder(scene.kafka.registry))
    assert n_rows == load.n_sent
    assert process.terminate() == 0


def test_promise_the_program_waits_for_a_server_that_is_not_there_at_the_start(scene):
    topic = scene.topic()
    scene.produce(topic, NARROW, map(Sampler(NARROW, 1).draw, range(100)))
    scene.server.stop()
    process = scene.tidegate(scene.settings(topic)).start()
    try:
        wait_until(lambda: process.http("/health/live")[0] == 200, 20, lambda: f"alive\n{process.tail()}")
        time.sleep(2)
        assert process.running, process.tail()
    finally:
        scene.server.start()
    process.wait_ready(40)
    scene.wait_count(100)
    assert process.terminate() == 0
