# SPDX-License-Identifier: Apache-2.0
"""A VLAN interface for a kernel that has none of its own: a tap whose frames travel with tags over another interface. Checksums that
nobody has made yet and segments that nobody has cut pass as such (struct virtio_net_hdr), as they would through the kernel's own.
Usage (inside a network namespace): tagger.py UNDER NAME TYPE:VLAN [TYPE:VLAN], the outer tag first, TYPE in hex."""
import contextlib
import fcntl
import os
import select
import socket
import struct
import sys

ETH_P_ALL, PACKET_OUTGOING, SOL_PACKET, PACKET_AUXDATA, PACKET_VNET_HDR, VLAN_VALID, TPID_VALID = 3, 4, 263, 8, 15, 1 << 4, 1 << 6
OFFLOADS = struct.Struct("BBHHHH")  # flags, gso_type, hdr_len, gso_size, csum_start, csum_offset
NONE = bytes(OFFLOADS.size)
MOST = 70_000  # octets of a segment that nobody has cut


def untagged(offloads, octets):
    """What it says of the frame once so many octets of tags are out of it."""
    flags, kind, headers, size, start, at = OFFLOADS.unpack(offloads)
    return OFFLOADS.pack(flags, kind, max(headers - octets, 0), size, start - octets if flags else start, at)


def main():
    under, name, *words = sys.argv[1:]
    wanted = [(int(t, 16), int(v)) for t, v in (w.split(":") for w in words)]
    tags = b"".join(struct.pack("!HH", t, v) for t, v in wanted)
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, 0x400454ca, struct.pack("16sH14x", name.encode(), 0x0002 | 0x1000 | 0x4000))  # TUNSETIFF: tap, with OFFLOADS
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    wire.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    wire.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    wire.bind((under, ETH_P_ALL))
    print("ready", flush=True)
    while True:
        readable, _, _ = select.select([tap, wire], [], [])
        if tap in readable:
            frame = os.read(tap, MOST)[OFFLOADS.size:]  # whole: nobody told the tap that we take others
            with contextlib.suppress(OSError):  # a frame that the wire does not take is lost
                wire.send(NONE + frame[:12] + tags + frame[12:])
        if wire in readable:
            frame, extra, _, address = wire.recvmsg(MOST, 64)
            offloads, frame = frame[:OFFLOADS.size], frame[OFFLOADS.size:]
            octets = len(frame)
            if address[2] == PACKET_OUTGOING:
                continue
            for level, kind, data in extra:  # the kernel takes the outer tag off before anybody looks
                if level == SOL_PACKET and kind == PACKET_AUXDATA:
                    status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", data[:20])
                    if status & VLAN_VALID:
                        frame = frame[:12] + struct.pack("!HH", tpid if status & TPID_VALID else 0x8100, tci) + frame[12:]
            at = 12
            found = []
            while len(frame) >= at + 4 and struct.unpack_from("!H", frame, at)[0] in (0x8100, 0x88a8):
                kind, tci = struct.unpack_from("!HH", frame, at)
                found.append((kind, tci & 0xfff))
                at += 4
            if found == wanted:
                with contextlib.suppress(OSError):  # nor is one that comes before the interface is up
                    rest = frame[:12] + frame[at:]
                    os.write(tap, untagged(offloads, octets - len(rest)) + rest)


if __name__ == "__main__":
    main()
