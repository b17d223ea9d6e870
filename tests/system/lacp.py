# SPDX-License-Identifier: Apache-2.0
"""The switch's half of LACP (IEEE 802.1AX §6.4) on some interfaces, for a kernel without bonds: one aggregation key, active, short
timeouts. Usage (inside a network namespace): lacp.py INTERFACE...

Says "INTERFACE distributing" when the other end distributes on that member, and "INTERFACE alone" when it no longer does."""
import select
import socket
import struct
import sys
import time

SLOW, GROUP, LACP = 0x8809, bytes.fromhex("0180c2000002"), 1
SYSTEM, KEY = bytes.fromhex("02000000aa01"), 7
ACTIVITY, TIMEOUT, AGGREGATION, SYNCHRONIZATION, COLLECTING, DISTRIBUTING = 1, 2, 4, 8, 16, 32
ALL = ACTIVITY | TIMEOUT | AGGREGATION | SYNCHRONIZATION | COLLECTING | DISTRIBUTING
INFORMATION = "!BBH6sHHHB3x"  # type, length, system priority and address, key, port priority and number, state


class Member:
    def __init__(self, number, name):
        self.number, self.name, self.told, self.heard, self.partner = number, name, False, 0.0, bytes(15)
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(SLOW))
        self.wire.bind((name, SLOW))
        self.mac = self.wire.getsockname()[4]

    def send(self):
        actor = struct.pack(INFORMATION, 1, 20, 0x8000, SYSTEM, KEY, 0x8000, self.number, ALL)
        partner = struct.pack("!BB15s3x", 2, 20, self.partner)
        collector = struct.pack("!BBH12x", 3, 16, 0)
        body = bytes([LACP, 1]) + actor + partner + collector + bytes(52)
        try:
            self.wire.send(GROUP + self.mac + struct.pack("!H", SLOW) + body)
        except OSError:
            pass  # the interface is down

    def receive(self):
        frame = self.wire.recv(2048)
        if len(frame) < 14 + 110 or frame[12:14] != struct.pack("!H", SLOW) or frame[14] != LACP or frame[16] != 1:
            return
        theirs = frame[18:33]  # their actor's information becomes our partner's
        self.partner, self.heard = theirs, time.monotonic()
        self.tell(theirs[14] & (SYNCHRONIZATION | COLLECTING | DISTRIBUTING) == SYNCHRONIZATION | COLLECTING | DISTRIBUTING)

    def tell(self, distributing):
        if distributing != self.told:
            self.told = distributing
            print(self.name, "distributing" if distributing else "alone", flush=True)


def main():
    members = [Member(n + 1, name) for n, name in enumerate(sys.argv[1:])]
    next_turn = 0.0
    while True:
        if time.monotonic() >= next_turn:
            for m in members:
                m.send()
                if m.told and time.monotonic() - m.heard > 3.5:
                    m.tell(False)
            next_turn = time.monotonic() + 0.5
        for wire in select.select([m.wire for m in members], [], [], 0.1)[0]:
            try:
                next(m for m in members if m.wire is wire).receive()
            except OSError:
                pass


if __name__ == "__main__":
    main()
