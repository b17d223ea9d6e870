# SPDX-License-Identifier: Apache-2.0
"""Rows about load that is not the best case: floods, latency below the peak, connections held."""
from . import zones
from .bench import Task
from .peers import Nginx, Nsd
from .rows_dns import service as dns_service
from .rows_http import REQUESTS, service, site
from .sluice import Sluice
from .stats import BenchError, Sample
from .veth import CLIENT

FLOODED = "10.0.0.0/8"  # where the flood pretends to come from; its answers go to the generator


class FloodedNginx(Nginx):
    def start(self, folder):
        super().start(folder)
        # Without a way back Linux would not answer the flood at all.
        self.network.server().ip("route", "add", FLOODED, "via", CLIENT)


def flood(bench):
    """Honest connections (connect, GET, close) a second beside a flood of SYNs from random sources."""
    www = site(bench)
    seconds, warmup = max(bench.seconds, 2), max(bench.warmup, 1)  # a lost SYN is sent again after a second
    ours = Sluice("flood", f"routes: [ {{ to: {FLOODED}, via: 198.18.0.2 }} ]\ntcp: {{ time_wait: 1s }}\n{service(www)}", item=REQUESTS,
                  one_address=True)
    ours.configuration += "; tcp.time_wait 1s, because all loads call from the address that the flood's answers go to"
    peer = FloodedNginx(www, "nginx-flood", whole_packets=True)
    peer.configuration += "; client: sluice-load over af_packet"
    url, honest = "http://198.18.0.1/1k.bin", ["--connections", 64, "--requests", 1, "--body", www / "1k.bin", "--timeout", "3s"]

    def run(c, rate, more):
        def measure():
            if rate == 0:
                return c.load("http", [*honest, *more], seconds, warmup, target=url)
            return c.load("syn", [*honest, *more, "--flood-rate", int(rate), "--flood-sources", FLOODED], seconds, warmup, target=url)
        return measure
    tasks = [Task(f"SYN flood of {rate / 1e6:g} M/s, honest connections", "connections/s",
                  {ours: run(ours, rate, ["--sources", 32]), peer: run(peer, rate, ["--sources", 32])})
             for rate in ((0, 1_000_000) if bench.quick else (0, 500_000, 1_000_000, 2_000_000))]
    return bench.compete([ours, peer], tasks, rounds=1 if bench.quick else None)


SHARES = (0.1, 0.5, 0.9)


def latency(bench):
    """p99 of answers at a steady rate, an open loop, as shares of each server's own closed-loop peak with the same client."""
    www = site(bench)
    names = 10_000
    zone, queries = zones.write_zone(bench.folder, names), zones.write_queries(bench.folder, names)
    kinds = [
        ("DNS", Sluice("latency-dns", dns_service(zone)), Nsd(zone, names, whole_packets=True), "dns",
         ["--server", "198.18.0.1", "--queries", queries], ["--outstanding", 256], None),
        ("HTTP 1 KiB", Sluice("latency-http", service(www)), Nginx(www, "nginx-latency", whole_packets=True), "http",
         ["--connections", 64, "--body", www / "1k.bin"], [], "http://198.18.0.1/1k.bin")]
    cases = []
    for kind, ours, peer, mode, how, closed, target in kinds:
        peer.configuration += "; client: sluice-load over af_packet"
        peaks = {}

        def run(c, share, mode=mode, how=how, closed=closed, target=target, peaks=peaks):
            def measure():
                if c not in peaks:
                    peaks[c] = c.load(mode, [*how, *closed], bench.seconds, bench.warmup, target=target).value
                rate = max(1, int(peaks[c] * share))
                sample = c.load(mode, [*how, "--rate", rate], bench.seconds, bench.warmup, target=target, value="p99", scale=1e-3)
                sample.more["rate"] = rate
                return sample
            return measure
        tasks = [Task(f"{kind}: p99 at {share:.0%} of the peak", "us", {c: run(c, share) for c in (ours, peer)}, "less")
                 for share in ((0.5,) if bench.quick else SHARES)]
        cases += bench.compete([ours, peer], tasks)
    return cases


def resident(pid):
    """Octets of memory that a process has, hugepages included."""
    octets = 0
    for line in open(f"/proc/{pid}/status"):
        if line.startswith(("VmRSS:", "HugetlbPages:")):
            octets += int(line.split()[1]) * 1024
    return octets


def available():
    return next(int(line.split()[1]) * 1024 for line in open("/proc/meminfo") if line.startswith("MemAvailable:"))


def memory(bench):
    """Octets for each idle connection: what the process has while it holds them, less what it has when made for 64."""
    held = 100_000 if bench.quick else 1_000_000
    by_linux = min(held, 50_000)  # beyond that, veth and one core lose SYNs, and what counts is octets for each
    www = site(bench)

    def hold(connections):
        return ["--hold", "--connections", connections, "--sources", -(-connections // 30_000)]
    url = "http://198.18.0.1/1k.bin"

    class Holder(Sluice):
        name = "sluice"

        def start(self, folder):
            super().start(folder)
            self.base = None

        def per_connection(self):
            sample = self.load("http", hold(held), bench.seconds, 0, target=url, value="connections_held")
            if sample.value < held:
                raise BenchError(f"only {sample.value:,.0f} of {held:,} connections stood")
            all_told = resident(self.program.process.pid)
            small = Sluice("memory-small", service(www) + "\ntcp: { connections: 64, half_open: 64, time_waits: 64 }")
            try:
                small.start(bench.folder)
                base = resident(small.program.process.pid)
            finally:
                small.stop()
            return Sample((all_told - base) / held, sample.errors, {"connections_held": sample.value, "all_told_bytes": all_told})

    class LinuxHolder(Nginx):
        def per_connection(self):
            self.network.client().run(["true"])
            before = available()
            lowest = before
            import threading
            done = threading.Event()

            def watch():
                nonlocal lowest
                while not done.wait(0.2):
                    lowest = min(lowest, available())
            watcher = threading.Thread(target=watch)
            watcher.start()
            try:
                sample = self.load("http", hold(by_linux), bench.seconds, 0, target=url, value="connections_held")
            finally:
                done.set()
                watcher.join()
            if sample.value < by_linux:
                raise BenchError(f"only {sample.value:,.0f} of {by_linux:,} connections stood")
            return Sample((before - lowest - sample.more["generator_octets"]) / by_linux, sample.errors, {"connections_held": sample.value})
    ours = Holder("memory", service(www, ", idle_timeout: 1h, head_timeout: 10m") +
                  f"\ntcp: {{ connections: {held + 1000}, half_open: 65536 }}")
    peer = LinuxHolder(www, "nginx-memory", connections=by_linux + 1000, whole_packets=True)
    peer.configuration += f"; {by_linux:,} connections; the machine's MemAvailable before and while sluice-load holds the connections, less what sluice-load had itself"
    case = f"memory of an idle connection, {held:,} held by sluice, {by_linux:,} by Linux"
    return bench.compete([ours, peer], [Task(case, "bytes", {c: c.per_connection for c in (ours, peer)}, "less")], rounds=1)
