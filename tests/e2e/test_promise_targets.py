"""Native TimescaleDB, the embedded one, and plain PostgreSQL, each as the target; and PgBouncer in between."""

from compare import TopicDecoder, assert_table_holds
from samples import READING, Sampler


def _drain_and_compare(scene, settings, topic, n_records):
    process = scene.tidegate(settings).start().wait_ready()
    scene.wait_drained(topic)
    messages = scene.kafka.read_all(topic)
    with scene.connect() as connection:
        n_rows = assert_table_holds(connection, scene.table(), messages, TopicDecoder(scene.kafka.registry))
    assert n_rows == n_records
    return process


def test_promise_each_kind_of_database_is_a_target(scene_on_each):
    scene = scene_on_each
    topic = scene.topic(partitions=3)
    scene.produce(topic, READING, map(Sampler(READING, 21).draw, range(5000)), partitions=3)
    process = _drain_and_compare(scene, scene.settings(topic), topic, 5000)
    if scene.server.has_timescaledb:
        hypertables = scene.query("SELECT num_chunks FROM timescaledb_information.hypertables "
                                  "WHERE hypertable_schema = %s AND hypertable_name = 'readings'", scene.name)
        assert hypertables and hypertables[0][0] > 1, "the table that the sink made is no hypertable"
    else:
        assert "plain table" in process.log(), "nobody was warned that this is not TimescaleDB"
    assert process.terminate() == 0


def test_promise_a_killed_sink_goes_on_with_each_kind_of_database(scene_on_each):
    scene = scene_on_each
    topic = scene.topic(partitions=2)
    settings = scene.settings(topic, sink={"instance_id": scene.name})
    sampler = Sampler(READING, 22)
    process = scene.tidegate(settings)
    for part in range(3):
        scene.produce(topic, READING, map(sampler.draw, range(part * 1000, part * 1000 + 1000)), partitions=2)
        process.start().wait_ready()
        process.kill()
    _drain_and_compare(scene, settings, topic, 3000)


def test_promise_pgbouncer_in_transaction_pooling_is_no_obstacle(scene_behind_pgbouncer):
    scene = scene_behind_pgbouncer
    topic = scene.topic(partitions=4)
    scene.produce(topic, READING, map(Sampler(READING, 23).draw, range(20000)), partitions=4)
    settings = scene.settings(topic, database={"url": scene.server.pooled_url})
    process = _drain_and_compare(scene, settings, topic, 20000)
    assert process.terminate() == 0
