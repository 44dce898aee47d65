"""Sums up a run: tally.py RESULTS STAGE=passed|failed... ; the last line is "N passed, N failed".

A stage with JUnit files RESULTS/STAGE*.xml counts by the tests in them, and cmocka programs by the cases that
they print; any other stage counts as one."""

import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

CMOCKA_PASSED = re.compile(r"\[  PASSED  \] (\d+) test\(s\)")
CMOCKA_FAILED = re.compile(r"\[  FAILED  \] +(\w+)$", re.MULTILINE)


def of_case(case):
    """(passed, [names of what failed], skipped) of one test case element"""
    name = ".".join(dict.fromkeys(part for part in (case.get("classname"), case.get("name")) if part))
    output = case.findtext("system-out") or ""
    passed = sum(int(n) for n in CMOCKA_PASSED.findall(output))
    failed = sorted({f"{case.get('name')}: {inner}" for inner in CMOCKA_FAILED.findall(output)})
    if case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
        return 0, [], 1
    if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
        return passed, failed or [name], 0
    return passed or 1, [], 0


def of_file(path):
    passed, failed, skipped = 0, [], 0
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        more = of_case(case)
        passed, failed, skipped = passed + more[0], failed + more[1], skipped + more[2]
    return passed, failed, skipped


def of_stage(results, name, outcome):
    files = sorted(results.glob(f"{name}*.xml"))
    passed, failed, skipped = 0, [], 0
    for path in files:
        try:
            more = of_file(path)
        except ElementTree.ParseError:
            more = (0, [f"{path.name} is not whole"], 0)
        passed, failed, skipped = passed + more[0], failed + more[1], skipped + more[2]
    if outcome == "failed" and not failed:
        failed = [f"stage {name}"]
    if outcome == "passed" and not files:
        passed = 1
    return passed, failed, skipped


def main(results, stages):
    passed, failed, skipped = 0, [], 0
    for stage in stages:
        name, outcome = stage.rsplit("=", 1)
        more = of_stage(Path(results), name, outcome)
        passed, failed, skipped = passed + more[0], failed + more[1], skipped + more[2]
    for name in failed:
        print(f"failed: {name}")
    if skipped:
        print(f"({skipped} skipped)")
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
