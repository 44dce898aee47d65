"""One run, one machine: the limit (raw COPY BINARY), the sink, and their ratio.

Everything is measured in the same run against the same server, because absolute figures move by 15 % and
more from one run to the next; ratios hold. Medians of --runs runs.
"""

import argparse
import json
import os
import platform
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import peers

CHECKOUT = Path(__file__).resolve().parents[2]
STACK = CHECKOUT / "tests" / "support" / "stack"
SHAPES = ("narrow", "wide")
DEADLINE_S = 300

COLUMNS = {
    "narrow": "time timestamptz NOT NULL, series_id int, v float8",
    "wide": "time timestamptz NOT NULL, host text, region text, datacenter text, os text, "
            + ", ".join(f"usage_{c} float8" for c in ("user", "system", "idle", "nice", "iowait", "irq", "softirq",
                                                      "steal", "guest", "guest_nice"))
            + ", temperature float8, state text, cost numeric(10,2)",
}
SEGMENT_BY = {"narrow": "", "wide": ""}


def arguments():
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--runs", type=int, default=3, help="runs of each measurement; the median counts (default 3)")
    parser.add_argument("--rows-narrow", type=int, default=2_000_000)
    parser.add_argument("--rows-wide", type=int, default=1_000_000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--database", default="auto", choices=("auto", "native", "embedded", "plain"),
                        help="auto: native TimescaleDB if it is installed, else embedded")
    parser.add_argument("--only", choices=("narrow", "wide", "latency", "decode"), action="append",
                        help="measure only this; may be repeated")
    parser.add_argument("--latency-seconds", type=int, default=10)
    parser.add_argument("--peer", action="store_true",
                        help="also measure Kafka Connect with the Debezium JDBC sink, and Telegraf (peers/README.md)")
    parser.add_argument("--connect", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--telegraf", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, help="write everything to this file too")
    return parser.parse_args()


class Bench:
    """The services of one run, and what has been measured on them."""

    def __init__(self, options, directory):
        self.options = options
        self.directory = Path(directory)
        self.results = {}
        self.schema_ids = {}
        self.environment = {}

    # --- services ---

    def up(self):
        command = [str(STACK), "up", "--dir", str(self.directory / "stack"), "--database", self.options.database]
        settings = ["fsync=on", "shared_buffers=1GB", "max_wal_size=8GB", "checkpoint_timeout=30min"]
        if self.options.peer:
            settings.append("track_commit_timestamp=on")  # when the peers' rows came is asked of the server
        for setting in settings:
            command += ["--set", setting]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL).stdout.decode()
        self.environment = dict(line.split("=", 1) for line in output.splitlines() if "=" in line)

    def down(self):
        subprocess.run([str(STACK), "down", "--dir", str(self.directory / "stack")], check=False,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def sql(self, *statements):
        import psycopg
        with psycopg.connect(self.environment["DATABASE_URL"], autocommit=True, prepare_threshold=None) as connection:
            rows = None
            for statement in statements:
                cursor = connection.execute(statement)
                rows = cursor.fetchall() if cursor.description else None
            return rows

    def tool(self, name, *arguments_):
        done = subprocess.run([str(self.options.build / "tests" / "bench" / f"bench_{name}"), *map(str, arguments_)],
                              stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=True, timeout=DEADLINE_S)
        return done.stdout.decode()

    # --- data ---

    def register(self, shape):
        body = json.dumps({"schema": self.tool("fill", "--schema", shape).strip()}).encode()
        request = urllib.request.Request(f"{self.environment['REGISTRY_URL']}/subjects/{shape}-value/versions", data=body,
                                         headers={"Content-Type": "application/vnd.schemaregistry.v1+json"})
        with urllib.request.urlopen(request) as answer:
            self.schema_ids[shape] = json.load(answer)["id"]

    def topic(self, name, partitions):
        from confluent_kafka.admin import AdminClient, NewTopic
        admin = AdminClient({"bootstrap.servers": self.environment["KAFKA_BOOTSTRAP"]})
        for future in admin.create_topics([NewTopic(name, partitions, 1)]).values():
            future.result()

    def fill(self, shape):
        self.register(shape)
        self.topic(shape, self.options.partitions)
        self.tool("fill", self.environment["KAFKA_BOOTSTRAP"], shape, self.options.partitions, self.schema_ids[shape],
                  shape, self.rows(shape))

    def rows(self, shape):
        return self.options.rows_narrow if shape == "narrow" else self.options.rows_wide

    def make_table(self, table, shape, direct):
        hypertable = self.environment["DATABASE_KIND"] != "plain"
        statements = [f"DROP TABLE IF EXISTS {table}", f"CREATE TABLE {table} ({COLUMNS[shape]})"]
        if hypertable:
            statements.append(f"SELECT create_hypertable('{table}', 'time', chunk_time_interval => interval '1 day')")
        else:
            statements.append(f"CREATE INDEX ON {table} (time DESC)")
        if direct:
            statements.append(f"ALTER TABLE {table} SET (timescaledb.compress, "
                              f"timescaledb.compress_segmentby = '{SEGMENT_BY[shape]}', "
                              "timescaledb.compress_orderby = 'time DESC')")
        statements.append("CHECKPOINT")
        self.sql(*statements)

    # --- measurements ---

    def limit(self, shape, connections, per_transaction, direct):
        self.make_table("bench_limit", shape, direct)
        rate = float(self.tool("limit", self.environment["DATABASE_URL"], "bench_limit", shape, self.rows(shape),
                               connections, per_transaction, self.options.partitions, "direct" if direct else "plain"))
        self.expect_rows("bench_limit", self.rows(shape))
        return rate

    def expect_rows(self, table, rows):
        found = self.sql(f"SELECT count(*) FROM {table}")[0][0]
        if found != rows:
            sys.exit(f"bench: {table} has {found} rows instead of {rows}: the measurement is void")

    def configuration(self, sink, topic, table, writers, direct):
        path = self.directory / f"{sink}.conf"
        path.write_text(f"""
name = "bench";
log: {{ level = "warning"; }};
kafka: {{ bootstrap_servers = "{self.environment['KAFKA_BOOTSTRAP']}"; }};
registry: {{ url = "{self.environment['REGISTRY_URL']}"; }};
database: {{ url = "{self.environment['DATABASE_URL']}"; }};
http: {{ listen = "127.0.0.1:{self.environment['HTTP_PORT']}"; }};
sinks = ( {{ name = "{sink}"; topics = [ "{topic}" ]; writers = {writers};
  routes = ( {{ topic = "{topic}"; table = "public.{table}"; {'direct_compress = "on";' if direct else ''} }} ); }} );
""")
        return path

    def program(self, config):
        log = open(config.with_suffix(".log"), "ab")
        return subprocess.Popen([str(self.options.build / "tidegate"), "run", "-c", str(config)], stdin=subprocess.DEVNULL,
                                stdout=log, stderr=log)

    def written(self, sink):
        rows = self.sql(f"SELECT coalesce(sum(rows_written), 0)::bigint FROM tidegate.sink_offsets WHERE sink = '{sink}'")
        return rows[0][0]

    def metric(self, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.environment['HTTP_PORT']}/metrics") as answer:
            values = [float(line.rsplit(" ", 1)[1]) for line in answer.read().decode().splitlines()
                      if line.startswith(name + "{") or line.startswith(name + " ")]
        return statistics.mean(values) if values else None

    def drain(self, shape, writers, direct, sink):
        """From the first committed row to the last; the rows before the first look are not counted."""
        import psycopg
        self.make_table("bench_sink", shape, direct)
        total = self.rows(shape)
        server_before = self.server_cpu()
        process = self.program(self.configuration(sink, shape, "bench_sink", writers, direct))
        query = f"SELECT coalesce(sum(rows_written), 0)::bigint FROM tidegate.sink_offsets WHERE sink = '{sink}'"
        deadline = time.monotonic() + DEADLINE_S
        first = None
        with psycopg.connect(self.environment["DATABASE_URL"], autocommit=True, prepare_threshold=None) as connection:
            while True:
                rows = connection.execute(query).fetchone()[0]
                now = time.monotonic()
                if rows > 0 and first is None:
                    first = (now, rows)
                if rows >= total:
                    break
                if now > deadline or process.poll() is not None:
                    sys.exit(f"bench: {sink} has written {rows} of {total} rows; see {self.directory}/{sink}.log")
                time.sleep(0.01)
        result = {"rows_per_s": (total - first[1]) / (now - first[0])}
        status = Path(f"/proc/{process.pid}/status").read_text()
        result["peak_mib"] = int(status.split("VmHWM:")[1].split()[0]) / 1024
        cpu = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        result["cpu_s_per_million"] = (int(cpu[11]) + int(cpu[12])) / os.sysconf("SC_CLK_TCK") / total * 1e6
        result["server_cpu_s_per_million"] = (self.server_cpu() - server_before) / total * 1e6
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        self.expect_rows("bench_sink", total)
        return result

    def server_cpu(self):
        """CPU seconds of all processes of the database server so far, also of those that have ended."""
        data = self.directory / "stack" / "database"
        pid_files = list(data.glob("**/postmaster.pid")) + list(data.glob("pid"))
        if not pid_files:
            return 0.0
        root = pid_files[0].read_text().split()[0]
        total = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if stat.parent.name == root:
                total += sum(int(f) for f in fields[11:15])
            elif fields[1] == root:
                total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")

    def median(self, measure):
        runs = [measure(i) for i in range(self.options.runs)]
        if isinstance(runs[0], dict):
            return {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        return statistics.median(runs)

    def shape(self, shape):
        self.fill(shape)
        plain = {
            "limit, 1 connection": self.median(lambda i: self.limit(shape, 1, 10_000, False)),
            "limit, 2 connections": self.median(lambda i: self.limit(shape, 2, 10_000, False)),
            "consume only": self.median(lambda i: float(self.tool("consume", self.environment["KAFKA_BOOTSTRAP"], shape,
                                                                   self.options.partitions, self.rows(shape)))),
            "sink, 1 writer": self.median(lambda i: self.drain(shape, 1, False, f"{shape}_1_{i}")),
            "sink, 2 writers": self.median(lambda i: self.drain(shape, 2, False, f"{shape}_2_{i}")),
        }
        self.results[shape] = plain
        if self.environment["DATABASE_KIND"] != "plain":
            plain["limit, direct-compressed"] = self.median(lambda i: self.limit(shape, 1, 20_000, True))
            plain["limit, direct-compressed, 2"] = self.median(lambda i: self.limit(shape, 2, 20_000, True))
            plain["sink, direct-compressed"] = self.median(lambda i: self.drain(shape, 1, True, f"{shape}_d_{i}"))
            plain["sink, direct-compressed, 2"] = self.median(lambda i: self.drain(shape, 2, True, f"{shape}_e_{i}"))

    def latency(self):
        self.register("narrow")
        result = {}
        for rate in (100, 1_000, 10_000):
            topic = f"latency_{rate}"
            self.topic(topic, 1)
            self.make_table("bench_sink", "narrow", False)
            process = self.program(self.configuration(topic, topic, "bench_sink", 1, False))
            deadline = time.monotonic() + 30
            while not self.sql(f"SELECT 1 FROM tidegate.sink_offsets WHERE sink = '{topic}'"):
                if time.monotonic() > deadline:
                    sys.exit(f"bench: {topic} was not claimed; see {self.directory}/{topic}.log")
                time.sleep(0.05)
            # A second of records that are not counted: the first one creates chunk and plan.
            self.latency_once(topic, 100, 1)
            p50, p90, p99, worst = map(float, self.latency_once(topic, rate, self.options.latency_seconds).split())
            result[rate] = {"p50_ms": p50, "p90_ms": p90, "p99_ms": p99, "max_ms": worst}
            process.send_signal(signal.SIGTERM)
            process.wait(60)
        self.results["latency"] = result

    def latency_once(self, topic, rate, seconds):
        return self.tool("latency", self.environment["KAFKA_BOOTSTRAP"], topic, self.schema_ids["narrow"],
                         self.environment["DATABASE_URL"], topic, rate, seconds)

    def decode(self):
        self.results["decode"] = self.tool("decode").strip()


def machine(bench):
    versions = json.loads(subprocess.run([str(bench.options.build / "tidegate"), "version", "--json"], check=True,
                                         stdout=subprocess.PIPE).stdout)
    server = bench.sql("SHOW server_version")[0][0]
    extension = bench.sql("SELECT coalesce((SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'), 'none')")[0][0]
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    return {"processor": model, "cores": os.cpu_count(), "database": bench.environment["DATABASE_KIND"],
            "postgresql": server, "timescaledb": extension, **versions}


def print_shape(name, rows, result):
    print(f"\n{name}, {rows:,} rows")
    print(f"  {'':32} {'rows/s':>11} {'of limit':>9} {'CPU s/M':>8} {'server':>7} {'peak MiB':>9}")
    for what, value in result.items():
        if not isinstance(value, dict):
            print(f"  {what:32} {value:11,.0f}")
            continue
        one = min(result["limit, 1 connection"], result["consume only"])
        of = {"sink, 1 writer": one, "sink, 2 writers": result["limit, 2 connections"],
              "sink, direct-compressed": min(result.get("limit, direct-compressed", one), result["consume only"]),
              "sink, direct-compressed, 2": result.get("limit, direct-compressed, 2", one)}[what]
        value["of_limit"] = value["rows_per_s"] / of
        print(f"  {what:32} {value['rows_per_s']:11,.0f} {value['of_limit']:9.0%} {value['cpu_s_per_million']:8.2f} "
              f"{value['server_cpu_s_per_million']:7.2f} {value['peak_mib']:9.0f}")


def report(bench):
    facts = machine(bench)
    print(", ".join(f"{key} {value}" for key, value in facts.items()))
    for shape in SHAPES:
        if shape in bench.results:
            print_shape(shape, bench.rows(shape), bench.results[shape])
    if "latency" in bench.results:
        print("\nlatency from produce to visible, ms")
        print(f"  {'records/s':>10} {'p50':>8} {'p90':>8} {'p99':>8} {'max':>8}")
        for rate, value in bench.results["latency"].items():
            print(f"  {rate:>10,} {value['p50_ms']:8.1f} {value['p90_ms']:8.1f} {value['p99_ms']:8.1f} {value['max_ms']:8.1f}")
    if "decode" in bench.results:
        print("\ndecode cost per record: the plan against avro-c's generic reader")
        print("\n".join("  " + line for line in bench.results["decode"].splitlines()))
    if "peers" in bench.results:
        peers.report(bench)
    if bench.options.json:
        bench.options.json.write_text(json.dumps({"machine": facts, "results": bench.results}, indent=2) + "\n")


def main():
    options = arguments()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    wanted = options.only or [*SHAPES, "latency", "decode"]
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as directory:
        os.chmod(directory, 0o755)  # the server runs as a user of its own
        bench = Bench(options, directory)
        try:
            bench.up()
            subprocess.run([str(options.build / "tidegate"), "migrate", "up", "-c",
                            str(bench.configuration("none", "none", "none", 1, False))], check=True,
                           stdout=subprocess.DEVNULL)
            for shape in SHAPES:
                if shape in wanted:
                    bench.shape(shape)
            if "latency" in wanted:
                bench.latency()
            if "decode" in wanted:
                bench.decode()
            if options.peer:
                peers.measure(bench)
            report(bench)
        finally:
            bench.down()


if __name__ == "__main__":
    main()
