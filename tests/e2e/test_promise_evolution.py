"""Tables follow schemas: versions of a schema that meet in one topic, new columns, aliases, defaults."""

import copy
import json

from compare import TopicDecoder, assert_table_holds
from kafka_io import headers_of
from samples import Sampler, field, logical
from scene import send

V1 = {"type": "record", "name": "Weather", "namespace": "tidegate.test", "fields": [
    field("id", "long"),
    field("time", logical("long", "timestamp-micros")),
    field("temperature", "double"),
    field("station", "string"),
    field("remark", ["null", "string"], default=None),
]}
# Reordered, one field renamed with an alias, one gone, three new ones.
V2 = {"type": "record", "name": "Weather", "namespace": "tidegate.test", "fields": [
    field("station", "string"),
    field("humidity", ["null", "double"], default=None),
    field("time", logical("long", "timestamp-micros")),
    field("temp", "double", aliases=["temperature"], default=0.0),
    field("id", "long"),
    field("source", "string", default="unknown"),
    field("price", ["null", logical("bytes", "decimal", precision=12, scale=3)], default=None),
]}


def _interleaved(scene, topic, n_records):
    """Even ids by the old schema, odd ones by the new."""
    producer = scene.kafka.producer()
    old, new = Sampler(V1, 41), Sampler(V2, 42)
    write_old, write_new = scene.kafka.serializer(json.dumps(V1)), scene.kafka.serializer(json.dumps(V2))
    for index in range(n_records):
        value = write_new(topic, new.draw(index)) if index % 2 else write_old(topic, old.draw(index))
        send(producer, topic, value, index % 2 if index % 3 else 0)
    assert producer.flush(60) == 0




def test_promise_versions_interleaved_in_one_topic_share_the_table_and_new_columns_are_added(scene):
    topic = scene.topic(partitions=2)
    # The table is first made by the old version alone.
    scene.produce(topic, V1, map(Sampler(V1, 40).draw, range(-10, 0)), partitions=2)
    settings = scene.settings(topic, routes=(scene.route(topic, evolve=True),))
    process = scene.tidegate(settings).start().wait_ready()
    scene.wait_count(10)
    _interleaved(scene, topic, 2000)
    scene.wait_drained(topic)
    scene.wait_count(2010)
    assert scene.kafka.read_all(scene.dead_letter_topic) == []
    columns = dict(scene.query("SELECT column_name, data_type FROM information_schema.columns "
                               "WHERE table_schema = %s AND table_name = 'readings'", scene.name))
    assert {"humidity", "source", "price"} <= set(columns)
    assert "temp" not in columns, "the alias says that temp is temperature under a new name"
    assert columns["humidity"] == "double precision" and columns["price"] == "numeric"
    decoder = TopicDecoder(scene.kafka.registry)
    messages = scene.kafka.read_all(topic)
    expected = {}
    for message in messages:
        _, record = decoder.decode(message.value())
        expected[record["id"]] = record
    rows = scene.query(f"SELECT id, temperature, station, remark, humidity, source, price FROM {scene.table()}")
    assert len(rows) == len(expected) == 2010
    wrong = []
    for identity, *row in rows:
        record = expected[identity]
        wanted = [record.get("temperature", record.get("temp")), record["station"], record.get("remark"),
                  record.get("humidity"), record.get("source"), record.get("price")]
        # A record of the old version has no source; the reader's side may fill its default in.
        if row != wanted and not ("source" not in record and row[4] == "unknown"):
            wrong.append(f"id {identity}: decoded {wanted}, read {row}")
    assert not wrong, f"{len(wrong)} rows, such as\n" + "\n".join(wrong[:10])
    assert process.terminate() == 0


def test_promise_without_evolve_new_fields_are_left_out_and_nothing_fails(scene):
    topic = scene.topic(partitions=2)
    scene.produce(topic, V1, map(Sampler(V1, 40).draw, range(-10, 0)), partitions=2)
    process = scene.tidegate(scene.settings(topic)).start().wait_ready()
    scene.wait_count(10)
    _interleaved(scene, topic, 400)
    scene.wait_drained(topic)
    scene.wait_count(410)
    columns = {name for name, in scene.query("SELECT column_name FROM information_schema.columns "
                                             "WHERE table_schema = %s AND table_name = 'readings'", scene.name)}
    assert columns == {"id", "time", "temperature", "station", "remark"}
    assert process.terminate() == 0


