"""The numbers: an exposition that Prometheus' own parser takes, and lag that goes to zero."""

import json
import urllib.error
import urllib.request

from samples import READING, Sampler
from tidegate import Metrics, wait_until


def test_promise_metrics_parse_and_lag_goes_to_zero(scene):
    topic = scene.topic(partitions=3)
    scene.produce(topic, READING, map(Sampler(READING, 81).draw, range(3000)), partitions=3)
    process = scene.tidegate(scene.settings(topic)).start().wait_ready()
    process.wait_metric(lambda m: m.sum("sink_rows_written_total", sink=scene.name) == 3000, 30, "all rows counted")
    process.wait_metric(lambda m: m.all("sink_lag_records") and m.max("sink_lag_records") == 0, 15, "no lag")
    process.wait_metric(lambda m: m.max("sink_lag_seconds") == 0, 15, "no lag in seconds")
    metrics = process.metrics()
    for partition in range(3):
        labels = {"sink": scene.name, "topic": topic, "partition": partition}
        assert metrics.sum("sink_records_read_total", **labels) == 1000
        assert metrics.sum("sink_next_offset", **labels) == 1000
        assert metrics.sum("sink_batches_total", **labels) >= 1
    assert metrics.sum("sink_dead_letters_total") == 0
    buckets = metrics.all("sink_flush_seconds_bucket")
    assert buckets and buckets[-1].labels["le"] == "+Inf"
    assert metrics.sum("sink_flush_seconds_count") == buckets[-1].value > 0
    assert metrics.sum("process_resident_memory_bytes") > 10**6
    names = [s.name for s in metrics.samples]
    assert all(name.startswith(Metrics.PREFIX) or name.startswith("process_") for name in names), set(names)
    for line in metrics.text.splitlines():
        if line.startswith("# TYPE"):
            assert f"# HELP {line.split()[2]} " in metrics.text, line
    assert process.terminate() == 0


def test_promise_a_sink_with_more_writers_than_partitions_and_a_member_without_partitions_are_ready(scene):
    topic = scene.topic()
    settings = scene.settings(topic, sink={"writers": 3})
    first = scene.tidegate(settings, "first").start().wait_ready()
    spare = scene.tidegate(settings, "spare").start().wait_ready(45)
    assert spare.terminate() == 0 and first.terminate() == 0


def test_promise_lag_is_told_while_the_database_is_away(scene):
    topic = scene.topic()
    scene.produce(topic, READING, map(Sampler(READING, 82).draw, range(10)))
    process = scene.tidegate(scene.settings(topic)).start().wait_ready()
    scene.wait_count(10)
    scene.server.stop(immediate=True)
    try:
        scene.produce(topic, READING, map(Sampler(READING, 83).draw, range(10, 510)))
        process.wait_metric(lambda m: m.max("sink_lag_records") == 500, 30, "a lag of 500 records")
        process.wait_metric(lambda m: m.max("sink_lag_seconds") >= 1, 30, "an age in seconds")
        process.wait_metric(lambda m: m.max("database_connected") == 0, 30, "no connection")
        status, body = process.http("/health/ready")
        parts = {part["name"]: part for part in json.loads(body)["parts"]}
        assert any(part["state"] != "up" and part.get("reason") for part in parts.values()), body
        assert process.http("/health/live")[0] == 200, "a restart would not help"
        print(status, body)
    finally:
        scene.server.start()
    process.wait_metric(lambda m: m.max("sink_lag_records") == 0, 60, "no lag")
    wait_until(lambda: process.http("/health/ready")[0] == 200, 20, "ready again")
    assert process.terminate() == 0


def test_promise_the_endpoint_is_only_for_this_machine_and_answers_strangers_politely(scene):
    topic = scene.topic()
    process = scene.tidegate(scene.settings(topic)).start().wait_ready()
    status, body = process.http("/nowhere")
    assert status == 404 and json.loads(body)["error_code"] == 404
    request = urllib.request.Request(f"http://127.0.0.1:{process.http_port}/metrics", method="DELETE")
    try:
        urllib.request.urlopen(request, timeout=5)
        raise AssertionError("DELETE /metrics was accepted")
    except urllib.error.HTTPError as error:
        assert error.code == 405
    assert process.terminate() == 0
