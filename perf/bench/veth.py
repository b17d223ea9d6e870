# SPDX-License-Identifier: Apache-2.0
"""Two lab hosts joined by a veth with all its offloads: where the kernel's own servers are measured. The server's side of the
kernel (its NAPI thread) is pinned to the server's core and the client's to the client's: otherwise the receive path of each
would run on the other's core, and no figure would be per core."""
import os
import pathlib
import subprocess
import sys

from .machine import CLIENT_CORE, ROOT, SERVER_CORE
from .stats import BenchError

sys.path.insert(0, str(ROOT / "scripts"))
from lab import Lab, LabError  # noqa: E402

ADDRESS, CLIENT, LENGTH = "198.18.0.1", "198.18.0.2", 24
TUNING = "veth with all offloads, GRO, threaded NAPI pinned to each side's core"


class Network:
    """With more than one host the server is a router between them. The hosts' default route leads to the server.
    `whole_packets`: the server's side leaves no checksum and no segment to a device, for sluice-load as the client."""

    def __init__(self, name, hosts=None, whole_packets=False):
        self.hosts, self.whole_packets = hosts or {"lan": f"{CLIENT}/{LENGTH}"}, whole_packets
        self.lab = Lab(f"slperf-{name}", self.hosts, device="af_packet")

    def start(self):
        self.lab.__enter__()
        try:
            for host, address in self.hosts.items():
                box_port = self.lab.port(host)
                self._tune(self.lab.host(host), "eth0", CLIENT_CORE)
                self._tune(self.lab.box, box_port, SERVER_CORE)
                self.lab.box.ip("addr", "add", address.rsplit(".", 1)[0] + f".1/{address.split('/')[1]}", "dev", box_port)
        except BaseException:
            self.stop()
            raise
        return self

    def _tune(self, host, device, core):
        offloads = "off" if self.whole_packets else "on"
        host.run(["ethtool", "-K", device, "tx", offloads, "tso", offloads, "gso", offloads, "gro", "on"], check=True)
        # A namespace's interfaces are seen in a sysfs mounted there.
        host.run(["sh", "-c", f"mount -t sysfs sysfs /sys 2>/dev/null; echo 1 > /sys/class/net/{device}/threaded"], check=True)
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                name = (process / "comm").read_text().strip()
            except OSError:
                continue
            if name.startswith(f"napi/{device}"[:15]) and not self._pinned(process):
                subprocess.run(["taskset", "-pc", str(core), process.name], capture_output=True, check=False)

    @staticmethod
    def _pinned(process):
        """Threads of other labs were pinned when theirs was made."""
        try:
            return len(os.sched_getaffinity(int(process.name))) == 1
        except OSError:
            return True

    def client(self):
        return self.lab.host("lan")

    def server(self):
        return self.lab.box

    def run_client(self, words, timeout=120):
        done = self.client().run(["taskset", "-c", CLIENT_CORE, *words], timeout=timeout)
        if done.returncode != 0:
            raise BenchError(f"{words[0]} exited with {done.returncode}: {(done.stderr or done.stdout).strip()[-400:]}")
        return done.stdout + done.stderr

    def spawn_server(self, words, log):
        with open(log, "w") as out:
            return self.server().popen(["taskset", "-c", SERVER_CORE, *words], stdout=out, stderr=subprocess.STDOUT)

    def stop(self):
        self.lab.__exit__()


__all__ = ["ADDRESS", "CLIENT", "Network", "LabError", "TUNING"]
