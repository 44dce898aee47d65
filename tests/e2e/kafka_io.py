"""The Kafka side of a test, spoken with the stock client: topics, producers, and reading a topic to its end."""

import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext


class Kafka:
    def __init__(self, bootstrap_servers, registry_url):
        self.bootstrap_servers = bootstrap_servers
        self.registry_url = registry_url
        self.admin = AdminClient({"bootstrap.servers": bootstrap_servers})
        self.registry = SchemaRegistryClient({"url": registry_url})

    def create_topic(self, name, partitions=1, **settings):
        configuration = {key.replace("_", "."): str(value) for key, value in settings.items()}
        topic = NewTopic(name, num_partitions=partitions, replication_factor=1, config=configuration)
        self.admin.create_topics([topic])[name].result(30)
        deadline = time.monotonic() + 10
        while True:  # its metadata is everywhere a moment later
            found = self.admin.list_topics(name, timeout=10).topics.get(name)
            if found is not None and found.error is None and len(found.partitions) == partitions:
                return name
            if time.monotonic() > deadline:
                raise AssertionError(f"topic {name} did not appear")
            time.sleep(0.05)

    def delete_topic(self, name):
        self.admin.delete_topics([name])[name].result(30)

    def delete_records(self, topic, partition, before_offset):
        """Moves the start of the log, as retention does."""
        where = TopicPartition(topic, partition, before_offset)
        for future in self.admin.delete_records([where]).values():
            future.result(30)

    def producer(self, **settings):
        return Producer({"bootstrap.servers": self.bootstrap_servers, "linger.ms": 5, "acks": "all",
                         "enable.idempotence": True, "queue.buffering.max.messages": 500000,
                         **{k.replace("_", "."): v for k, v in settings.items()}})

    def serializer(self, schema_text, **settings):
        """value -> bytes for a topic's values, with Confluent's serializer."""
        serializer = AvroSerializer(self.registry, schema_text, conf=settings or None)
        contexts = {}

        def serialize(topic, value):
            if topic not in contexts:
                contexts[topic] = SerializationContext(topic, MessageField.VALUE)
            return serializer(value, contexts[topic])

        return serialize

    def end_offsets(self, topic):
        return {partition: end for partition, (_, end) in self.watermarks(topic).items()}

    def watermarks(self, topic):
        consumer = self._consumer()
        try:
            partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            return {p: consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10) for p in partitions}
        finally:
            consumer.close()

    def read_all(self, topic, timeout=120):
        """Every message that the topic holds now, in order within each partition."""
        consumer = self._consumer()
        try:
            metadata = consumer.list_topics(topic, timeout=10).topics.get(topic)
            if metadata is None or metadata.error is not None:
                return []
            left = {}
            for partition in metadata.partitions:
                start, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
                if end > start:
                    left[partition] = (start, end)
            consumer.assign([TopicPartition(topic, p, start) for p, (start, _) in left.items()])
            messages, deadline = [], time.monotonic() + timeout
            pending = {p: end for p, (_, end) in left.items()}
            while pending:
                for message in consumer.consume(10000, timeout=0.5):
                    if message.error():
                        raise KafkaException(message.error())
                    messages.append(message)
                position = consumer.position([TopicPartition(topic, p) for p in pending])
                for reached in position:
                    if reached.offset >= pending[reached.partition]:
                        del pending[reached.partition]
                if time.monotonic() > deadline:
                    raise AssertionError(f"reading {topic} to its end took too long, left: {pending}")
            return messages
        finally:
            consumer.close()

    def _consumer(self):
        return Consumer({"bootstrap.servers": self.bootstrap_servers, "group.id": "tests-only-reading",
                         "enable.auto.commit": False, "auto.offset.reset": "earliest"})


def headers_of(message):
    """The last value of each name, as text where it is text."""
    return {name: None if value is None else value.decode("utf-8", errors="replace")
            for name, value in message.headers() or []}
