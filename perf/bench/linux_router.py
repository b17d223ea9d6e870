# SPDX-License-Identifier: Apache-2.0
"""Linux as a router between two veths. Packets come from testpmd, which sends a capture file's frames by af_packet again and
again (the fastest generator here: pktgen is not in every kernel), and are counted where they arrive."""
import ipaddress
import json
import struct
import time

from . import routes
from .machine import CLIENT_CORE, SERVER_CORE, busy_shares, core_ticks
from .peers import Peer, bound
from .programs import Program
from .sluice import PORTS
from .stats import BenchError, Sample
from .testpmd import MEMORY_MB
from .veth import Network, TUNING

HOSTS = {"lan": "198.18.0.2/24", "wan": "198.19.0.2/24"}
HOSTS6 = {"lan": "2001:2::2/64", "wan": "2001:2:0:1::2/64"}
PACKETS = 1 << 13  # frames in the capture file


def checksum(header):
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def frame(source_mac, target_mac, source, target, port):
    """As long as sluice-load's: 64 octets in IPv4, 84 in IPv6, with the check sequence that is not written here."""
    udp = struct.pack("!HHHH", port, 9, 26, 0) + bytes(18)
    if target.version == 4:
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, source.packed, target.packed)
        ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
        return target_mac + source_mac + b"\x08\x00" + ip + udp
    pseudo = source.packed + target.packed + struct.pack("!II", len(udp), 17)  # IPv6 has no UDP without a checksum
    udp = udp[:6] + struct.pack("!H", checksum(pseudo + udp)) + udp[8:]
    return target_mac + source_mac + b"\x86\xdd" + struct.pack("!IHBB16s16s", 6 << 28, len(udp), 17, 64, source.packed, target.packed) + udp


def write_capture(path, frames):
    with open(path, "wb") as out:
        out.write(struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for f in frames:
            out.write(struct.pack("=IIII", 0, 0, len(f), len(f)) + f)


class LinuxRouter(Peer):
    kind = "peer"

    def __init__(self, family, count):
        self.family, self.count = family, count
        self.name = "Linux"
        self.configuration = (f"Linux forwarding IPv{family} between veths, {count:,} routes, no netfilter rule, rp_filter off; generator: "
                              "testpmd, a capture file over af_packet with qdisc_bypass; " + TUNING)

    def start(self, folder):
        self.process, self.folder = None, folder
        self.network = Network(f"router{self.family}-{self.count}", HOSTS).start()
        box = self.network.server()
        box.run(["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0",
                 "net.ipv6.conf.all.forwarding=1"])
        for host in HOSTS:
            box.run(["sysctl", "-qw", f"net.ipv4.conf.sluice-{host}.rp_filter=0"])
        if self.family == 6:
            for host, address in HOSTS6.items():
                for end, device, own in ((box, f"sluice-{host}", PORTS[6][host]), (self.network.lab.host(host), "eth0", address)):
                    end.run(["sysctl", "-qw", f"net.ipv6.conf.{device}.disable_ipv6=0"], check=True)
                    end.ip("addr", "add", own, "dev", device, "nodad")
        batch = routes.write_ip_batch(folder, self.family, self.count)
        box.run(["ip", f"-{self.family}", "-batch", batch], check=True, timeout=300)
        # What arrives is counted by the interface and then dropped as early as a host can.
        wan = self.network.lab.host("wan")
        wan.run(["ip", f"-{self.family}", "route", "add", "blackhole", routes.TARGETS if self.family == 4 else "2000::/3"], check=True)
        wan.run(["ping", "-c1", "-W2", PORTS[self.family]["wan"].split("/")[0]], check=True)
        mac = self._link(box, "sluice-lan")["address"]
        own = self._link(self.network.client(), "eth0")["address"]
        macs = [bytes.fromhex(m.replace(":", "")) for m in (own, mac)]
        self.capture = folder / f"router{self.family}-{self.count}.pcap"
        source = ipaddress.ip_interface((HOSTS if self.family == 4 else HOSTS6)["lan"]).ip
        addresses = routes.targets(folder, self.family, self.count)[::routes.TARGET_COUNT // PACKETS]
        write_capture(self.capture, [frame(*macs, source, t, 1024 + i % 60000) for i, t in enumerate(addresses)])

    @staticmethod
    def _link(host, device):
        return json.loads(host.run(["ip", "-j", "-s", "link", "show", "dev", device], check=True).stdout)[0]

    def _arrived(self):
        return self._link(self.network.lab.host("wan"), "eth0")["stats64"]["rx"]["packets"], time.monotonic()

    def forward(self, seconds, warmup=0):
        log = self.folder / f"router{self.family}-{self.count}.log"
        host = self.network.client()
        generator = Program(host.command(
            ["stdbuf", "-oL", "dpdk-testpmd", "--lcores", f"0@(0-1),1@{CLIENT_CORE}", "--in-memory", "--no-pci", "-m", MEMORY_MB,
             "--log-level", "warning", "--vdev", f"net_pcap0,rx_pcap={self.capture},infinite_rx=1",
             "--vdev", "net_af_packet0,iface=eth0,qdisc_bypass=1,framesz=2048,blocksz=4096,framecnt=512",
             "--", "--nb-cores=1", "--forward-mode=io", "--auto-start", "--stats-period=1", "--no-flush-rx", "--mbuf-size=2304",
             "--total-num-mbufs=16384"]), log)
        try:
            first = self._arrived()[0]
            generator.wait_until(lambda: self._arrived()[0] > first + 1000, "sending", 20)
            time.sleep(0.2 + warmup)
            ticks, (before, start) = core_ticks(), self._arrived()
            time.sleep(seconds)
            (after, end), shares = self._arrived(), busy_shares(ticks, core_ticks())
        finally:
            generator.end()
        if after == before:
            raise BenchError(f"Linux forwarded nothing; the generator said:\n    {generator.tail()}")
        return bound(Sample((after - before) / (end - start)), shares)
