"""The real components: a broker, a registry, and a database server of each kind, by way of tests/support/stack."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import time
from pathlib import Path

import psycopg

CHECKOUT = Path(__file__).resolve().parents[2]
STACK = CHECKOUT / "tests" / "support" / "stack"


class Stack:
    """What one directory of the stack program holds."""

    def __init__(self, directory, *options):
        self.directory = Path(directory)
        self.options = options
        self.environment = {}

    def _call(self, command, *arguments):
        done = subprocess.run([str(STACK), command, *arguments, "--dir", str(self.directory)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"stack {command} {' '.join(arguments)} failed:\n"
                               f"{done.stdout.decode()}{done.stderr.decode()}")
        return done.stdout.decode()

    def up(self):
        output = self._call("up", *self.options)
        self.environment = dict(line.split("=", 1) for line in output.splitlines() if "=" in line)
        return self

    def down(self):
        self._call("down")

    def stop(self, service, immediate=False):
        self._call("stop", service, *(["--immediate"] if immediate else []))

    def start(self, service):
        self._call("start", service)

    @contextlib.contextmanager
    def stopped(self, service, immediate=False):
        self.stop(service, immediate)
        try:
            yield
        finally:
            self.start(service)

    def logs(self):
        """Log files of its services that can be read."""
        return [path for path in self.directory.glob("*/log") if os.access(path, os.R_OK)]


class Server:
    """A database server: kind is native, plain or embedded."""

    def __init__(self, stack):
        self.stack = stack
        self.url = stack.environment["DATABASE_URL"]
        self.pooled_url = stack.environment.get("PGBOUNCER_URL")
        self.kind = stack.environment["DATABASE_KIND"]
        self.has_timescaledb = self.kind != "plain"
        self.migrated = False

    def connect(self, database=None, **options):
        """autocommit; all times in UTC."""
        url = self.url if database is None else self.url.rsplit("/", 1)[0] + "/" + database
        connection = psycopg.connect(url, autocommit=True, connect_timeout=10, **options)
        connection.prepare_threshold = None  # the embedded server's clients share one session
        connection.execute("SET timezone = 'UTC'")
        return connection

    def stop(self, immediate=False):
        self.stack.stop("database", immediate)

    def start(self):
        self.stack.start("database")

    def wait_up(self, timeout=60):
        deadline = time.monotonic() + timeout
        while True:
            try:
                self.connect().close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)


def native_is_installed():
    """As the stack program sees it."""
    script = f'source "{CHECKOUT}/deploy/lib/all.sh"; postgres_has_timescaledb'
    return subprocess.run(["bash", "-c", script], stdin=subprocess.DEVNULL, check=False).returncode == 0


class Components:
    """Broker and registry once; servers when a test first asks for their kind."""

    def __init__(self, directory, keep):
        self.directory = Path(directory)
        self.keep = keep
        self.lock = self._lock()
        self.main_kind = "native" if native_is_installed() else "plain"
        self.main = Stack(self.directory / "main", "--database", self.main_kind,
                          *(["--pgbouncer"] if self.main_kind == "plain" else [])).up()
        self.stacks = {self.main_kind: self.main}
        self.servers = {}

    def _lock(self):
        """One run at a time has the components of a directory."""
        self.directory.mkdir(parents=True, exist_ok=True)
        lock = open(self.directory / "lock", "w", encoding="ascii")  # closed, and with it unlocked, at the end
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RuntimeError(f"another run of the tests uses {self.directory}; --state names another directory, "
                               "or wait for its end") from None
        return lock

    def server(self, kind):
        if kind not in self.servers:
            if kind not in self.stacks:
                pooled = ["--pgbouncer"] if kind == "plain" else []
                self.stacks[kind] = Stack(self.directory / kind, "--database", kind, "--no-kafka", "--no-registry",
                                          *pooled).up()
            self.servers[kind] = Server(self.stacks[kind])
        return self.servers[kind]

    def logs(self):
        return [(kind, path) for kind, stack in self.stacks.items() for path in stack.logs()]

    def close(self):
        if self.keep:
            return
        for stack in self.stacks.values():
            stack.down()
            shutil.rmtree(stack.directory, ignore_errors=True)
