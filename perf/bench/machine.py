# SPDX-License-Identifier: Apache-2.0
"""The machine as the bench uses it: what it is, its cores, and hugepages, taken for the run and given back."""
import contextlib
import fcntl
import json
import os
import pathlib
import platform
import shutil
import subprocess
import tempfile

from .stats import BenchError

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVER_CORE, CLIENT_CORE = 0, 1
STATE = pathlib.Path("/run/sluice-perf")
PAGES = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB")
PACKAGES = ["dpdk", "nginx-light", "wrk", "nsd", "knot", "dnsperf", "iperf3"]


def first_line(words, **more):
    try:
        return subprocess.run(words, capture_output=True, text=True, **more).stdout.strip().split("\n")[0]
    except OSError:
        return ""


def facts():
    """What has to stand beside every figure."""
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    packages = {p: first_line(["dpkg-query", "-W", "-f=${Version}", p]) for p in PACKAGES}
    dirty = first_line(["git", "status", "--porcelain", "--untracked-files=no"], cwd=ROOT)
    return {
        "commit": first_line(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT) + (" with changes" if dirty else ""),
        "cpu": cpu,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "dpdk": first_line(["pkg-config", "--modversion", "libdpdk"]),
        "peers": {p: v for p, v in packages.items() if v},
    }


def check():
    """Says what a bench needs that is not here."""
    if os.geteuid() != 0:
        raise BenchError("the bench makes network namespaces and takes hugepages: run it as root (sudo)")
    if not {SERVER_CORE, CLIENT_CORE} <= os.sched_getaffinity(0):
        raise BenchError(f"the bench needs processor cores {SERVER_CORE} (server) and {CLIENT_CORE} (client)")
    if not (ROOT / "build/app/sluice").exists():
        raise BenchError("build/app/sluice is not there: build it (meson setup build && ninja -C build), or run scripts/test --quick")


@contextlib.contextmanager
def the_only_run():
    """Two benches at once would measure each other."""
    STATE.mkdir(exist_ok=True)
    with open(STATE / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BenchError("perf/run is running already; wait for its end") from None
        yield


PREFIX = "sluice-perf-"


@contextlib.contextmanager
def folder():
    """A folder for the run, readable by all (nginx's worker is another user); what a killed run left goes first."""
    for left in pathlib.Path(tempfile.gettempdir()).glob(PREFIX + "*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=PREFIX) as path:
        os.chmod(path, 0o755)
        yield pathlib.Path(path)


# What each core did, in ticks: (busy, all).
def core_ticks():
    ticks = {}
    for line in open("/proc/stat"):
        words = line.split()
        if words[0].startswith("cpu") and words[0] != "cpu":
            counts = [int(w) for w in words[1:9]]  # user nice system idle iowait irq softirq steal
            ticks[int(words[0][3:])] = (sum(counts) - counts[3] - counts[4], sum(counts))
    return ticks


def busy_shares(before, after):
    """The share of its time that each core worked between two calls of core_ticks()."""
    return {c: (after[c][0] - before[c][0]) / max(1, after[c][1] - before[c][1]) for c in after}


def _pages(name, value=None):
    path = PAGES / name
    if value is not None:
        path.write_text(str(value))
    return int(path.read_text())


def _give_back(note):
    try:
        before = json.loads(note.read_text())["hugepages"]
        _pages("nr_hugepages", before)
    except (OSError, ValueError, KeyError):
        pass
    note.unlink(missing_ok=True)


@contextlib.contextmanager
def hugepages(megabytes):
    """At least so many megabytes of free hugepages inside; what was added goes afterwards, and after a run that was killed, at
    the beginning of the next one."""
    STATE.mkdir(exist_ok=True)
    note = STATE / "hugepages.json"
    if note.exists():
        _give_back(note)
    if not PAGES.exists():
        raise BenchError("this kernel has no 2 MiB hugepages")
    missing = megabytes // 2 - _pages("free_hugepages")
    if missing <= 0:
        yield
        return
    before = _pages("nr_hugepages")
    note.write_text(json.dumps({"hugepages": before}))
    try:
        if _pages("nr_hugepages", before + missing) < before + missing:
            # Memory is in pieces after a while; the kernel can put them together.
            pathlib.Path("/proc/sys/vm/compact_memory").write_text("1")
            _pages("nr_hugepages", before + missing)
        have = 2 * _pages("free_hugepages")
        if have < megabytes:
            raise BenchError(f"{megabytes} MB of hugepages are wanted, {have} MB could be had: free memory, or restart the machine")
        yield
    finally:
        _give_back(note)
