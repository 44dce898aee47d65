"""Two peers, measured like the sink: the same records, the same Kafka, registry and server, in the same run.

Fair play: each mode of a peer is tried once, and the best is what counts; the JVM stays warm between runs;
where a peer cannot do what the others do, it does less rather than being slowed down (peers/README.md).
What is missing is named and left out.
"""

import json
import os
import socket
import statistics
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

ROOM = Path(__file__).resolve().parent / "peers"
SHAPES = ("narrow", "wide")
TABLE = "bench_peer"
DEADLINE_S = 600
STALLED_S = 60
DOUBLES = [f"usage_{c}" for c in ("user", "system", "idle", "nice", "iowait", "irq", "softirq", "steal", "guest",
                                  "guest_nice")]


class Missing(Exception):
    """A peer, or what measuring it needs, is not to be had; says what."""


class Failed(Exception):
    """A peer did not bring all rows; says how far it came."""


# --- processes ---

def descendants(pid):
    children = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue  # it has just ended
        children.setdefault(parent, []).append(int(stat.parent.name))
    found, queue = [], [pid]
    while queue:
        found.append(queue.pop())
        queue += children.get(found[-1], [])
    return found


class Program:
    """A peer's process and all its descendants."""

    def __init__(self, bench, name, command, environment=None):
        self.log = bench.directory / f"{name}.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **(environment or {})})

    def read(self, name):
        for pid in descendants(self.process.pid):
            try:
                yield Path(f"/proc/{pid}/{name}").read_text()
            except OSError:
                continue

    def cpu(self):
        """Seconds, also of descendants that have ended and were waited for."""
        ticks = sum(int(f) for text in self.read("stat") for f in text.rsplit(")", 1)[1].split()[11:15])
        return ticks / os.sysconf("SC_CLK_TCK")

    def peak_mib(self):
        return sum(int(text.split("VmHWM:")[1].split()[0]) for text in self.read("status") if "VmHWM:" in text) / 1024

    def alive(self):
        return self.process.poll() is None

    def last_words(self):
        lines = self.log.read_text(errors="replace").splitlines()[-8:]
        return "\n".join(f"    {line[:300]}" for line in lines)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


# --- rows ---

class Progress:
    """Tells when all rows are there, without taking the processor from those who write them.

    To count millions of rows is dear, to look at their size is not: they are counted when the size rests.
    """

    SIZE = (f"SELECT (pg_relation_size('{TABLE}') + coalesce(sum(pg_relation_size(inhrelid)), 0))::bigint "
            f"FROM pg_inherits WHERE inhparent = '{TABLE}'::regclass")

    def __init__(self, bench, total):
        self.bench, self.total = bench, total
        self.size, self.rows = 0, 0
        self.moved = time.monotonic()

    def complete(self):
        size, before = self.bench.sql(self.SIZE)[0][0], self.size
        self.size = size
        if size != before:
            self.moved = time.monotonic()
            return False
        if size > 0:
            self.rows = self.bench.sql(f"SELECT count(*) FROM {TABLE}")[0][0]
        return self.rows >= self.total

    def stalled(self):
        return time.monotonic() - self.moved > STALLED_S


def commits(bench):
    """[(second, rows)]: when each transaction committed by the server's own clock, and what it brought."""
    return bench.sql("SELECT extract(epoch FROM pg_xact_commit_timestamp(x::xid))::float8, n FROM "
                     f"(SELECT xmin::text AS x, count(*) AS n FROM {TABLE} GROUP BY 1) AS t ORDER BY 1")


def rates(found):
    """Rows per second after the first commit, and those of the second half, in which everything is warm."""
    total, (first_at, first_rows), last_at = sum(n for _, n in found), found[0], found[-1][0]
    seen, half_at = 0, first_at
    for half_at, n in found:
        seen += n
        if seen * 2 >= total:
            break
    return {"rows_per_s": (total - first_rows) / max(last_at - first_at, 1e-6),
            "second_half_rows_per_s": (total - seen) / max(last_at - half_at, 1e-6),
            "rows_per_commit": total / len(found)}


