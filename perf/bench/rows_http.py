# SPDX-License-Identifier: Apache-2.0
"""Rows about HTTP and bulk TCP."""
import subprocess
import sys

from .bench import Task
from .machine import SERVER_CORE
from .peers import Iperf, Nginx
from .sluice import Sluice
from .stats import Sample

REQUESTS = "sluice_http_requests_total"
TEXT = 'sluice_tcp_text_bytes_total{direction="%s"'
BULK = 10_000_000


def site(bench):
    """A folder with the files that are asked for."""
    www = bench.folder / "www"
    if not www.exists():
        www.mkdir()
        (www / "1k.bin").write_bytes(bytes(range(256)) * 4)
        (www / "100k.bin").write_bytes(bytes(range(256)) * 400)
        (www / "bulk.bin").write_bytes(bytes(range(250)) * (BULK // 250))
    return www


def service(www, more=""):
    return f"http: [ {{ listen: [198.18.0.1:80], sites: [ {{ names: [www.example.test], root: {www} }} ]{more} }} ]\nip: {{ forward: false }}"


def with_ceiling(case):
    """The generator's own ceiling, measured in the same runs, as the case's limit."""
    for e in list(case.entries):
        if e.kind == "sluice" and e.samples:
            limit = case.entry("sluice-load's ceiling", "limit")
            limit.samples = [Sample(s.more["generator_ceiling"]) for s in e.samples if s.more.get("generator_ceiling")]
    return case


def http(bench):
    """GET requests: keep-alive with 1 KiB and 100 KiB, and a connection for each request."""
    www = site(bench)
    ours, peer = Sluice("http", service(www), item=REQUESTS), Nginx(www)
    what = [("HTTP keep-alive, 1 KiB, 64 connections", "/1k.bin", 64, False),
            ("HTTP keep-alive, 100 KiB, 16 connections", "/100k.bin", 16, False),
            ("HTTP connect, GET 1 KiB, close, 64 connections", "/1k.bin", 64, True)]

    def tasks():
        for name, path, connections, close in what:
            words = ["--connections", connections, "--requests", 1 if close else 0, "--sources", 32 if close else 1,
                     "--body", www / path[1:]]
            yield Task(name, "requests/s", {
                ours: lambda w=words, p=path: ours.load("http", w, bench.seconds, bench.warmup, target=f"http://198.18.0.1{p}"),
                peer: lambda p=path, c=connections, x=close: peer.http(p, bench.seconds, c, x)})
    return [with_ceiling(c) for c in bench.compete([ours, peer], list(tasks()))]


class MemCopy:
    """memcpy of the same octets on the server's core: nobody delivers them faster who copies them once."""
    kind, name = "limit", "memcpy"
    configuration = f"memcpy of {BULK:,} octets again and again, by the C library, on the server's core"

    def start(self, folder):
        pass

    pause = resume = stop = lambda self: None

    def copy(self, seconds):
        code = ("import ctypes, os, sys, time\n"
                f"os.sched_setaffinity(0, {{{SERVER_CORE}}})\n"
                f"n = {BULK}; a, b = ctypes.create_string_buffer(n), ctypes.create_string_buffer(n)\n"
                "ctypes.memmove(b, a, n); rounds = 0; start = time.monotonic()\n"
                f"while time.monotonic() - start < {seconds}: ctypes.memmove(b, a, n); rounds += 1\n"
                "print(rounds * n * 8 / (time.monotonic() - start))\n")
        return Sample(float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout))


def bulk(bench):
    """TCP's content, MTU 1500, in bits a second; in: as the content of POST requests, which the site refuses once it has it."""
    www = site(bench)
    ours = Sluice("bulk", service(www, ", body_max: 1G"), item=None)
    limit, peer = MemCopy(), Iperf()
    copies = {limit: lambda: limit.copy(bench.seconds)}

    def out():
        return ours.load("http", ["--connections", 4, "--body", www / "bulk.bin", "--timeout", "60s"], bench.seconds, bench.warmup,
                         target="http://198.18.0.1/bulk.bin", value="octets_per_second", scale=8, item=TEXT % "out")

    def into():
        return ours.load("http", ["--connections", 4, "--upload", BULK, "--expect-status", 405, "--timeout", "60s"], bench.seconds,
                         bench.warmup, target="http://198.18.0.1/1k.bin", value="sent_octets_per_second", scale=8, item=TEXT % "in")
    return bench.compete([ours, limit, peer], [
        Task("bulk TCP to the client", "bit/s", {ours: out, peer: lambda: peer.bulk(True, bench.seconds)} | copies),
        Task("bulk TCP from the client", "bit/s", {ours: into, peer: lambda: peer.bulk(False, bench.seconds)} | copies)])


def http_tap(bench):
    """The same requests over interfaces that the kernel carries: what somebody sees who tries sluice without a NIC."""
    from .tap import TapSluice
    www = site(bench)
    ours, peer = [TapSluice(d, www) for d in ("tap", "af_packet")], Nginx(www, "nginx-tap")
    what = [("HTTP over kernel interfaces, keep-alive, 1 KiB", "/1k.bin", 64, False),
            ("HTTP over kernel interfaces, connect, GET 1 KiB, close", "/1k.bin", 64, True),
            ("HTTP over kernel interfaces, keep-alive, 100 KiB", "/100k.bin", 16, False)]
    tasks = [Task(name, "requests/s", {s: lambda s=s, p=path, c=connections, x=close: s.http(p, bench.seconds, c, x)
                                       for s in (*ours, peer)})
             for name, path, connections, close in what]
    return bench.compete([*ours, peer], tasks)
