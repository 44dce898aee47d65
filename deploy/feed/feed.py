"""Feeds real input to the quickstart's topics, as any stock Kafka client would.

prepare   creates the topics and registers the schemas (in a fixed order), where they are missing
run       writes the weather set once and samples the machine; ends after a number of samples, or
          with SIGTERM; keeps a report of what the broker has acknowledged
totals    says how many records each topic holds
"""

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from machine import Machine
from weather import read_weather

TOPICS = {"machine": 4, "weather": 2}
TIMEOUT_S = 30


def read_schema(directory: Path, topic: str) -> Schema:
    return Schema((directory / f"{topic}.avsc").read_text(), "AVRO")


def prepare(options: argparse.Namespace) -> None:
    admin = AdminClient({"bootstrap.servers": options.bootstrap})
    wanted = [NewTopic(topic, num_partitions=n, replication_factor=1) for topic, n in TOPICS.items()]
    for topic, future in admin.create_topics(wanted, operation_timeout=TIMEOUT_S).items():
        try:
            future.result(TIMEOUT_S)
        except Exception as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
    registry = SchemaRegistryClient({"url": options.registry})
    for topic in TOPICS:
        schema_id = registry.register_schema(f"{topic}-value", read_schema(options.schemas, topic))
        print(f"{topic}: schema {schema_id}")


def count_records(bootstrap: str) -> dict[str, int]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "quickstart-totals"})
    try:
        counts = {}
        for topic, n_partitions in TOPICS.items():
            marks = [
                consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=TIMEOUT_S)
                for partition in range(n_partitions)
            ]
            counts[topic] = sum(high - low for low, high in marks)
        return counts
    finally:
        consumer.close()


def totals(options: argparse.Namespace) -> None:
    print(json.dumps(count_records(options.bootstrap)))


class Feeder:
    def __init__(self, options: argparse.Namespace) -> None:
        # Idempotent: a retry must not write a record twice, as the counts are compared at the end.
        self._producer = Producer({
            "bootstrap.servers": options.bootstrap,
            "enable.idempotence": True,
            "linger.ms": 5,
        })
        registry = SchemaRegistryClient({"url": options.registry})
        self._serializers = {
            topic: AvroSerializer(registry, read_schema(options.schemas, topic)) for topic in TOPICS
        }
        self._report_path = options.report
        self._report = {topic: {"acknowledged": 0, "failed": 0} for topic in TOPICS}

    def write(self, topic: str, key: str, record: dict) -> None:
        value = self._serializers[topic](record, SerializationContext(topic, MessageField.VALUE))
        while True:
            try:
                self._producer.produce(topic, value, key.encode(), on_delivery=self._count)
                break
            except BufferError:
                self._producer.poll(0.1)
        self._producer.poll(0)

    def _count(self, error: KafkaError | None, message) -> None:
        report = self._report[message.topic()]
        if error is None:
            report["acknowledged"] += 1
        else:
            report["failed"] += 1
            print(f"{message.topic()}: {error}", file=sys.stderr)

    def flush(self) -> None:
        self._producer.flush(TIMEOUT_S)

    def save_report(self, done: bool) -> None:
        # Renamed into place: a reader never sees half of it.
        partial = self._report_path.with_suffix(".partial")
        partial.write_text(json.dumps({**self._report, "done": done}))
        os.replace(partial, self._report_path)

    def everything_acknowledged(self) -> bool:
        return len(self._producer) == 0 and all(each["failed"] == 0 for each in self._report.values())


class Stop:
    """SIGTERM and SIGINT ask for an end; the samples taken so far are still delivered."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, *_) -> None:
        self.asked = True


def run(options: argparse.Namespace) -> int:
    stop = Stop()
    feeder = Feeder(options)
    feeder.save_report(done=False)
    if options.weather:
        for record in read_weather(options.weather):
            feeder.write("weather", record["station"], record)
        feeder.flush()
    machine = Machine()
    due = saved = time.monotonic()
    n_samples = 0
    while not stop.asked and (options.samples == 0 or n_samples < options.samples):
        due += options.interval
        time.sleep(max(due - time.monotonic(), 0))
        for record in machine.sample():
            feeder.write("machine", f"{record['kind']}/{record['device'] or ''}", record)
        n_samples += 1
        if time.monotonic() - saved >= 1:
            saved = time.monotonic()
            feeder.save_report(done=False)
    feeder.flush()
    feeder.save_report(done=True)
    return 0 if feeder.everything_acknowledged() else 1


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", required=True, help="Kafka's HOST:PORT")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("totals")
    for name in ("prepare", "run"):
        command = commands.add_parser(name)
        command.add_argument("--registry", required=True, help="URL of the schema registry")
        command.add_argument("--schemas", required=True, type=Path, help="directory of TOPIC.avsc")
        if name == "run":
            command.add_argument("--weather", type=Path, help="CSV file of the weather set; none: skip it")
            command.add_argument("--samples", type=int, default=0, help="0: until told to stop")
            command.add_argument("--interval", type=float, default=0.1, help="seconds between samples")
            command.add_argument("--report", required=True, type=Path, help="JSON file to keep up to date")
    return parser.parse_args()


def main() -> int:
    options = read_options()
    return {"prepare": prepare, "run": run, "totals": totals}[options.command](options) or 0


if __name__ == "__main__":
    sys.exit(main())
