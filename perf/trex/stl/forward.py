# SPDX-License-Identifier: Apache-2.0
"""Forwarding, UDP, both ways: 4,032 flows a direction (64 sources with 63 ports each), one frame size.

  start -f stl/forward.py -t --size 64 -m 1mpps      octets with FCS; port 0 sends from lan to wan, port 1 back"""
import argparse

from trex.stl.api import IP, UDP, Ether, STLPktBuilder, STLStream, STLTXCont, STLVM

LAN, WAN = "198.18.64.{}", "198.19.64.{}"
FCS = 4


class Forward:
    def get_streams(self, direction=0, tunables=(), **_):
        parser = argparse.ArgumentParser(prog="stl/forward.py")
        parser.add_argument("--size", type=int, default=64, help="octets of a frame with FCS, 64 to 9018")
        size = parser.parse_args(tunables).size
        if not 64 <= size <= 9018:
            raise ValueError(f"--size {size} is not between 64 and 9018")
        source, destination = (LAN, WAN) if direction % 2 == 0 else (WAN, LAN)
        base = Ether() / IP(src=source.format(1), dst=destination.format(1)) / UDP(sport=1024, dport=5001, chksum=0)
        flows = STLVM()
        flows.var("host", min_value=source.format(1), max_value=source.format(64), size=4, op="inc")
        flows.var("port", min_value=1024, max_value=1086, size=2, op="inc")
        flows.write("host", pkt_offset="IP.src")
        flows.write("port", pkt_offset="UDP.sport")
        flows.fix_chksum()
        packet = STLPktBuilder(pkt=base / (b"x" * (size - FCS - len(base))), vm=flows)
        return [STLStream(packet=packet, mode=STLTXCont(pps=1000))]


def register():
    return Forward()
