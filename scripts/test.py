# SPDX-License-Identifier: Apache-2.0
"""Builds, runs every test and counts: the program behind scripts/test. Each test case counts once per build it runs in."""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLANG = {"CC": "clang-19", "CXX": "clang++-19"}
BUILDS = {
    # folder: (options, compiler)
    "build": (["--buildtype=release"], {}),
    # Line tables are all that a sanitizer's report needs; what a debugger wants doubles the objects.
    "build-asan": (["--buildtype=plain", "-Doptimization=1", "-Dcpp_args=-gline-tables-only", "-Db_sanitize=address,undefined",
                    "-Db_lundef=false", "-Dfuzz=true"], CLANG),
}
SANITIZERS = {
    # DPDK's and the libraries' memory lives until exit: leaks of ours are counted by the tests themselves (mbufs, chunks).
    "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
}


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []

    def add(self, passed, name):
        self.passed += passed
        self.failed += not passed
        if not passed:
            self.failures.append(name)

    def junit(self, path, prefix):
        """Counts the cases of a JUnit file; returns how many there were."""
        if not path.exists():
            return 0
        cases = list(xml.parse(path).getroot().iter("testcase"))
        for case in cases:
            if case.find("skipped") is not None:
                self.skipped += 1
                continue
            bad = case.find("failure") is not None or case.find("error") is not None
            self.add(not bad, f"{prefix}: {case.get('classname', '')}.{case.get('name')}")
        return len(cases)


def run(words, **more):
    print("+", " ".join(map(str, words)), flush=True)
    return subprocess.run([str(w) for w in words], cwd=ROOT, **more).returncode


def start_build(folder, tally, aside=False):
    """Returns ninja, at work, and when it began; None (counted) when the folder cannot be configured. `aside`: it takes only
    what other processes leave."""
    options, compiler = BUILDS[folder]
    configure = ["meson", "setup", folder, "-Dwerror=true", *options]
    if (ROOT / folder / "build.ninja").exists():
        configure.append("--reconfigure")
    quiet = {"stdout": subprocess.DEVNULL}
    if run(configure, env={**os.environ, **compiler}, **quiet) != 0:
        # A folder an interrupted run left half made is made anew.
        if run(["meson", "setup", "--wipe", *configure[2:]], env={**os.environ, **compiler}) != 0:
            tally.add(False, f"{folder}: meson setup")
            return None
    words = [*(["nice", "-n", "19"] if aside else []), "ninja", "-C", folder, "--quiet"]
    print("+", *words, *(["&"] if aside else []), flush=True)
    return subprocess.Popen(words, cwd=ROOT), time.monotonic()


def built(folder, begun, tally):
    """Waits for what start_build() began. True: all of it is there."""
    if begun is None:
        return False
    ninja, started = begun
    fine = ninja.wait() == 0
    print(f"  {folder}: built within {time.monotonic() - started:.0f} s", flush=True)
    tally.add(fine, f"{folder}: build without a warning")
    return fine


def unit(folder, tally):
    log = ROOT / folder / "meson-logs/testlog.junit.xml"
    log.unlink(missing_ok=True)
    code = run(["meson", "test", "-C", folder, "--no-rebuild", "--print-errorlogs", "--timeout-multiplier", "4"],
               env={**os.environ, **SANITIZERS})
    count = tally.junit(log, folder)
    if count == 0 or (code != 0 and not tally.failures):
        tally.add(False, f"{folder}: meson test exited with {code} after {count} cases")


def fuzz(seconds, tally):
    done = subprocess.run(["scripts/fuzz", str(seconds), "build-asan"], cwd=ROOT, text=True, capture_output=True,
                          env={**os.environ, **SANITIZERS})
    print(done.stdout, done.stderr, flush=True)
    lines = re.findall(r"^(ok  |FAIL) (\S+)", done.stdout, re.M)
    for verdict, target in lines:
        tally.add(verdict == "ok  ", f"fuzz: {target}")
    if not lines:
        tally.add(False, "fuzz: no target ran")


def system(folder, extra, tally):
    log = ROOT / folder / "system.junit.xml"
    log.unlink(missing_ok=True)
    code = run(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml", log, *extra, "tests/system"],
               env={**os.environ, **SANITIZERS, "SLUICE_BUILD": str(ROOT / folder)})
    count = tally.junit(log, f"system on {folder}")
    if count == 0 or code not in (0, 1):
        tally.add(False, f"system on {folder}: pytest exited with {code} after {count} cases")


def main():
    parser = argparse.ArgumentParser(prog="scripts/test", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="release build and unit tests only")
    parser.add_argument("--fuzz-seconds", type=int, default=8, help="per target (default 8)")
    options = parser.parse_args()
    tally = Tally()
    started = time.monotonic()
    release = built("build", start_build("build", tally), tally)
    if release:
        unit("build", tally)
    if not options.quick:
        # System tests wait for clients and timers most of their time: the other build fits in between.
        sanitized = start_build("build-asan", tally, aside=True)
        try:
            if release:
                system("build", [], tally)
        except BaseException:
            if sanitized is not None:
                sanitized[0].terminate()
            raise
        if built("build-asan", sanitized, tally):
            unit("build-asan", tally)
            fuzz(options.fuzz_seconds, tally)
            system("build-asan", ["-m", "not release_only"], tally)
    for failure in tally.failures:
        print("FAILED", failure)
    print(f"took {time.monotonic() - started:.0f} s")
    print(f"{tally.passed} passed, {tally.failed} failed" + (f", {tally.skipped} skipped" if tally.skipped else ""))
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
