# SPDX-License-Identifier: Apache-2.0
"""sluice over a tap or a veth, with the same client as its peers: kernel interfaces carry every packet."""
import os
import signal

from .machine import ROOT, SERVER_CORE
from .peers import Peer
from .veth import Lab

CONFIG = """\
workers: {{ cores: [{core}], mode: latency }}
ports:
  - {{ name: lan, device: {{ {device}: sluice-lan }}, addresses: [198.18.0.1/24] }}
http:
  - {{ listen: [198.18.0.1:80], sites: [ {{ names: [www.example.test], root: {www} }} ] }}
"""


class TapSluice(Peer):
    kind = "sluice"

    def __init__(self, device, www):
        self.name, self.device, self.www = f"sluice over {device}", device, www
        self.configuration = f"sluice: one worker in mode latency, {device}, all options at their defaults; client: wrk, one thread"

    def start(self, folder):
        config = folder / f"{self.device}.yaml"
        config.write_text(CONFIG.format(core=SERVER_CORE, device=self.device, www=self.www))
        self.lab = Lab(f"slperf-{self.device}", {"lan": "198.18.0.2/24"}, device=self.device)
        self.lab.__enter__()
        self.process = None
        self.network = self
        self.lab.start(ROOT / "build/app/sluice", config)

    def client(self, words, read, timeout=120):
        from .machine import CLIENT_CORE
        done = self.lab.host("lan").run(["taskset", "-c", CLIENT_CORE, *words], timeout=timeout, check=True)
        return read(done.stdout + done.stderr)

    def http(self, path, seconds, connections, close=False):
        from .peers import Nginx
        return Nginx.http(self, path, seconds, connections, close)

    def pause(self):
        os.kill(self.lab.process.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.lab.process.pid, signal.SIGCONT)

    def stop(self):
        lab, self.lab = getattr(self, "lab", None), None
        if lab:
            lab.__exit__()
