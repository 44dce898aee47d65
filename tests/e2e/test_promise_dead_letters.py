"""Promise 3: one bad record costs one record, byte for byte, with readable headers."""

import random
import struct

import pytest

from compare import TopicDecoder, assert_table_holds
from kafka_io import headers_of
from load import Load
from samples import READING, Sampler, field, logical
from scene import send

PARTITIONS = 3
UNKNOWN_ID = 987654


class Garbage:
    """Pieces that no sink can write, each made of a sound record and of its own kind."""

    def __init__(self, schema_id, sound, seed=1):
        self.schema_id, self.sound = schema_id, sound
        self.random = random.Random(seed)
        self.pieces = []

    def kinds(self):
        head = struct.pack(">bI", 0, self.schema_id)
        body = self.sound[5:]
        noise = self.random.randbytes(8)  # tells two pieces of one kind apart
        return {
            "wrong magic byte": b"\x07" + self.sound[1:] + noise,
            "unknown schema id": struct.pack(">bI", 0, UNKNOWN_ID) + noise,
            "truncated body": head + body[:self.random.randrange(1, len(body) - 1)],
            "trailing bytes": self.sound + noise,
            "wrong type": head + b"\x02\x02" + b"\xff" * 20 + noise,
            "overlong varint": head + b"\xff" * 11 + b"\x01" + body + noise,
            "header alone": head,
            "too short for a header": b"\x00\x00" + noise[:1],
            "empty": b"",
            "enormous string length": head + b"\x02\x02" + b"\xfe\xff\xff\xff\x0f" + noise,
            "text, not Avro": b'{"id": 1, "noise": "' + noise.hex().encode() + b'"}',
        }

    def after(self, index):
        """A few kinds of garbage after some of the records."""
        if index % 40 != 7:
            return
        for _, piece in sorted(self.kinds().items()):
            self.pieces.append(piece)
            yield piece, self.random.randrange(PARTITIONS)


def _sound_record(scene, topic):
    import json
    serialize = scene.kafka.serializer(json.dumps(READING))
    value = serialize(topic, Sampler(READING, 5).draw(-1))
    return struct.unpack(">I", value[1:5])[0], value


def test_promise_garbage_goes_to_the_dead_letter_topic_byte_for_byte(scene):
    topic = scene.topic(partitions=PARTITIONS)
    garbage = Garbage(*_sound_record(scene, topic))
    load = Load(scene, topic, READING, Sampler(READING, 2), 4000, PARTITIONS, 10**6, garbage.after)
    load.start()
    process = scene.tidegate(scene.settings(topic)).start().wait_ready()
    load.join()
    scene.wait_drained(topic)
    messages = scene.kafka.read_all(topic)
    bad = {(m.partition(), m.offset()): m for m in messages if m.value() in set(garbage.pieces)}
    assert len(bad) == len(garbage.pieces) > 1000
    dead = scene.kafka.read_all(scene.dead_letter_topic)
    _assert_letters_are(dead, bad, topic, scene.name)
    good = [m for m in messages if (m.partition(), m.offset()) not in bad]
    with scene.connect() as connection:
        n_rows = assert_table_holds(connection, scene.table(), good, TopicDecoder(scene.kafka.registry))
    assert n_rows == 4000
    assert process.metrics().sum("sink_dead_letters_total", sink=scene.name) >= len(bad)
    assert process.terminate() == 0


def _assert_letters_are(dead, bad, topic, sink):
    """Each bad message once or more among the letters, and no other message."""
    seen = set()
    for letter in dead:
        headers = headers_of(letter)
        where = (int(headers["__connect.errors.partition"]), int(headers["__connect.errors.offset"]))
        assert headers["__connect.errors.topic"] == topic
        assert where in bad, f"a sound record among the dead letters: {where}, {headers}"
        assert letter.value() == bad[where].value() and letter.key() == bad[where].key()
        assert headers["__connect.errors.connector.name"] == sink
        assert headers["__connect.errors.stage"] in ("VALUE_CONVERTER", "TRANSFORMATION", "TASK_PUT")
        assert headers["__connect.errors.task.id"].isdigit()
        assert headers["__connect.errors.exception.class.name"]
        message = headers["__connect.errors.exception.message"]
        assert len(message) > 8 and message.isprintable(), message
        seen.add(where)
    missing = set(bad) - seen
    assert not missing, f"{len(missing)} pieces are in no letter, such as {bad[min(missing)].value()[:40]!r}"


