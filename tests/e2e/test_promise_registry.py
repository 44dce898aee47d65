"""A registry that is down delays only records of schemas never seen, and nothing is dead-lettered for it."""

import time

from samples import READING, Sampler, field, logical, record
from tidegate import wait_until

OTHER = record("Other", field("id", "long"), field("time", logical("long", "timestamp-micros")), field("x", "double"))


def test_promise_a_registry_that_goes_down_delays_only_unknown_schemas(scene, components):
    known, unknown = scene.topic(".known"), scene.topic(".unknown")
    scene.produce(known, READING, map(Sampler(READING, 51).draw, range(50)))
    routes = (scene.route(known), scene.route(unknown, table=scene.table("others")))
    process = scene.tidegate(scene.settings([known, unknown], routes=routes)).start().wait_ready()
    scene.wait_count(50)
    # Serialised while the registry is up, sent while it is down.
    import json
    write_known, write_unknown = (scene.kafka.serializer(json.dumps(s)) for s in (READING, OTHER))
    late = [write_known(known, Sampler(READING, 52).draw(i)) for i in range(50, 100)]
    strange = [write_unknown(unknown, Sampler(OTHER, 53).draw(i)) for i in range(20)]
    with components.main.stopped("registry"):
        producer = scene.kafka.producer()
        for value in late:
            producer.produce(known, value=value)
        for value in strange:
            producer.produce(unknown, value=value)
        producer.flush(30)
        scene.wait_count(100, timeout=15)
        time.sleep(2)
        assert scene.count(scene.table("others")) == 0
        assert process.running
        assert scene.kafka.read_all(scene.dead_letter_topic) == []
        wait_until(lambda: "registry" in process.log().lower(), 10, "the log names the registry")
        assert process.http("/health/live")[0] == 200
    scene.wait_count(20, timeout=60, table=scene.table("others"))
    assert scene.kafka.read_all(scene.dead_letter_topic) == []
    assert process.terminate() == 0


def test_promise_a_restart_with_the_registry_down_works_from_the_disk_cache(scene, components):
    topic = scene.topic()
    cache = scene.directory / "schemas"
    cache.mkdir()
    settings = scene.settings(topic, registry={"cache_directory": str(cache)})
    scene.produce(topic, READING, map(Sampler(READING, 54).draw, range(50)))
    process = scene.tidegate(settings).start().wait_ready()
    scene.wait_count(50)
    assert process.terminate() == 0
    import json
    write = scene.kafka.serializer(json.dumps(READING))
    late = [write(topic, Sampler(READING, 55).draw(i)) for i in range(50, 100)]
    with components.main.stopped("registry"):
        producer = scene.kafka.producer()
        for value in late:
            producer.produce(topic, value=value)
        producer.flush(30)
        process.start()
        scene.wait_count(100, timeout=20)
        assert process.terminate() == 0
    assert scene.kafka.read_all(scene.dead_letter_topic) == []


def test_promise_a_directory_of_fixed_schemas_needs_no_registry(scene):
    import io
    import json

    import fastavro
    schemas = scene.directory / "schemas"
    schemas.mkdir()
    (schemas / "other.avsc").write_text(json.dumps(OTHER))
    topic = scene.topic()
    parsed, producer = fastavro.parse_schema(OTHER), scene.kafka.producer()
    for index in range(20):
        body = io.BytesIO()
        fastavro.schemaless_writer(body, parsed, Sampler(OTHER, index).draw(index))
        producer.produce(topic, value=body.getvalue())
    producer.flush(30)
    settings = scene.settings(topic, sink={"fixed_schema": "other"}, registry={"url": None, "directory": str(schemas)})
    process = scene.tidegate(settings).start().wait_ready()
    scene.wait_count(20)
    assert process.terminate() == 0


def test_promise_schemas_that_refer_to_others_are_resolved(scene):
    from confluent_kafka.schema_registry import Schema, SchemaReference
    from confluent_kafka.schema_registry.avro import AvroSerializer
    from confluent_kafka.serialization import MessageField, SerializationContext
    import json
    place = {"type": "record", "name": "Spot", "namespace": scene.name, "fields": [
        field("lat", "double"), field("lon", "double")]}
    visit = {"type": "record", "name": "Visit", "namespace": scene.name, "fields": [
        field("id", "long"), field("time", logical("long", "timestamp-micros")), field("spot", f"{scene.name}.Spot")]}
    scene.kafka.registry.register_schema(f"{scene.name}.spot", Schema(json.dumps(place), "AVRO"))
    version = scene.kafka.registry.get_latest_version(f"{scene.name}.spot").version
    schema = Schema(json.dumps(visit), "AVRO", [SchemaReference(f"{scene.name}.Spot", f"{scene.name}.spot", version)])
    topic = scene.topic()
    write = AvroSerializer(scene.kafka.registry, schema)
    producer = scene.kafka.producer()
    now = Sampler(OTHER, 1).now
    for index in range(10):
        value = {"id": index, "time": now, "spot": {"lat": index / 2, "lon": -index}}
        producer.produce(topic, value=write(value, SerializationContext(topic, MessageField.VALUE)))
    producer.flush(30)
    process = scene.tidegate(scene.settings(topic)).start().wait_ready()
    scene.wait_count(10)
    rows = scene.query(f"SELECT id, spot_lat, spot_lon FROM {scene.table()} ORDER BY id")
    assert rows == [(i, i / 2, -i) for i in range(10)]
    assert process.terminate() == 0