def drain(bench, shape, program, cpu_before, trouble):
    """Waits for all rows; trouble() is the peer's own word that it has given up, or None."""
    total = bench.rows(shape)
    server_before = bench.server_cpu()
    progress, deadline = Progress(bench, total), time.monotonic() + DEADLINE_S
    while not progress.complete():
        given_up = trouble()
        if given_up or not program.alive() or progress.stalled() or time.monotonic() > deadline:
            raise Failed(f"{progress.rows:,} of {total:,} rows. {given_up or 'Its last words:'}\n"
                         f"{program.last_words()}")
        time.sleep(0.2)
    usage = {"cpu_s_per_million": (program.cpu() - cpu_before) / total * 1e6, "peak_mib": program.peak_mib(),
             "server_cpu_s_per_million": (bench.server_cpu() - server_before) / total * 1e6}
    found = commits(bench)
    if sum(n for _, n in found) != total:
        raise Failed(f"{sum(n for _, n in found):,} rows instead of {total:,}")
    return {**rates(found), **usage}


def filled_in(name, values):
    text = (ROOM / name).read_text()
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    return text


def database(bench):
    url = urlsplit(bench.environment["DATABASE_URL"])
    return {"HOST": url.hostname, "PORT": url.port, "USER": url.username, "DATABASE": url.path.lstrip("/"),
            "TABLE": TABLE}


# --- Kafka Connect with Debezium's JDBC sink ---

