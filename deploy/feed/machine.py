"""The machine's own counters, read from /proc, as records of schemas/examples/machine.avsc."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

SECTOR_BYTES = 512
CPU_MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
MEMORY_METRICS = {
    "MemTotal": "total",
    "MemFree": "free",
    "MemAvailable": "available",
    "Cached": "cached",
    "Dirty": "dirty",
    "SwapFree": "swap_free",
}


class Machine:
    """Samples counters; those that only grow become rates between one sample and the next."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._host = socket.gethostname()
        self._before: dict[tuple[str, str, str], float] = {}
        self._before_s = time.monotonic()
        # The first look gives every rate something to start from.
        list(self.sample())

    def sample(self) -> Iterator[dict]:
        now_s = time.monotonic()
        elapsed_s = max(now_s - self._before_s, 1e-3)
        self._before_s = now_s
        stamp_us = time.time_ns() // 1000
        for kind, device, metric, value, unit in self._values(elapsed_s):
            yield {
                "time": stamp_us,
                "host": self._host,
                "kind": kind,
                "device": device,
                "metric": metric,
                "value": value,
                "unit": unit,
            }

    def _values(self, elapsed_s: float) -> Iterator[tuple]:
        yield from self._cpu(elapsed_s)
        yield from self._memory()
        yield from self._disks(elapsed_s)
        yield from self._network(elapsed_s)

    def _rate(self, kind: str, device: str, metric: str, total: float, elapsed_s: float) -> float:
        key = (kind, device, metric)
        before = self._before.get(key, total)
        self._before[key] = total
        return max(total - before, 0.0) / elapsed_s

    def _cpu(self, elapsed_s: float) -> Iterator[tuple]:
        ticks_per_s = os.sysconf("SC_CLK_TCK")
        for line in self._lines("stat"):
            name, *ticks = line.split()
            if not name.startswith("cpu") or name == "cpu":
                continue
            for mode, spent in zip(CPU_MODES, ticks):
                rate = self._rate("cpu", name, mode, int(spent) / ticks_per_s, elapsed_s)
                yield "cpu", name, mode, min(100.0 * rate, 100.0), "percent"

    def _memory(self) -> Iterator[tuple]:
        for line in self._lines("meminfo"):
            name, _, rest = line.partition(":")
            if name in MEMORY_METRICS:
                yield "memory", None, MEMORY_METRICS[name], 1024.0 * int(rest.split()[0]), "bytes"

    def _disks(self, elapsed_s: float) -> Iterator[tuple]:
        for line in self._lines("diskstats"):
            _, _, name, reads, _, sectors_read, _, writes, _, sectors_written, *_ = line.split()
            if name.startswith(("loop", "ram", "zram")):
                continue
            for metric, total, unit in (
                ("reads", int(reads), "per_second"),
                ("writes", int(writes), "per_second"),
                ("read", int(sectors_read) * SECTOR_BYTES, "bytes_per_second"),
                ("written", int(sectors_written) * SECTOR_BYTES, "bytes_per_second"),
            ):
                yield "disk", name, metric, self._rate("disk", name, metric, total, elapsed_s), unit

    def _network(self, elapsed_s: float) -> Iterator[tuple]:
        for line in self._lines("net/dev"):
            name, colon, rest = line.strip().partition(":")
            if not colon:
                continue
            columns = [int(column) for column in rest.split()]
            for metric, total, unit in (
                ("received", columns[0], "bytes_per_second"),
                ("packets_received", columns[1], "per_second"),
                ("sent", columns[8], "bytes_per_second"),
                ("packets_sent", columns[9], "per_second"),
            ):
                yield "network", name, metric, self._rate("network", name, metric, total, elapsed_s), unit

    def _lines(self, name: str) -> list[str]:
        try:
            return (self._proc / name).read_text().splitlines()
        except OSError:
            # A container may hide a file; what is left is still worth sampling.
            return []
