"""Promise 1, the zombie: an instance that was away while another took over writes nothing any more."""

import time

import pytest

from compare import TopicDecoder, assert_table_holds
from load import Load
from samples import READING, Sampler
from tidegate import wait_until

PARTITIONS = 4


def _open_transactions(scene):
    """Of the scene's sink: what its query strings name."""
    return scene.query("SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' AND pid <> pg_backend_pid() "
                       "AND query LIKE '%%advance%%' AND query LIKE %s", f"%{scene.name}%")[0][0]


def _freeze(scene, zombie, inside):
    """Freezes the instance inside of a transaction, or outside of one."""
    def frozen():
        zombie.freeze()
        time.sleep(0.05)  # the server ends what it has got whole
        if (_open_transactions(scene) > 0) == inside:
            return True
        zombie.thaw()
        return False
    wait_until(frozen, 60, f"frozen {'inside' if inside else 'outside'} of a transaction", 0.003)


@pytest.mark.parametrize("inside", [False, True], ids=["between_transactions", "inside_of_one"])
def test_promise_a_frozen_instance_that_wakes_up_writes_no_row_twice(scene, inside):
    """Inside of a transaction it holds the locks of its ledger rows on the server; that must not hold up the one that
    takes over for long."""
    topic = scene.topic(partitions=PARTITIONS)
    load = Load(scene, topic, READING, Sampler(READING, 11), 10**7, PARTITIONS, per_second=3000).start()
    zombie = scene.tidegate(scene.settings(topic, sink={"session_timeout_ms": 6000}), "zombie").start().wait_ready()
    wait_until(lambda: scene.count() > 500, 30, lambda: f"rows\n{scene.tails()}")
    _freeze(scene, zombie, inside)
    started = time.monotonic()
    heir = scene.tidegate(scene.settings(topic, sink={"session_timeout_ms": 6000}), "heir").start()

    def taken_over():
        status, _ = heir.http("/health/ready")
        return status == 200 and heir.metrics().sum("sink_rows_written_total") > 1000
    wait_until(taken_over, 40, lambda: f"the other one takes over\n{scene.tails()}")
    print(f"taken over after {time.monotonic() - started:.1f} s")
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
