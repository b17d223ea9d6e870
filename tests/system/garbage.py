# SPDX-License-Identifier: Apache-2.0
"""Sends frames of every wrong kind: garbage.py INTERFACE COUNT TARGET. Seeded: the same frames each time."""
import random
import socket
import sys

from scapy.all import ARP, DNS, DNSQR, ICMP, IP, TCP, UDP, Dot1Q, Ether, Raw, conf, get_if_hwaddr, getmacbyip

conf.verb = 0
interface, count, target = sys.argv[1], int(sys.argv[2]), sys.argv[3]
rng = random.Random(1)
conf.iface = interface
mac = getmacbyip(target)
assert mac, "the target answers ARP"
base = Ether(dst=mac, src=get_if_hwaddr(interface))
noise = lambda most: rng.randbytes(rng.randrange(most))


def port():
    return rng.choice([53, 80, 81, rng.randrange(65536)])


def optioned(rest):
    """An IPv4 packet whose options are noise, its header otherwise right."""
    options = rng.randbytes(4 * rng.randrange(1, 11))
    packet = IP(dst=target, ihl=5 + len(options) // 4, len=20 + len(options) + len(bytes(rest)), proto=1)
    header = bytearray(bytes(packet)[:20] + options)
    header[10:12] = b"\0\0"
    total = sum(int.from_bytes(header[i:i + 2], "big") for i in range(0, len(header), 2))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    header[10:12] = (~total & 0xffff).to_bytes(2, "big")
    return bytes(base) + bytes(header) + bytes(rest)


def one():
    return rng.choice([
        lambda: noise(1500),
        lambda: bytes(base) + noise(200),
        lambda: bytes(base / IP(dst=target)) + noise(200),
        lambda: bytes(base / IP(dst=target, proto=rng.randrange(256)) / Raw(noise(100))),
        lambda: bytes(base / IP(dst=target, ihl=rng.randrange(16), len=rng.randrange(2000)) / UDP() / Raw(noise(64))),
        lambda: optioned(ICMP()),
        lambda: bytes(base / IP(dst=target, flags=rng.choice(["MF", 0]), frag=rng.randrange(100)) / UDP() / Raw(noise(600))),
        lambda: bytes(base / IP(dst=target, src=rng.choice(["127.0.0.1", "224.0.0.1", "255.255.255.255", target, "0.0.0.0"])) / ICMP()),
        lambda: bytes(base / IP(dst=rng.choice(["255.255.255.255", "198.18.0.255", "224.0.0.5", "10.9.8.7"])) / UDP(dport=port())),
        lambda: bytes(base / IP(dst=target) / UDP(sport=port(), dport=port(), len=rng.randrange(70)) / Raw(noise(64))),
        lambda: bytes(base / IP(dst=target) / UDP(dport=53) / Raw(noise(300))),
        lambda: bytes(base / IP(dst=target) / UDP(dport=53) / DNS(qr=rng.randrange(2), opcode=rng.randrange(16), qdcount=rng.randrange(4),
                                                                  qd=DNSQR(qname="www.example.test", qtype=rng.randrange(300)))),
        lambda: bytes(base / IP(dst=target) / TCP(sport=rng.randrange(65536), dport=port(), flags=rng.randrange(256),
                                                  seq=rng.randrange(1 << 32), ack=rng.randrange(1 << 32)) / Raw(noise(100))),
        lambda: bytes(base / IP(dst=target) / TCP(sport=rng.randrange(65536), dport=80, flags="S", dataofs=rng.randrange(16))) + noise(40),
        lambda: bytes(base / IP(dst=target) / ICMP(type=rng.randrange(20), code=rng.randrange(20)) / Raw(noise(100))),
        lambda: bytes(Ether(dst=mac, src=get_if_hwaddr(interface)) / Dot1Q(vlan=7) / IP(dst=target) / ICMP()),
        lambda: bytes(Ether(dst="ff:ff:ff:ff:ff:ff") / ARP(op=rng.randrange(5), pdst=target, psrc=rng.choice(["198.18.0.9", target, "0.0.0.0"]),
                                                           hwlen=rng.choice([6, 8]))),
        lambda: bytes(base / ARP()) [:rng.randrange(14, 42)],
    ])()


raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
raw.bind((interface, 0))
sent = 0
for _ in range(count):
    frame = one()
    if 14 <= len(frame) <= 1514:
        raw.send(frame)
        sent += 1
print(sent, "frames")
