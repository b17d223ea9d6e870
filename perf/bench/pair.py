# SPDX-License-Identifier: Apache-2.0
"""The pair: a server's virtio-user port and a generator's vhost-user port joined by shared memory, the data path of a VM's
virtio NIC without the VM and without a kernel. One core each. The server serves the socket, so that it starts once and
generators come and go; while another contestant is measured it is stopped."""
import json
import pathlib
import time
import urllib.request

from .machine import CLIENT_CORE, ROOT, SERVER_CORE
from .programs import Program
from .stats import BenchError, Sample
from .testpmd import Testpmd

ADDRESS = "198.18.0.1"  # the server's
QUEUE = 1024  # descriptors of the virtio queues
VHOST = f"queues=1,client=1"


def wait_for_socket(program, path):
    program.wait_until(pathlib.Path(path).is_socket, "serving its socket", 60)


class PairLimit:
    """testpmd as the server: macswap touches the MAC addresses of each packet and sends it back."""
    kind = "limit"

    def __init__(self, mode="macswap"):
        self.name = f"testpmd {mode}"
        self.mode = mode
        self.configuration = f"dpdk-testpmd --forward-mode={mode}, one core, virtio_user with {QUEUE} descriptors"

    def start(self, folder):
        self.folder = folder
        self.socket = folder / f"{self.mode}.sock"
        self.testpmd = Testpmd(folder / f"{self.mode}.log", SERVER_CORE,
                               [f"net_virtio_user0,path={self.socket},queues=1,queue_size={QUEUE},server=1"], self.mode,
                               eal=["--single-file-segments"])
        wait_for_socket(self.testpmd.program, self.socket)
        self.started = False

    def stop(self):
        if getattr(self, "testpmd", None):
            self.testpmd.end()
            self.testpmd = None
        self.socket.unlink(missing_ok=True)

    def pause(self):
        self.testpmd.pause()

    def resume(self):
        self.testpmd.resume()

    def echo_rate(self, seconds, warmup):
        """64-octet packets a second that testpmd's flowgen gets back."""
        generator = Testpmd(self.folder / "flowgen.log", CLIENT_CORE, [f"net_vhost0,iface={self.socket},{VHOST}"], "flowgen")
        try:
            generator.ready()
            if not self.started:
                self.testpmd.start()
                self.started = True
            generator.start()
            time.sleep(0.3 + warmup)
            rate = generator.rate(seconds)
        finally:
            generator.end()
        if rate == 0:
            raise BenchError(f"{self.name}: no packet came back")
        return Sample(rate)
