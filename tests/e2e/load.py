"""Records that keep coming while a test does things to the sink."""

import json
import threading
import time

from scene import send


class Load:
    """Produces n_records of a sampler to a topic's partitions at about the given rate, on a thread of its own.
    between(index) may give more messages (value, partition) to write after record index."""

    def __init__(self, scene, topic, schema, sampler, n_records, partitions, per_second, between=None):
        self.serialize = scene.kafka.serializer(json.dumps(schema))
        self.producer = scene.kafka.producer(linger_ms=20)
        self.topic, self.sampler, self.n_records = topic, sampler, n_records
        self.partitions, self.per_second, self.between = partitions, per_second, between
        self.n_sent = 0
        self.error = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, name="load", daemon=True)

    def start(self):
        self.thread.start()
        return self

    def _run(self):
        try:
            started = time.monotonic()
            for index in range(self.n_records):
                partition = self.sampler.random.randrange(self.partitions)
                value = self.sampler.draw(index)
                if "partition" in value:
                    value["partition"] = partition
                send(self.producer, self.topic, self.serialize(self.topic, value), partition)
                self.n_sent = index + 1
                for extra, where in (self.between(index) if self.between else ()):
                    send(self.producer, self.topic, extra, where)
                if index % 100 == 0:
                    self.ended.wait(max(0.0, started + index / self.per_second - time.monotonic()))
                if self.ended.is_set():
                    break
            left = self.producer.flush(120)
            assert left == 0, f"{left} messages could not be written"
        except Exception as error:  # shown by join()
            self.error = error

    @property
    def running(self):
        return self.thread.is_alive()

    def end(self):
        """No more records after those that are written now."""
        self.ended.set()
        self.join()

    def join(self, timeout=600):
        self.thread.join(timeout)
        assert not self.running, "the load did not end"
        if self.error is not None:
            raise self.error
