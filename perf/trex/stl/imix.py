# SPDX-License-Identifier: Apache-2.0
"""Forwarding IMIX both ways: of twelve frames seven have 64 octets, four 594, one 1518 (with FCS), 4,032 flows each.

  start -f stl/imix.py -m 1mpps                      the multiplier counts frames of all three sizes together"""
from trex.stl.api import IP, UDP, Ether, STLPktBuilder, STLStream, STLTXCont, STLVM

LAN, WAN = "198.18.64.{}", "198.19.64.{}"
FCS = 4
MIX = ((64, 7), (594, 4), (1518, 1))


class Imix:
    def get_streams(self, direction=0, tunables=(), **_):
        source, destination = (LAN, WAN) if direction % 2 == 0 else (WAN, LAN)
        return [self.stream(source, destination, size, share, start) for start, (size, share) in enumerate(MIX)]

    def stream(self, source, destination, size, share, start):
        base = Ether() / IP(src=source.format(1), dst=destination.format(1)) / UDP(sport=1024, dport=5001, chksum=0)
        flows = STLVM()
        flows.var("host", min_value=source.format(1), max_value=source.format(64), size=4, op="inc")
        flows.var("port", min_value=1024, max_value=1086, size=2, op="inc")
        flows.write("host", pkt_offset="IP.src")
        flows.write("port", pkt_offset="UDP.sport")
        flows.fix_chksum()
        packet = STLPktBuilder(pkt=base / (b"x" * (size - FCS - len(base))), vm=flows)
        # In microseconds: the three do not leave in one burst.
        return STLStream(packet=packet, mode=STLTXCont(pps=100 * share), isg=10.0 * start)


def register():
    return Imix()
