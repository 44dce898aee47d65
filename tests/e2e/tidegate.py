"""One `tidegate` process under test: its configuration, its life, its logs and its numbers."""

import os
import shlex
import signal
import subprocess
import time
import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families


# For a look inside: TIDEGATE_UNDER="gdb -batch -ex run -ex 'thread apply all bt' --args" tests/run e2e -k ...
UNDER = shlex.split(os.environ.get("TIDEGATE_UNDER", ""))


def _environment(more):
    """The caller's without TIDEGATE_*: those are configuration, and that is for the test to say."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE_")}
    return {**clean, **(more or {})}


class Timeout(AssertionError):
    """A condition did not come true before its deadline."""


def wait_until(condition, timeout, what, interval=0.1):
    """Returns the first true value of condition(); the test fails when there is none in time."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise Timeout(f"after {timeout} s still not: {what() if callable(what) else what}")
        time.sleep(interval)


# --- configuration: Python values to libconfig text ---


def render(settings):
    """dict = group, list = array of scalars, tuple = list of groups; insertion order is kept, so that
    a test knows which line a key is on."""
    return "".join(f"{name} = {_value(value, 0)};\n" for name, value in settings.items())


def _value(value, depth):
    indent, inner = "    " * depth, "    " * (depth + 1)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value) + ("L" if isinstance(value, int) and abs(value) > 2**31 - 1 else "")
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, dict):
        lines = "".join(f"{inner}{n} = {_value(v, depth + 1)};\n" for n, v in value.items())
        return "{\n" + lines + indent + "}"
    if isinstance(value, list):
        return "[ " + ", ".join(_value(v, depth + 1) for v in value) + " ]"
    if isinstance(value, tuple):
        return "(\n" + ",\n".join(inner + _value(v, depth + 1) for v in value) + "\n" + indent + ")"
    raise TypeError(f"no libconfig form for {value!r}")


def merge(base, changes):
    """A copy of base with changes laid over it; None removes a key, groups are merged."""
    result = dict(base)
    for name, value in (changes or {}).items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict) and isinstance(result.get(name), dict):
            result[name] = merge(result[name], value)
        else:
            result[name] = value
    return result


# --- numbers ---


class Metrics:
    """The samples of one exposition, as prometheus-client parses them. Names are given without the
    program's prefix."""

    PREFIX = "tidegate_"

    def __init__(self, text):
        self.text = text
        self.samples = [s for family in text_string_to_metric_families(text) for s in family.samples]

    def all(self, name, **labels):
        wanted = {name, self.PREFIX + name}
        return [s for s in self.samples if s.name in wanted
                and all(s.labels.get(k) == str(v) for k, v in labels.items())]

    def sum(self, name, **labels):
        return sum(s.value for s in self.all(name, **labels))

    def max(self, name, **labels):
        return max((s.value for s in self.all(name, **labels)), default=None)


# --- the process ---


class Tidegate:
    """`tidegate run` with one configuration; it can be started again after it has gone. Its log is
    one file for all its lives."""

    def __init__(self, program, config_path, http_port, log_path, environment=None):
        self.program = str(program)
        self.config_path = str(config_path)
        self.http_port = http_port
        self.log_path = str(log_path)
        self.environment = _environment(environment)
        self.process = None
        self.started_at = None
        self.must_run = False  # started, and nobody has asked it to go
        self.peak_kib = 0  # highest VmHWM of all lives that was seen

    # life

    def start(self):
        assert self.process is None or self.process.poll() is not None, "it still runs"
        with open(self.log_path, "ab") as log:
            log.write(f"--- start {time.strftime('%H:%M:%S')}\n".encode())
            log.flush()
            self.started_at = time.monotonic()
            self.process = subprocess.Popen(
                [*UNDER, self.program, "run", "-c", self.config_path], stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, env=self.environment, start_new_session=True)
        self.must_run = True
        return self

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def send(self, signal_number):
        self.note_memory()
        self.must_run = self.must_run and signal_number != signal.SIGTERM
        self.process.send_signal(signal_number)

    def kill(self):
        """SIGKILL, whatever it is doing."""
        self.must_run = False
        if self.running:
            self.note_memory()
            self.process.kill()
            self.process.wait()

    def terminate(self, timeout=30):
        """SIGTERM, and its exit code."""
        self.send(signal.SIGTERM)
        return self.wait_exit(timeout)

    def wait_exit(self, timeout):
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Timeout(f"the program has not gone after {timeout} s\n{self.tail()}") from None

    def freeze(self):
        self.send(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    # what it says

    def http(self, path):
        """(status, body); status 0: no answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def assert_alive(self):
        """Fails when it has gone by itself."""
        if self.must_run and not self.running:
            raise AssertionError(f"the program is gone, exit code {self.process.returncode}\n{self.tail()}")

    def wait_ready(self, timeout=20):
        def ready():
            self.assert_alive()
            return self.http("/health/ready")[0] == 200
        wait_until(ready, timeout, lambda: f"ready: {self.http('/health/ready')}\n{self.tail()}", 0.05)
        return self

    def metrics(self):
        status, text = self.http("/metrics")
        assert status == 200, f"/metrics answered {status}\n{self.tail()}"
        return Metrics(text)

    def wait_metric(self, condition, timeout, what):
        """condition(Metrics) comes true."""
        def holds():
            self.assert_alive()
            status, text = self.http("/metrics")
            return status == 200 and condition(Metrics(text))
        return wait_until(holds, timeout, lambda: f"{what}\n{self.tail()}")

    def log(self):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""  # not started yet

    def wait_log(self, text, timeout, since=0):
        """since: length of the log from which on text must be seen."""
        return wait_until(lambda: text in self.log()[since:], timeout,
                          lambda: f"{text!r} in the log\n{self.tail()}")

    def tail(self, lines=40):
        return "\n".join(self.log().splitlines()[-lines:])

    # memory

    def note_memory(self):
        """Reads the peak of this life; call it before the process goes."""
        try:
            with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
                for line in file:
                    if line.startswith("VmHWM:"):
                        self.peak_kib = max(self.peak_kib, int(line.split()[1]))
        except OSError:
            pass
        return self.peak_kib


def run_command(program, *arguments, environment=None, timeout=60):
    """A subcommand that ends by itself: (exit code, everything it said)."""
    done = subprocess.run([str(program), *map(str, arguments)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout,
                          env=_environment(environment), check=False)
    return done.returncode, done.stdout.decode(errors="replace")