class Connect:
    """One worker for all runs, so that its code is compiled after the first."""

    title = "Kafka Connect, Debezium JDBC"
    modes = tuple({"tasks": tasks, "batch": batch} for tasks in (1, 2) for batch in (10_000, 5_000))

    def __init__(self, bench):
        jars = bench.options.connect
        if not jars:
            raise Missing("its jars could not be obtained from Maven Central, see above")
        self.bench, self.count = bench, 0
        self.version = ", ".join(sorted(p.stem for pattern in ("connect-runtime-*.jar", "debezium-connector-jdbc-*.jar")
                                        for p in jars.glob(pattern)))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{free.getsockname()[1]}"
        properties = bench.directory / "connect-worker.properties"
        properties.write_text(filled_in("connect-worker.properties.in", {
            "KAFKA": bench.environment["KAFKA_BOOTSTRAP"], "LISTENER": self.url,
            "OFFSETS": bench.directory / "connect-offsets",
            # Apicurio's own API, beside Confluent's.
            "REGISTRY": bench.environment["REGISTRY_URL"].replace("/ccompat/v7", "/registry/v2")}))
        self.program = Program(bench, "connect", [
            "java", "-Xms2g", "-Xmx2g", "-XX:+UseParallelGC", "-XX:+ExitOnOutOfMemoryError",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{jars}/*",
            "org.apache.kafka.connect.cli.ConnectStandalone", str(properties)])
        try:
            self.wait_until_up()
        except BaseException:
            self.program.stop()
            raise

    def wait_until_up(self):
        deadline = time.monotonic() + 120
        while self.ask("GET", "/connectors") is None:
            if not self.program.alive() or time.monotonic() > deadline:
                raise Missing(f"the worker did not start:\n{self.program.last_words()}")
            time.sleep(0.2)

    def ask(self, method, path, body=None):
        request = urllib.request.Request(self.url + path, method=method, headers={"Content-Type": "application/json"},
                                         data=json.dumps(body).encode() if body else None)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None  # not known yet, or no longer
            raise Failed(f"{method} {path}: {error.read().decode()[:500]}") from error
        except OSError:
            return None

    def trouble(self, name):
        status = json.loads(self.ask("GET", f"/connectors/{name}/status") or "{}")
        traces = [task["trace"] for task in status.get("tasks", []) if task["state"] == "FAILED"]
        causes = [line for line in traces[0].splitlines() if "Caused by" in line] if traces else []
        return causes[-1][:500] if causes else (traces[0][:500] if traces else None)

    def run(self, shape, mode):
        self.count += 1
        name = f"peer_{shape}_{self.count}"
        settings = filled_in("connector.json.in", {**database(self.bench), "TOPIC": shape, "TASKS": mode["tasks"],
                                                   "BATCH": mode["batch"], "POLL": mode["batch"] * 5})
        before = self.program.cpu()
        self.ask("POST", "/connectors", {"name": name, "config": json.loads(settings)})
        try:
            return drain(self.bench, shape, self.program, before, lambda: self.trouble(name))
        finally:
            self.ask("DELETE", f"/connectors/{name}")

    def stop(self):
        self.program.stop()


# --- Telegraf ---

class Telegraf:
    """kafka_consumer, avro and outputs.postgresql, which writes with COPY BINARY."""

    title = "Telegraf"
    modes = tuple({"connections": connections, "batch": batch} for connections in (1, 2) for batch in (10_000, 50_000))

    fields = {"narrow": ["series_id", "v"],
              "wide": ["host", "region", "datacenter", "os", *DOUBLES, "temperature", "state"]}

    def __init__(self, bench):
        self.command = bench.options.telegraf
        if not self.command:
            raise Missing("it could not be built from the Go module proxy, see above")
        # Built from a module it does not know its own version; the cache does.
        self.bench, self.version, self.count = bench, self.command.parent.name, 0
        self.filled = set()

    def fill(self, shape):
        """The same records under a schema without logical types: Telegraf cannot read those (peers/README.md)."""
        topic = f"{shape}_telegraf"
        if shape in self.filled:
            return topic
        schema = json.loads(self.bench.tool("fill", "--schema", shape))
        for field in schema["fields"]:
            field.pop("default", None)
            if isinstance(field["type"], dict) and "logicalType" in field["type"]:
                field["type"] = field["type"]["type"]
        schema_id = register(self.bench, f"{topic}-value", schema)
        partitions = self.bench.options.partitions
        self.bench.topic(topic, partitions)
        self.bench.tool("fill", self.bench.environment["KAFKA_BOOTSTRAP"], topic, partitions, schema_id, shape,
                        self.bench.rows(shape))
        self.filled.add(shape)
        return topic

    def run(self, shape, mode):
        self.count += 1
        topic = self.fill(shape)
        config = self.bench.directory / f"telegraf_{self.count}.conf"
        config.write_text(filled_in("telegraf.conf.in", {
            **database(self.bench), "TOPIC": topic, "GROUP": f"telegraf_{self.count}", "BATCH": mode["batch"],
            "UNDELIVERED": mode["batch"] * 6, "BUFFER": mode["batch"] * 12, "CONNECTIONS": mode["connections"],
            "KAFKA": self.bench.environment["KAFKA_BOOTSTRAP"], "REGISTRY": self.bench.environment["REGISTRY_URL"],
            "FIELDS": json.dumps(self.fields[shape])}))
        # Rarer garbage collection: faster, for memory that it then has to answer for.
        program = Program(self.bench, config.stem, [str(self.command), "--config", str(config)], {"GOGC": "400"})
        try:
            return drain(self.bench, shape, program, 0.0, lambda: None)
        finally:
            program.stop()

    def stop(self):
        pass


def register(bench, subject, schema):
    body = json.dumps({"schema": json.dumps(schema, separators=(",", ":"))}).encode()
    request = urllib.request.Request(f"{bench.environment['REGISTRY_URL']}/subjects/{subject}/versions", data=body,
                                     headers={"Content-Type": "application/vnd.schemaregistry.v1+json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["id"]


# --- the whole ---

def described(mode):
    return ", ".join(f"{value:,} {key if key != 'batch' else 'rows a batch'}" for key, value in mode.items())


def best_mode(bench, peer, shape):
    """Each mode once, after one that warms up; [(mode, result)], the fastest first; a mode that fails is out."""
    tried, failures = [], []
    for warming_up, mode in ((True, peer.modes[0]), *((False, mode) for mode in peer.modes)):
        bench.make_table(TABLE, shape, False)
        try:
            result = peer.run(shape, mode)
        except Failed as failed:
            failures.append(f"{described(mode)}: {failed}")
            continue
        if not warming_up:
            tried.append((mode, result))
    if not tried:
        raise Failed("no mode brought all rows\n" + "\n".join(failures))
    return sorted(tried, key=lambda one: -one[1]["rows_per_s"]), failures


def measure_shape(bench, peer, shape):
    tried, failures = best_mode(bench, peer, shape)
    mode, runs = tried[0][0], [tried[0][1]]
    while len(runs) < bench.options.runs:
        bench.make_table(TABLE, shape, False)
        runs.append(peer.run(shape, mode))
    result = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    return {**result, "mode": described(mode),
            "tried": {described(one): round(other["rows_per_s"]) for one, other in tried}, "failed_modes": failures}


def measure_peer(bench, kind, shapes):
    found = {}
    try:
        if bench.environment["DATABASE_KIND"] == "embedded":
            raise Missing("the embedded database keeps no commit timestamps")
        peer = kind(bench)
    except (Missing, Failed) as reason:
        return {"missing": str(reason)}
    try:
        found["version"] = peer.version
        for shape in shapes:
            try:
                found[shape] = measure_shape(bench, peer, shape)
            except Failed as failed:
                found[shape] = {"failed": str(failed)}
    finally:
        peer.stop()
    return found


def measure(bench):
    shapes = [shape for shape in SHAPES if shape in bench.results]
    bench.results["peers"] = {kind.title: measure_peer(bench, kind, shapes) for kind in (Connect, Telegraf)}


def print_result(title, result, sinks):
    if "failed" in result:
        print(f"  {title}: failed: {result['failed']}")
        return
    print(f"  {title:30} {result['rows_per_s']:9,.0f} {result['second_half_rows_per_s']:9,.0f} "
          f"{result['cpu_s_per_million']:8.1f} {result['server_cpu_s_per_million']:7.1f} {result['peak_mib']:9,.0f}"
          + "".join(f" {sink / result['rows_per_s']:8.1f}x" for sink in sinks.values()))
    print(f"    best of: {'; '.join(f'{mode}: {rate:,}' for mode, rate in result['tried'].items())}")
    for failure in result["failed_modes"]:
        print(f"    failed: {failure}")


def sinks_of(bench, shape):
    """The sink's rates that a peer is compared with: what its best plain mode does, and direct compression."""
    plain = [bench.results[shape][name]["rows_per_s"] for name in ("sink, 1 writer", "sink, 2 writers")]
    direct = max((bench.results[shape][name] for name in ("sink, direct-compressed", "sink, direct-compressed, 2")
                  if name in bench.results[shape]), key=lambda run: run["rows_per_s"], default=None)
    return {"sink": max(plain), **({"direct": direct["rows_per_s"]} if direct else {})}


def report(bench):
    found = bench.results["peers"]
    for shape in (shape for shape in SHAPES if shape in bench.results):
        sinks = sinks_of(bench, shape)
        print(f"\npeers, {shape}; the sink is so many times faster")
        print(f"  {'':30} {'rows/s':>9} {'2nd half':>9} {'CPU s/M':>8} {'server':>7} {'peak MiB':>9}"
              + "".join(f" {name:>9}" for name in sinks))
        for title, results in found.items():
            if shape in results:
                print_result(title, results[shape], sinks)
    for title, results in found.items():
        print(f"  {title}: " + (f"not measured: {results['missing']}" if "missing" in results else results["version"]))
