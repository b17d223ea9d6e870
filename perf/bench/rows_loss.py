# SPDX-License-Identifier: Apache-2.0
"""TCP over a bad line, with each congestion control: one download by a Linux client from sluice, and from Linux through the same
impaired port of sluice (where it then only forwards); and sluice's stack as the client of the same Linux servers. 100 Mbit/s, both
directions alike."""
import pathlib
import subprocess

from . import load
from .bench import Task
from .machine import ROOT
from .stats import BenchError, Sample
from .veth import Lab

LOSSES, ROUND_TRIPS = (0, 0.001, 0.01, 0.03), (1, 20, 100)
CONTROLS = {"reno": 81, "cubic": 80, "bbr": 82}  # and the port where sluice serves with it
RATE = 100_000_000  # bit/s, of the line


def connections(control, loss, round_trip):
    """At once. Where single losses decide, one connection swings by a factor of three from run to run; several tell more, as long as
    together they do not fill the line. BBR fills it alone."""
    if control == "bbr" or loss * round_trip < 0.05:
        return 1
    return 3 if loss * round_trip < 0.15 else 8


CONFIG = """\
workers: {{ cores: [0], mode: balanced }}
ports:
  - {{ name: lan, device: {{ tap: sluice-lan }}, addresses: [198.18.0.1/24] }}
  - {{ name: wan, device: {{ tap: sluice-wan }}, addresses: [198.19.0.1/24], impair: {{ loss: {loss}, delay: {delay}us, rate: {rate}, queue: 1000 }} }}
http:
"""
HTTP = "  - {{ listen: [198.19.0.1:{port}], congestion: {control}, sites: [ {{ names: [www.example.test], root: {www} }} ] }}\n"

NGINX = """\
worker_processes 1; daemon off; pid {folder}/loss-nginx.pid; error_log {folder}/loss-nginx.error;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u;
  scgi_temp_path {folder}/s;
  server {{ listen 198.18.0.2:80; root {www}; }}
}}
"""


