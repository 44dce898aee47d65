"""Promise 1, the zombie: an instance that was away while another took over writes nothing any more."""

import time

from compare import TopicDecoder, assert_table_holds
from load import Load
from samples import READING, Sampler
from tidegate import wait_until

PARTITIONS = 4


def test_promise_a_frozen_instance_that_wakes_up_writes_no_row_twice(scene):
    topic = scene.topic(partitions=PARTITIONS)
    load = Load(scene, topic, READING, Sampler(READING, 11), 10**7, PARTITIONS, per_second=2000).start()
    settings = scene.settings(topic, sink={"session_timeout_ms": 6000})
    zombie = scene.tidegate(settings, "zombie").start().wait_ready()
    wait_until(lambda: scene.count() > 500, 30, lambda: f"rows\n{scene.tails()}")
    zombie.freeze()
    heir = scene.tidegate(settings, "heir").start()

    def taken_over():
        status, _ = heir.http("/health/ready")
        return status == 200 and heir.metrics().sum("sink_rows_written_total") > 1000
    wait_until(taken_over, 60, lambda: f"the other one takes over\n{scene.tails()}")
    zombie.thaw()
    time.sleep(3)  # the zombie's chance to do harm
    assert zombie.running, zombie.tail()
    load.end()
    scene.wait_drained(topic)
    messages = scene.kafka.read_all(topic)
    with scene.connect() as connection:
        assert_table_holds(connection, scene.table(), messages, TopicDecoder(scene.kafka.registry))
    assert zombie.terminate() == 0
    assert heir.terminate() == 0


def test_promise_two_groups_that_share_a_ledger_fence_each_other_and_write_each_row_once(scene):
    """A mistake that people make: the same sink started with another group. Kafka gives both every partition; the
    ledger alone keeps the rows single."""
    topic = scene.topic(partitions=2)
    load = Load(scene, topic, READING, Sampler(READING, 12), 20000, 2, per_second=4000).start()
    one = scene.tidegate(scene.settings(topic), "one").start()
    two = scene.tidegate(scene.settings(topic, sink={"group": scene.name + "-other"}), "two").start()
    load.join()
    scene.wait_drained(topic)
    messages = scene.kafka.read_all(topic)
    with scene.connect() as connection:
        n_rows = assert_table_holds(connection, scene.table(), messages, TopicDecoder(scene.kafka.registry))
    assert n_rows == 20000
    fenced = sum(p.metrics().sum("sink_fenced_total") + p.metrics().sum("sink_claims_total") for p in (one, two))
    assert fenced > 2, "nobody was ever fenced: the test did not test"
    assert one.terminate() == 0 and two.terminate() == 0


def test_promise_rebalances_move_lanes_without_a_loss(scene):
    """A third and a fourth member come and go in order while records flow."""
    topic = scene.topic(partitions=6)
    load = Load(scene, topic, READING, Sampler(READING, 13), 10**7, 6, per_second=3000).start()
    settings = scene.settings(topic)
    steady = scene.tidegate(settings, "steady").start().wait_ready()
    for number in range(3):
        guest = scene.tidegate(settings, f"guest-{number}").start().wait_ready(60)
        guest.wait_metric(lambda m: m.sum("sink_rows_written_total") > 100, 60, "the guest writes rows")
        assert guest.terminate() == 0
    load.end()
    scene.wait_drained(topic)
    messages = scene.kafka.read_all(topic)
    with scene.connect() as connection:
        assert_table_holds(connection, scene.table(), messages, TopicDecoder(scene.kafka.registry))
    assert steady.terminate() == 0
