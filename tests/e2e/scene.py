"""What one test works with: topics, tables, configuration files and processes of its own."""

import json
import socket
import uuid

from tidegate import Tidegate, merge, render, run_command, wait_until


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Scene:
    """Named after its test; its database schema, topics and sink bear that name."""

    def __init__(self, name, directory, program, kafka, server):
        # Unlike names for a test that runs again on components that were kept.
        self.name = f"{name[:32]}_{uuid.uuid4().hex[:6]}"
        self.directory = directory
        self.program = program
        self.kafka = kafka
        self.server = server
        self.processes = []
        self.partitions = {}
        directory.mkdir(parents=True, exist_ok=True)
        self._migrate()
        with server.connect() as connection:
            connection.execute(f"CREATE SCHEMA {self.name}")

    def _migrate(self):
        if self.server.migrated:
            return
        path = self.write_config(self.settings("unused"), "migrate.conf")
        code, output = run_command(self.program, "migrate", "up", "-c", path)
        assert code == 0, output
        self.server.migrated = True

    def close(self):
        for process in self.processes:
            process.kill()
        try:
            with self.server.connect() as connection:
                connection.execute(f"DROP SCHEMA IF EXISTS {self.name} CASCADE")
                connection.execute("DELETE FROM tidegate.sink_offsets WHERE sink = %s", (self.name,))
        except Exception as error:  # the test has its own verdict; this only sweeps up
            print(f"sweeping up after {self.name}: {error}")

    # names

    def topic(self, suffix="", partitions=1, **settings):
        self.partitions[self.name + suffix] = partitions
        return self.kafka.create_topic(self.name + suffix, partitions, **settings)

    def table(self, name="readings"):
        return f"{self.name}.{name}"

    @property
    def dead_letter_topic(self):
        return self.name + ".dead"

    # configuration

    def _writers(self, topics):
        """Two where there is work for two."""
        return min(2, sum(self.partitions.get(topic, 2) for topic in topics))

    def settings(self, topics, routes=None, sink=None, **changes):
        """A complete configuration for one sink; changes are laid over it."""
        topics = [topics] if isinstance(topics, str) else list(topics)
        if routes is None:
            routes = tuple(self.route(topic) for topic in topics)
        base = {
            "name": self.name,
            "kafka": {"bootstrap_servers": self.kafka.bootstrap_servers},
            "registry": {"url": self.kafka.registry_url},
            "database": {"url": self.server.url},
            "http": {"listen": "127.0.0.1:0"},
        }
        one = merge({
            "name": self.name, "topics": topics, "writers": self._writers(topics), "session_timeout_ms": 6000,
            "errors": {"tolerance": "all", "dead_letter_topic": self.dead_letter_topic},
            "routes": routes,
        }, sink)
        return merge({**base, "sinks": (one,)}, changes)

    def route(self, topic, **changes):
        return merge({"topic": topic, "table": self.table(), "create": True, "time_column": "time",
                      "chunk_interval": "30 days"}, changes)

    def write_config(self, settings, file_name):
        path = self.directory / file_name
        path.write_text(render(settings) if isinstance(settings, dict) else settings, encoding="utf-8")
        return path

    # processes

    def tidegate(self, settings, name="a", environment=None):
        port = free_port()
        settings = merge(settings, {"http": {"listen": f"127.0.0.1:{port}"}})
        path = self.write_config(settings, f"{name}.conf")
        process = Tidegate(self.program, path, port, self.directory / f"{name}.log", environment)
        self.processes.append(process)
        return process

    def check(self, settings, environment=None):
        """`tidegate check`: (exit code, output, path of the file)."""
        path = self.write_config(settings, "check.conf")
        code, output = run_command(self.program, "check", "-c", path, environment=environment)
        return code, output, path

    # records

    def produce(self, topic, schema, values, partitions=1, producer=None, flush=True):
        """values: an iterable of records; they go round the partitions by their order."""
        serialize = self.kafka.serializer(schema if isinstance(schema, str) else json.dumps(schema))
        producer = producer or self.kafka.producer()
        n_values = 0
        for n_values, value in enumerate(values, 1):
            send(producer, topic, serialize(topic, value), (n_values - 1) % partitions)
        if flush:
            assert producer.flush(120) == 0
        return n_values

    # the state of things

    def connect(self):
        return self.server.connect()

    def query(self, text, *arguments):
        with self.connect() as connection:
            return connection.execute(text, arguments).fetchall()

    def count(self, table=None):
        """Rows in the table; 0 while there is no table."""
        name = table or self.table()
        with self.connect() as connection:
            if connection.execute("SELECT to_regclass(%s)", (name,)).fetchone()[0] is None:
                return 0
            return connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]

    def wait_count(self, n_rows, timeout=60, table=None):
        def reached():
            self.assert_alive()
            return self.count(table) >= n_rows
        wait_until(reached, timeout, lambda: f"{n_rows} rows in {table or self.table()}, there are "
                   f"{self.count(table)}\n{self.tails()}", 0.2)
        assert self.count(table) == n_rows

    def ledger(self):
        """{(topic, partition): next_offset}"""
        rows = self.query("SELECT topic, partition, next_offset FROM tidegate.sink_offsets WHERE sink = %s", self.name)
        return {(topic, partition): next_offset for topic, partition, next_offset in rows}

    def wait_drained(self, *topics, timeout=120):
        """The ledger has passed everything that the topics hold now."""
        ends = {(topic, p): end for topic in topics for p, end in self.kafka.end_offsets(topic).items() if end > 0}

        def behind():
            self.assert_alive()
            ledger = self.ledger()
            return {where: (ledger.get(where), end) for where, end in ends.items() if ledger.get(where, 0) < end}
        wait_until(lambda: not behind(), timeout,
                   lambda: f"drained; lane: (ledger, end) {behind()}\n{self.tails()}", 0.2)

    def assert_alive(self):
        for process in self.processes:
            process.assert_alive()

    def tails(self):
        return "\n".join(f"--- {p.log_path}\n{p.tail(25)}" for p in self.processes)


def send(producer, topic, value, partition, **more):
    """Queues one message; waits while the producer's own queue is full."""
    while True:
        try:
            producer.produce(topic, value=value, partition=partition, **more)
            producer.poll(0)
            return
        except BufferError:
            producer.poll(0.1)
