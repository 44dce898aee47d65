"""Promise 4: every buffer has a ceiling. The whole process stays below 192 MiB with the defaults."""

import time

from load import Load
from samples import READING, Sampler

CEILING_KIB = 192 * 1024


def test_promise_peak_memory_under_load_stays_below_192_mib(scene, request):
    """A full topic, the defaults, and a database that answers slowly at first: everything that can fill up does."""
    n_records = max(60000, request.config.getoption("--records"))
    topic = scene.topic(partitions=6)
    Load(scene, topic, READING, Sampler(READING, 61), n_records, 6, per_second=10**6).start().join()
    settings = scene.settings(topic, sink={"writers": None, "session_timeout_ms": None})
    process = scene.tidegate(settings)
    scene.produce(topic, READING, [Sampler(READING, 62).draw(n_records)])
    process.start().wait_ready()
    scene_started = time.monotonic()
    with scene.connect() as blocker, blocker.transaction():
        # As soon as there is a table, nobody can write to it for a while.
        while scene.count() == 0:
            time.sleep(0.02)
        blocker.execute(f"LOCK TABLE {scene.table()} IN EXCLUSIVE MODE")
        time.sleep(4)
    scene.wait_drained(topic)
    took = time.monotonic() - scene_started
    peak = process.note_memory()
    print(f"peak memory {peak / 1024:.1f} MiB, {n_records} records in {took:.1f} s")
    assert process.terminate() == 0
    assert peak < CEILING_KIB, f"VmHWM was {peak / 1024:.1f} MiB"


def test_promise_large_records_do_not_break_the_ceiling(scene):
    """Three hundred records of almost a megabyte."""
    import json
    from scene import send
    schema = {"type": "record", "name": "Large", "fields": [
        {"name": "id", "type": "long"},
        {"name": "time", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "blob", "type": "bytes"}]}
    topic = scene.topic(partitions=6)
    sampler, write = Sampler(schema, 63), scene.kafka.serializer(json.dumps(schema))
    producer = scene.kafka.producer()
    for index in range(300):
        value = {**sampler.draw(index), "blob": sampler.random.randbytes(900000)}
        send(producer, topic, write(topic, value), index % 6)
    assert producer.flush(120) == 0
    process = scene.tidegate(scene.settings(topic, sink={"writers": None, "session_timeout_ms": None}))
    process.start().wait_ready()
    scene.wait_drained(topic)
    peak = process.note_memory()
    print(f"peak memory {peak / 1024:.1f} MiB")
    assert scene.count() == 300
    assert process.terminate() == 0
    assert peak < CEILING_KIB, f"VmHWM was {peak / 1024:.1f} MiB"
