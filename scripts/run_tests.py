#!/usr/bin/env python3
"""Runs the suites that scripts/test.sh built, shows progress, and closes with `N passed, M failed`; what was skipped is
named before, with its reason.

    run_tests.py all|unit|python|asan|tsan
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
SECONDS_PER_BINARY_MAX = 900
SECONDS_PER_TEST_MAX = 300
# All of pytest: a thread that a test left behind would hold its end up for ever.
SECONDS_PER_PYTEST_MAX = 3600
LONG_TIMES = 6
# How much longer a sanitized binary may take for what it does, unless the environment says otherwise.
SANITIZED_TIMEOUT_FACTOR = 5
# Most of a test is waiting for processes: two workers take a file each. Measurements and sanitized processes have the
# machine to themselves.
AT_ONCE = ["-n", "2", "--dist", "loadfile"]
# How often scripts/test.sh long ends a leader, or all.
LONG_ROUNDS = 50
# Not ignore_noninstrumented_modules: on Linux it takes every module for one, and memcpy is never seen.
TSAN_OPTIONS = f"halt_on_error=1:suppressions={ROOT}/tests/tsan.supp"


def sanitizer_environment(reports):
    """A process stops at its first report, which goes to a file: that fails the test even if the end does not."""
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir(parents=True)
    to_file = f"log_path={reports}/report:log_exe_name=1"
    return {
        "ASAN_OPTIONS": f"detect_leaks=1:halt_on_error=1:abort_on_error=1:{to_file}",
        "UBSAN_OPTIONS": f"print_stacktrace=1:halt_on_error=1:{to_file}",
        "TSAN_OPTIONS": f"{TSAN_OPTIONS}:{to_file}",
        "LSAN_OPTIONS": f"suppressions={ROOT}/tests/lsan.supp:print_suppressions=0",
        "WEIR_SANITIZER_REPORTS": str(reports),
        "WEIR_TEST_TIMEOUT_FACTOR": os.environ.get("WEIR_TEST_TIMEOUT_FACTOR",
                                                   str(SANITIZED_TIMEOUT_FACTOR)),
    }


def timeout_factor(environment):
    return float(environment.get("WEIR_TEST_TIMEOUT_FACTOR", "1"))


class Tally:
    def __init__(self):
        self.passed, self.failed, self.failures = 0, 0, []
        # "name: reason"
        self.skipped = []

    def add(self, passed, failed, names):
        self.passed += passed
        self.failed += failed
        self.failures += names

    def close(self):
        for skipped in self.skipped:
            print(f"skipped: {skipped}")
        for name in self.failures:
            print(f"failed: {name}")
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed or not self.passed else 0


def run_command(tally, name, command):
    """A command that passes or fails as one test."""
    begin = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True)
    ok = done.returncode == 0
    print(f"{'ok  ' if ok else 'FAIL'} {name} ({time.monotonic() - begin:.1f} s)", flush=True)
    if not ok:
        print(done.stdout[-4000:], done.stderr[-4000:], flush=True)
    tally.add(int(ok), int(not ok), [] if ok else [name])


def run_gtest(tally, binary, environment):
    """One gtest binary; a crash counts as one failed test."""
    begin = time.monotonic()
    try:
        done = subprocess.run([binary, "--gtest_brief=1"], cwd=ROOT, text=True, env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=SECONDS_PER_BINARY_MAX * timeout_factor(environment))
        output, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        output, code = (late.stdout or b"").decode(errors="replace"), "timeout"
    passed = sum(map(int, re.findall(r"\[  PASSED  \] (\d+) test", output)))
    names = re.findall(r"\[  FAILED  \] (\S+\.\S+)(?:, where.*)? \(\d+ ms\)", output)
    if code != 0 and not names:
        names = [f"{binary.name} ended with {code}"]
    print(f"{'FAIL' if names else 'ok  '} {binary.name}: {passed} passed, {len(names)} failed "
          f"({time.monotonic() - begin:.1f} s)", flush=True)
    if names:
        for failure in re.findall(r"^.*: Failure\n(?:.*\n){1,6}", output, re.MULTILINE)[:10]:
            print(failure)
        print(output[-8000:], flush=True)
    # The brief output names the place and the reason, not the test.
    tally.skipped += [f"{binary.name}: {place}: {reason}" for place, reason in
                      sorted(set(re.findall(r"^(.+:\d+): Skipped\n(.*)$", output, re.MULTILINE)))]
    tally.add(passed, len(names), names)


def run_pytest(tally, folders, environment):
    """pytest shows each test as it ends; its report file gives the counts."""
    report = ROOT / "build" / "pytest-report.xml"
    report.unlink(missing_ok=True)
    command = [ROOT / "build/venv/bin/pytest", "-v", "--no-header", "--color=no", "-rf",
               f"--timeout={SECONDS_PER_TEST_MAX * timeout_factor(environment)}",
               f"--junitxml={report}", *folders]
    seconds_max = SECONDS_PER_PYTEST_MAX * timeout_factor(environment) * (LONG_TIMES if "long" in folders else 1)
    try:
        code = subprocess.run(command, cwd=ROOT, env=environment, timeout=seconds_max).returncode
    except subprocess.TimeoutExpired:
        code = "timeout"
        tally.add(0, 1, ["pytest did not end"])
    if not report.exists():
        tally.add(0, 1, [f"pytest ended with {code}"])
        return
    for suite in xml.etree.ElementTree.parse(report).getroot().iter("testsuite"):
        total, skipped = int(suite.get("tests")), int(suite.get("skipped"))
        broken = int(suite.get("failures")) + int(suite.get("errors"))
        names = [f"{case.get('classname')}::{case.get('name')}" for case in suite.iter("testcase")
                 if case.find("failure") is not None or case.find("error") is not None]
        tally.skipped += [f"{case.get('classname')}::{case.get('name')}: {case.find('skipped').get('message')}"
                          for case in suite.iter("testcase") if case.find("skipped") is not None]
        tally.add(total - skipped - broken, broken, names)


def check_tsan_finds_races(tally, build):
    """ThreadSanitizer as it is used here reports the races that race_control makes, and only races."""
    for where in ("memory", "copy", "c11", "grpc"):
        for order in ([], ["ordered"]):
            done = subprocess.run([build / "bin/race_control", where, *order], text=True,
                                  capture_output=True, env=dict(os.environ, TSAN_OPTIONS=TSAN_OPTIONS))
            found = "ThreadSanitizer: data race" in done.stderr
            ok = not found and done.returncode == 0 if order else found
            name = " ".join(["race_control", where, *order])
            print(f"{'ok  ' if ok else 'FAIL'} {name}", flush=True)
            if not ok:
                print(done.stderr[-4000:], flush=True)
            tally.add(int(ok), int(not ok), [] if ok else [name])


def check_reports(tally, reports):
    """No report may be left, whichever process made it and whenever."""
    found = sorted(reports.iterdir())
    for path in found:
        print(f"== {path.name}\n{path.read_text(errors='replace')[:8000]}", flush=True)
    tally.add(int(not found), len(found), [f"sanitizer report {path.name}" for path in found])


def main():
    suite = sys.argv[1]
    build = ROOT / "build" if suite in ("all", "unit", "python", "long") else ROOT / "build" / suite
    environment = dict(os.environ, WEIR_BUILD_DIR=str(build))
    if suite in ("asan", "tsan"):
        environment.update(sanitizer_environment(build / "reports"))
    tally = Tally()
    if suite in ("all", "unit"):
        print("== tidy", flush=True)
        run_command(tally, "tidy", [sys.executable, "scripts/tidy.py"])
        run_command(tally, "format", ["scripts/format.sh", "--check"])
    if suite == "tsan":
        print("== races made on purpose", flush=True)
        check_tsan_finds_races(tally, build)
    if suite not in ("python", "long"):
        print("== unit tests and simulation", flush=True)
        for binary in sorted((build / "bin").glob("test*_*")):
            run_gtest(tally, binary, environment)
    if suite != "unit":
        print("== real processes and clients", flush=True)
        folders = ["tests/integration"]
        if suite not in ("asan", "tsan"):
            folders += ["tests/chaos", "tests/compat"]
        else:
            folders += ["tests/compat", "--quick"]
        folders += ["-m", "long", f"--rounds={LONG_ROUNDS}"] if suite == "long" else ["-m", "not long"]
        if suite in ("all", "python"):
            folders += AT_ONCE
        run_pytest(tally, folders, environment)
    if suite in ("asan", "tsan"):
        check_reports(tally, build / "reports")
    return tally.close()


if __name__ == "__main__":
    sys.exit(main())
