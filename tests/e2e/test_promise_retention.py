"""Promise 2, the other end: when Kafka no longer holds what the ledger needs, the lane stops and names the missing
range; it never skips in silence. The others go on."""

from samples import READING, Sampler
from tidegate import wait_until


def test_promise_a_lane_whose_offsets_are_gone_stops_and_names_them_and_the_others_go_on(scene):
    topic = scene.topic(partitions=2)
    sampler = Sampler(READING, 71)
    scene.produce(topic, READING, map(sampler.draw, range(200)), partitions=2)
    process = scene.tidegate(scene.settings(topic)).start().wait_ready()
    scene.wait_drained(topic)
    assert process.terminate() == 0
    scene.produce(topic, READING, map(sampler.draw, range(200, 400)), partitions=2)
    scene.kafka.delete_records(topic, 0, 150)  # the ledger says 100
    process.start()
    process.wait_log("100", 30)
    scene.produce(topic, READING, map(sampler.draw, range(400, 500)), partitions=2)
    where = scene.ledger
    wait_until(lambda: where()[(topic, 1)] == 250, 30, lambda: f"the other lane goes on: {where()}\n{process.tail()}")
    assert where()[(topic, 0)] == 100, "the lane went past offsets that nobody has read"
    said = [line for line in process.log().splitlines() if "100" in line and "150" in line and topic in line]
    assert said, f"the missing range is not named\n{process.tail()}"
    status, body = process.http("/health/ready")
    assert "150" in body or "missing" in body.lower(), f"{status}: {body}"
    states = process.metrics().all("sink_lane_state", topic=topic, partition=0)
    assert any(s.value == 1 and "stop" in s.labels["state"] for s in states), states
    assert process.terminate() == 0


def test_promise_a_topic_made_anew_is_not_taken_for_the_old_one(scene):
    """Kafka has less than the ledger knows: the lane stops and says so."""
    topic = scene.topic()
    scene.produce(topic, READING, map(Sampler(READING, 72).draw, range(100)))
    process = scene.tidegate(scene.settings(topic)).start().wait_ready()
    scene.wait_drained(topic)
    assert process.terminate() == 0
    scene.kafka.delete_topic(topic)

    def made():
        try:
            return scene.kafka.create_topic(topic, 1)
        except Exception:  # still being deleted
            return None
    wait_until(made, 30, "the topic can be made again", 0.5)
    scene.produce(topic, READING, map(Sampler(READING, 73).draw, range(100, 110)))
    process.start()
    wait_until(lambda: any("100" in line and topic in line for line in process.log().splitlines()), 30,
               lambda: f"it says what the ledger needs\n{process.tail()}")
    wait_until(lambda: process.http("/health/ready")[0] == 503, 30,
               lambda: f"an operator must act: {process.http('/health/ready')}")
    assert scene.count() == 100
    assert scene.ledger()[(topic, 0)] == 100
    assert process.terminate() == 0