def test_promise_the_reason_in_the_headers_tells_what_is_wrong(scene):
    topic = scene.topic()
    schema_id, sound = _sound_record(scene, topic)
    kinds = Garbage(schema_id, sound).kinds()
    producer = scene.kafka.producer()
    for piece in kinds.values():
        send(producer, topic, piece, 0, key=b"key-\x00\xff", headers=[("origin", b"\x00\x01"), ("note", b"kept")])
    producer.flush(30)
    scene.tidegate(scene.settings(topic)).start().wait_ready()
    scene.wait_drained(topic)
    letters = scene.kafka.read_all(scene.dead_letter_topic)
    assert {m.value() for m in letters} == set(kinds.values())
    words = {"wrong magic byte": "0x07", "unknown schema id": str(UNKNOWN_ID), "truncated body": "",
             "trailing bytes": "", "empty": ""}
    for letter in letters:
        assert letter.key() == b"key-\x00\xff"
        assert ("origin", b"\x00\x01") in letter.headers() and ("note", b"kept") in letter.headers()
        kind = next(name for name, piece in kinds.items() if piece == letter.value())
        message = headers_of(letter)["__connect.errors.exception.message"]
        assert words.get(kind, "") in message, f"{kind}: {message}"
        print(f"{kind}: {message}")


STRICT = {"type": "record", "name": "Strict", "fields": [
    field("id", "long"), field("time", logical("long", "timestamp-micros")), field("value", "int"),
    field("label", ["null", "string"], default=None)]}


@pytest.mark.parametrize("n_culprits", [1, 25])
def test_promise_a_constraint_of_the_table_costs_only_the_culprits(scene, n_culprits):
    """The server rejects the COPY; bisection finds the rows at fault and writes all others."""
    topic = scene.topic(partitions=2)
    with scene.connect() as connection:
        connection.execute(f"CREATE TABLE {scene.table()} (id bigint NOT NULL, time timestamptz NOT NULL, "
                           "value int CHECK (value >= 0), label varchar(300))")
        if scene.server.has_timescaledb:
            connection.execute(f"SELECT create_hypertable('{scene.table()}', 'time')")
    n_records = 5000
    culprits = set(random.Random(3).sample(range(n_records), n_culprits))

    def values():
        sampler = Sampler(STRICT, 4)
        for index in range(n_records):
            value = sampler.draw(index)
            value["value"] = -5 if index in culprits else abs(value["value"] + 1) % 1000
            yield value

    scene.produce(topic, STRICT, values(), partitions=2)
    process = scene.tidegate(scene.settings(topic, routes=(
        {"topic": topic, "table": scene.table(), "create": False},))).start().wait_ready()
    scene.wait_drained(topic)
    messages = scene.kafka.read_all(topic)
    decoder = TopicDecoder(scene.kafka.registry)
    bad = {(m.partition(), m.offset()): m for m in messages if decoder.decode(m.value())[1]["id"] in culprits}
    dead = scene.kafka.read_all(scene.dead_letter_topic)
    _assert_letters_are(dead, bad, topic, scene.name)
    for letter in dead:
        headers = headers_of(letter)
        assert headers["__connect.errors.stage"] == "TASK_PUT"
        assert headers["__tidegate.errors.sqlstate"] == "23514"
    with scene.connect() as connection:
        good = [m for m in messages if (m.partition(), m.offset()) not in bad]
        assert assert_table_holds(connection, scene.table(), good, decoder) == n_records - n_culprits
    assert process.terminate() == 0


def test_promise_a_letter_too_large_for_the_broker_is_kept_in_the_database(scene):
    """The dead-letter topic takes less than the topic: the bytes go to tidegate.dead_letters, and the topic gets
    a reference to them."""
    topic = scene.topic(max_message_bytes=4000000)
    scene.kafka.create_topic(scene.dead_letter_topic, 1, max_message_bytes=20000)
    large, small = b"\x09" + random.Random(8).randbytes(300000), b"\x09 small"
    producer = scene.kafka.producer(message_max_bytes=4000000)
    send(producer, topic, large, 0, key=b"large")
    send(producer, topic, small, 0, key=b"small")
    assert producer.flush(30) == 0
    scene.produce(topic, READING, map(Sampler(READING, 6).draw, range(10)))
    process = scene.tidegate(scene.settings(topic)).start().wait_ready()
    scene.wait_drained(topic)
    scene.wait_count(10)
    letters = scene.kafka.read_all(scene.dead_letter_topic)
    assert any(m.value() == small for m in letters)
    references = [m for m in letters if headers_of(m).get("__connect.errors.offset") == "0"]
    assert references, [headers_of(m) for m in letters]
    assert "__tidegate.errors.stored_id" in headers_of(references[0])
    stored = scene.query('SELECT value, key FROM tidegate.dead_letters WHERE topic = %s AND record_offset = 0', topic)
    assert [(bytes(value), bytes(key)) for value, key in stored] == [(large, b"large")] * len(stored) and stored
    assert process.terminate() == 0