class Line:
    """sluice with its bad port, a Linux server on one side and a client on the other."""

    def __init__(self, loss, round_trip):
        self.loss, self.round_trip, self.nginx = loss, round_trip, None

    def start(self, folder, www):
        config, nginx = folder / "loss.yaml", folder / "loss-nginx.conf"
        config.write_text(CONFIG.format(loss=self.loss, delay=self.round_trip * 500, rate=RATE) +
                          "".join(HTTP.format(port=port, control=control, www=www) for control, port in CONTROLS.items()))
        nginx.write_text(NGINX.format(folder=folder, www=www))
        self.lab = Lab("slperf-loss", {"lan": "198.18.0.2/24", "wan": "198.19.0.2/24"}, device="tap")
        self.lab.__enter__()
        self.lab.start(ROOT / "build/app/sluice", config)
        self.nginx = self.lab.host("lan").popen(["nginx", "-c", nginx], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        nginx, self.nginx = self.nginx, None
        if nginx:
            nginx.terminate()
            nginx.wait(10)
        lab, self.lab = getattr(self, "lab", None), None
        if lab:
            lab.__exit__()

    def goodput(self, server, seconds, control):
        """Bits a second of content that arrived within so many seconds by all connections, their opening included."""
        words = ["curl", "-s", "-o", "/dev/null", "--max-time", str(seconds), "-w", "%{size_download} %{time_total} %{http_code}",
                 f"http://{server}/download.bin"]
        clients = [self.lab.host("wan").popen(words, stdout=subprocess.PIPE, text=True) for _ in range(self.connections(control))]
        value, errors = 0, []
        for client in clients:
            told = client.communicate(timeout=seconds + 30)[0].split()
            if len(told) != 3 or told[0] == "0":
                raise BenchError(f"nothing arrived from {server}: curl exited with {client.returncode}")
            value += int(told[0]) * 8 / float(told[1])
            errors += [] if told[2] == "200" else [f"status {told[2]}"]
        return Sample(value, errors)

    def connections(self, control):
        return connections(control, self.loss, self.round_trip)

    def serve_with(self, control):
        """The Linux server's congestion control from now on."""
        host = self.lab.host("lan")
        # By route: a namespace's sysctl takes only what the machine allows to everybody.
        host.ip("route", "replace", "default", "via", "198.18.0.1", "dev", "eth0", "congctl", control)
        host.run(["sysctl", "-qw", "net.ipv4.tcp_no_metrics_save=1"], check=True)

    def goodput_of_ours(self, server, seconds, folder, control):
        """The same with sluice-load as the client, on the kernel's interface in the kernel's place."""
        told = folder / "loss-client.json"
        told.unlink(missing_ok=True)
        how = ["--connections", self.connections(control), "--body", folder / "download/download.bin", "--timeout", f"{round(seconds) + 30}s"]
        words = load.words("http", how, ["af_packet:eth0"], f"http://{server}/download.bin", seconds, 0, told, ["198.19.0.3/24"], ["198.19.0.1"])
        done = self.lab.host("wan").run(words, timeout=seconds + 60)
        if not told.exists():
            raise BenchError(f"sluice-load ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-400:]}")
        return load.sample(told.read_text(), "octets_per_second", 8)


class LossSluice:
    kind, name = "sluice", "sluice"
    configuration = "sluice over tap, all other options at their defaults; client: Linux with its defaults, curl"

    def __init__(self, line, www):
        self.line, self.www = line, www

    def start(self, folder):
        self.folder = folder
        self.line.start(folder, self.www)

    def stop(self):
        self.line.stop()

    pause = resume = lambda self: None

    def measure(self, control, seconds):
        return self.line.goodput(f"198.19.0.1:{CONTROLS[control]}", seconds, control)

    def fetch(self, control, seconds):
        self.line.serve_with(control)
        return self.line.goodput_of_ours("198.18.0.2", seconds, self.folder, control)


class LossLinux:
    kind = "peer"

    def __init__(self, line, control):
        self.line, self.control, self.name = line, control, f"Linux {control}"
        self.configuration = f"nginx on Linux with {control}, through sluice as a router over the same impaired port; client: the same"

    def start(self, folder):
        known = pathlib.Path("/proc/sys/net/ipv4/tcp_available_congestion_control").read_text().split()
        if self.control not in known:
            raise BenchError(f"this kernel has no {self.control}; it has {', '.join(known)}")

    pause = resume = stop = lambda self: None

    def measure(self, seconds):
        self.line.serve_with(self.control)
        self.newest = self.line.goodput("198.18.0.2", seconds, self.control)
        return self.newest

    def again(self):
        """What was measured last: it counts in two cases."""
        return self.newest


def tcp_loss(bench):
    """Goodput over a line with loss and delay, by congestion control: from sluice and from Linux to Linux, from Linux to sluice and to Linux."""
    www = bench.folder / "download"
    www.mkdir(exist_ok=True)
    seconds = max(3, round(bench.seconds * 2))
    (www / "download.bin").write_bytes(bytes(range(250)) * (RATE // 8 * (seconds + 1) // 250))
    cases = []
    for round_trip in ROUND_TRIPS:
        for loss in LOSSES:
            line = Line(loss, round_trip)
            ours, peers = LossSluice(line, www), [LossLinux(line, c) for c in CONTROLS]

            def on_it(control):
                many = connections(control, loss, round_trip)
                return f"{round_trip} ms round trip, {loss:.1%} loss" + (f", {many} connections" if many > 1 else "")

            downloads = [Task(f"download with {p.control}, {on_it(p.control)}", "bit/s",
                              {ours: lambda p=p: ours.measure(p.control, seconds), p: lambda p=p: p.measure(seconds)}) for p in peers]
            fetches = [Task(f"fetch from {p.name}, {on_it(p.control)}", "bit/s", {ours: lambda p=p: ours.fetch(p.control, seconds), p: p.again})
                       for p in peers]
            cases += bench.compete([ours, *peers], [*downloads, *fetches])
    return cases