def test_promise_a_table_with_more_columns_than_the_schema_is_filled_with_its_defaults(scene):
    topic = scene.topic()
    with scene.connect() as connection:
        connection.execute(f"CREATE TABLE {scene.table()} (loaded_by text NOT NULL DEFAULT 'sink', id bigint, "
                           "time timestamptz NOT NULL, station text, temperature real, extra int, "
                           "serial bigint GENERATED ALWAYS AS (id * 2) STORED)")
    sampler = Sampler(V1, 43)
    scene.produce(topic, V1, [{**sampler.draw(i), "temperature": i / 8} for i in range(50)])
    scene.tidegate(scene.settings(topic, routes=({"topic": topic, "table": scene.table()},))).start().wait_ready()
    scene.wait_count(50)
    rows = scene.query(f"SELECT DISTINCT loaded_by, extra FROM {scene.table()}")
    assert rows == [("sink", None)]
    assert scene.query(f"SELECT count(*) FROM {scene.table()} WHERE serial = id * 2") == [(50,)]


def test_promise_a_change_that_cannot_be_mapped_is_refused_with_a_clear_reason(scene):
    """station turns from text into a record of two numbers: no column can take both."""
    topic = scene.topic()
    scene.produce(topic, V1, map(Sampler(V1, 44).draw, range(10)))
    process = scene.tidegate(scene.settings(topic, routes=(scene.route(topic, evolve=True),))).start().wait_ready()
    scene.wait_count(10)
    other = copy.deepcopy(V1)
    other["name"] = "Changed"
    other["fields"][2]["type"] = {"type": "array", "items": "boolean"}
    scene.produce(topic, other, map(Sampler(other, 45).draw, range(10, 20)))
    scene.produce(topic, V1, map(Sampler(V1, 46).draw, range(20, 30)))
    scene.wait_drained(topic)
    assert scene.count() == 20
    letters = scene.kafka.read_all(scene.dead_letter_topic)
    assert len({headers_of(m)["__connect.errors.offset"] for m in letters}) == 10
    for letter in letters:
        reason = headers_of(letter)["__connect.errors.exception.message"]
        assert "temperature" in reason and "double precision" in reason, reason
    assert process.terminate() == 0


def test_promise_values_beyond_the_column_cost_only_their_records(scene):
    """int to smallint, text to varchar(5), numeric(6,2): what fits goes in."""
    schema = {"type": "record", "name": "Wide", "fields": [
        field("id", "long"), field("time", logical("long", "timestamp-micros")), field("number", "int"),
        field("word", "string")]}
    topic = scene.topic()
    with scene.connect() as connection:
        connection.execute(f"CREATE TABLE {scene.table()} (id bigint, time timestamptz, number smallint, "
                           "word varchar(5))")
    base = Sampler(schema, 47)
    values = []
    for index, (number, word) in enumerate([(1, "ok"), (40000, "ok"), (-32768, "12345"), (2, "123456"), (3, "äöüßé")]):
        values.append({**base.draw(index), "number": number, "word": word})
    scene.produce(topic, schema, values)
    scene.tidegate(scene.settings(topic, routes=({"topic": topic, "table": scene.table()},))).start().wait_ready()
    scene.wait_drained(topic)
    assert [r[0] for r in scene.query(f"SELECT id FROM {scene.table()} ORDER BY id")] == [0, 2, 4]
    letters = scene.kafka.read_all(scene.dead_letter_topic)
    reasons = {int(headers_of(m)["__connect.errors.offset"]): headers_of(m) for m in letters}
    assert set(reasons) == {1, 3}
    assert "number" in reasons[1]["__connect.errors.exception.message"]
    assert "word" in reasons[3]["__connect.errors.exception.message"]
