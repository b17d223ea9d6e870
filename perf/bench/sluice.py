# SPDX-License-Identifier: Apache-2.0
"""The appliance as a contestant: one worker in mode latency on the server's core, its ports on the pair. Beside the rate that a
client saw stands the one that follows from the worker's busy time, for where the generator is the limit."""
import socket
import time
import urllib.error
import urllib.request

from . import load
from .machine import CLIENT_CORE, ROOT, SERVER_CORE
from .pair import QUEUE, VHOST, wait_for_socket
from .programs import Program
from .stats import BenchError
from .testpmd import Testpmd

PORTS = {4: {"lan": "198.18.0.1/16", "wan": "198.19.0.1/16"}, 6: {"lan": "2001:2::1/64", "wan": "2001:2:0:1::1/64"}}
BUSY = 'sluice_worker_seconds_total{state="busy"'


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def parse_metrics(text):
    return [(name, float(value)) for name, value in
            (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))]


def total(metrics, prefix):
    """The sum of all series whose name begins so; None when there is none."""
    values = [v for name, v in metrics if name.startswith(prefix)]
    return sum(values) if values else None


class Sluice:
    kind = "sluice"

    def __init__(self, tag, services="", ports=("lan",), memory="", name="sluice", item=None, one_address=False,
                 family=4):
        """`services`: YAML lines below the ports. `item`: the metric that counts what the case counts. `one_address`: loads
        always call from 198.18.0.2 on, for a configuration that names it."""
        self.tag, self.services, self.ports, self.memory, self.name, self.item = tag, services, ports, memory, name, item
        self.one_address, self.family, self.loads = one_address, family, 0
        self.configuration = (f"sluice: one worker on its core, mode latency, virtio_user with {QUEUE} descriptors, hugepages, "
                              "all other options at their defaults" + (f" but memory: {{{memory}}}" if memory else ""))

    def start(self, folder):
        self.folder = folder
        self.sockets = [folder / f"{self.tag}-{p}.sock" for p in self.ports]
        self.metrics_port = free_port()
        config = folder / f"{self.tag}.yaml"
        ports = "\n".join(
            f"  - {{ name: {p}, device: {{ virtio_user: {s}, args: \"server=1,queue_size={QUEUE}\" }}, addresses: [\"{PORTS[self.family][p]}\"] }}"
            for p, s in zip(self.ports, self.sockets))
        config.write_text(f"workers: {{ cores: [{SERVER_CORE}], mode: latency }}\n"
                          f"memory: {{ hugepages: on{', ' + self.memory if self.memory else ''} }}\n"
                          f"ports:\n{ports}\n{self.services}\nmetrics: {{ listen: 127.0.0.1:{self.metrics_port} }}\n")
        self.program = Program([ROOT / "build/app/sluice", "--config", config], folder / f"{self.tag}.log")
        self._connect_once()

    def _connect_once(self):
        """A port that serves its socket is ready when somebody has connected; the loads to come connect anew."""
        for s in self.sockets[:1]:
            wait_for_socket(self.program, s)
        devices = []
        first = None
        try:
            for i, s in enumerate(self.sockets):
                wait_for_socket(self.program, s)
                devices.append(Testpmd(self.folder / f"{self.tag}-first{i}.log", CLIENT_CORE, [f"net_vhost{i},iface={s},{VHOST},tso=1"], "rxonly"))
            self.program.wait_until(self._ready, "ready", 180)
        finally:
            for first in devices:
                first.end()

    def _ready(self):
        return any(line.split(":")[-1].strip() == "ready" for line in self.program.text().splitlines())

    def stop(self):
        program, self.program = getattr(self, "program", None), None
        if program:
            program.end()
        for s in getattr(self, "sockets", []):
            s.unlink(missing_ok=True)

    def pause(self):
        self.program.pause()

    def resume(self):
        self.program.resume()

    def metrics(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10) as answer:
                return parse_metrics(answer.read().decode())
        except (OSError, urllib.error.URLError) as error:
            raise BenchError(f"sluice's metrics are not to be had: {error}\n    {self.program.tail()}") from error

    def load(self, mode, how, seconds, warmup, target=None, value="per_second", scale=1.0, gateways=False, item=None):
        """Runs sluice-load against it, each time from other addresses: the server remembers the last ones' connections in
        TIME-WAIT, and to a generator that begins with the same ports its memory would look like a failure."""
        place = 0 if self.one_address else 1 + self.loads % 200
        if self.family == 4:
            addresses = [f"198.18.{place}.2/16", "198.19.0.2/16"]
        else:
            addresses = [f"2001:2::{place + 1:x}:2/64", "2001:2:0:1::2/64"]
        ours = [PORTS[self.family][p].split("/")[0] for p in self.ports] if gateways else []
        self.loads += 1
        devices = [f"vhost_user:{s} client=1" for s in self.sockets]
        told = self.folder / f"{self.tag}.json"
        told.unlink(missing_ok=True)
        before = self.metrics()
        generator = Program(load.words(mode, how, devices, target, seconds, warmup, told, addresses, ours),
                            self.folder / f"{self.tag}-load.log")
        try:
            code = generator.wait(seconds + warmup + 60)
        finally:
            generator.end()
        if not told.exists():
            raise BenchError(f"sluice-load ended with {code}:\n    {generator.tail()}")
        sample = load.sample(told.read_text(), value, scale)
        self._derive(sample, before, self.metrics(), scale if value != "per_second" else 1.0, item or self.item)
        if not self.program.running():
            raise BenchError(f"sluice ended:\n    {self.program.tail()}")
        return sample

    def _derive(self, sample, before, after, scale, item):
        """From the time of turns that found work, and what they worked on, warm-up included."""
        busy = [total(m, BUSY) for m in (before, after)]
        items = [total(m, item) if item else None for m in (before, after)]
        if None in busy or None in items or items[1] <= items[0] or busy[1] <= busy[0]:
            return
        each = (busy[1] - busy[0]) / (items[1] - items[0])
        sample.more.update(busy_ns=each * 1e9, full_core=scale / each)
