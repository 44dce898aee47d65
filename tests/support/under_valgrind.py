"""Runs the ctest programs of some labels under valgrind's memcheck: under_valgrind.py BUILD JUNIT LABEL...

Two at a time. A program that is not done in time is reported as skipped, not as failed: valgrind is thirty times
slower, and some component tests wait on a clock."""

import json
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TIME_LIMIT_S = 240
FOUND_ERRORS = 99
SKIPPED = 77
# What cannot be run under valgrind, and why. The address sanitizer runs all of them.
LEFT_OUT = {
    "component.registry.test_transport": "a TLS handshake takes ten seconds there, which is past the limits that it tests",
    "component.kafka.test_rebalance": "members lose their session while valgrind thinks, which is another test than it is",
    "unit.monitoring.test_metrics": "counts the open files of its own process, and valgrind has some too",
    "component.registry.test_schema_cache_torture": "fails allocations of threads inside of libcurl; valgrind 3.19 "
                                                    "itself does not always survive that",
}
SUPPRESSIONS = Path(__file__).resolve().parent / "valgrind.supp"
VALGRIND = ["valgrind", "--quiet", "--leak-check=full", "--show-leak-kinds=definite,indirect,possible",
            "--errors-for-leak-kinds=definite,indirect", "--track-fds=no", "--num-callers=25",
            f"--error-exitcode={FOUND_ERRORS}", f"--suppressions={SUPPRESSIONS}"]


def tests_of(build, labels):
    listing = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], check=True,
                             stdout=subprocess.PIPE).stdout
    for test in json.loads(listing)["tests"]:
        properties = {p["name"]: p["value"] for p in test.get("properties", [])}
        if not set(properties.get("LABELS", [])) & set(labels) or "command" not in test:
            continue
        if test["name"] in LEFT_OUT:
            print(f"{test['name']:<50} left out: it {LEFT_OUT[test['name']]}")
        elif Path(test["command"][0]).resolve().is_relative_to(Path(build).resolve()):  # a program of ours
            yield test["name"], test["command"], properties.get("WORKING_DIRECTORY", ".")


def run(test):
    name, command, directory = test
    started = time.monotonic()
    try:
        done = subprocess.run(VALGRIND + command, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=TIME_LIMIT_S, check=False)
        outcome, output = done.returncode, done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired:
        outcome, output = None, ""
    took = time.monotonic() - started
    word = {0: "passed", SKIPPED: "skipped", None: "too slow"}.get(outcome, f"FAILED ({outcome})")
    print(f"{name:<50} {word:>12} {took:7.1f} s", flush=True)
    return name, outcome, output, took


def fine(outcome):
    return outcome in (0, SKIPPED, None)


def report(results, path):
    suite = ElementTree.Element("testsuite", name="valgrind")
    for name, outcome, output, took in results:
        case = ElementTree.SubElement(suite, "testcase", name="valgrind." + name, time=f"{took:.1f}")
        if outcome in (None, SKIPPED):
            ElementTree.SubElement(case, "skipped")
        elif not fine(outcome):
            ElementTree.SubElement(case, "failure", message=f"exit code {outcome}")
            print(f"\n--- {name}\n{output[-6000:]}")
    ElementTree.ElementTree(suite).write(path)


def main(build, junit, labels):
    tests = list(tests_of(build, labels))
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(run, tests))
    # Some wait on a clock that valgrind's slowness, and a neighbour's, can beat: those pass alone. What
    # memcheck finds is found again.
    results = [result if fine(result[1]) else run(test) for test, result in zip(tests, results)]
    report(results, junit)
    return 0 if all(fine(outcome) for _, outcome, _, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
