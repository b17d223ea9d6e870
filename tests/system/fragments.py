# SPDX-License-Identifier: Apache-2.0
"""Sends IPv4 fragments as no kernel would: fragments.py INTERFACE SOURCE TARGET lone|lonely|reversed|overlap|flood [COUNT].
It says what came back to SOURCE: ICMP types and codes, or a reply's size."""
import random
import socket
import sys
import time

from scapy.all import ICMP, IP, Ether, Raw, conf, fragment, get_if_hwaddr, getmacbyip

conf.verb = 0
interface, source, target, what = sys.argv[1:5]
conf.iface = interface
head = bytes(Ether(dst=getmacbyip(target), src=get_if_hwaddr(interface), type=0x0800))
send = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
send.bind((interface, 0))
heard = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
heard.bind((source, 0))


def echo(size, number):
    """An echo request's fragments, of at most 1,000 octets each."""
    return [bytes(f) for f in fragment(IP(src=source, dst=target, id=number) / ICMP(type=8, id=number) / Raw(b"f" * size), 1000)]


def listen(seconds):
    """The first ICMP message for us, as text; "nothing"."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        heard.settimeout(left)
        try:
            got = heard.recv(65535)
        except TimeoutError:
            break
        if got[20] != 8:
            return f"type {got[20]} code {got[21]} size {len(got)}"
    return "nothing"


if what == "flood":
    rng = random.Random(1)
    parts = echo(2000, 1)
    for _ in range(int(sys.argv[5])):
        part = bytearray(rng.choice(parts[:2]))
        part[4:6] = rng.randbytes(2)
        part[10:12] = b"\0\0"
        total = sum(int.from_bytes(part[i:i + 2], "big") for i in range(0, 20, 2))
        total = (total & 0xffff) + (total >> 16)
        part[10:12] = (~total & 0xffff).to_bytes(2, "big")
        send.send(head + part)
    print("sent")
    sys.exit()
parts = echo(3000, 77)
order = {
    "lone": parts[:1],           # a first fragment and no other
    "lonely": parts[1:],         # all but the first
    "reversed": parts[::-1],
    "overlap": [parts[0], bytes(IP(src=source, dst=target, id=77, flags="MF", frag=61, proto=1) / Raw(b"o" * 800)), *parts[1:]],
}[what]
for part in order:
    send.send(head + part)
print(listen(5))
