# SPDX-License-Identifier: Apache-2.0
"""Datagrams in fragments against Linux: to us, from us and through us to a narrower link, both families; and floods of
fragments that never become a datagram."""
import pathlib
import re

import pytest
from conftest import HOSTS, SLUICE, lab_name
from lab import Lab, total
from test_ip6 import LAN_HOST, US, WAN, WAN_HOST, enable_ip6, until

# The far link is narrower, so that what passes must be cut.
NARROW = 1300
CONFIG = """\
workers: {{ cores: {cores}, mode: balanced }}
ports:
  - {{ name: lan, device: {{ {device}: sluice-lan }}, addresses: [198.18.0.1/24, '2001:2:0:1::1/64']{more} }}
  - {{ name: wan, device: {{ {device}: sluice-wan }}, addresses: [198.19.0.1/24, '2001:2:0:2::1/64'], mtu: {narrow}{more} }}
ip: {{ reassembly_time: 2s, reassembly_time6: 2s }}
dns:
  - {{ listen: ['[::]:53'], zones: [ {{ name: example.test, file: example.test.zone }} ], udp_payload_max: 4096 }}
echo: [ {{ listen: ['[::]:7'] }} ]
metrics: {{ listen: 127.0.0.1:9464 }}
"""
# Not over af_packet: there the kernel puts IPv4 fragments together before we see them (stack/io/README.md).
SETUPS = {"tap-one-worker": ("tap", "[0]", ""), "tap-two-workers": ("tap", "[0, 1]", ", queues: 1")}
PYTHON, HERE = "/usr/bin/python3", pathlib.Path(__file__).parent

# Sends datagrams of growing size from several ports and compares what comes back.
ECHO = """
import socket, sys
family, address, sizes = int(sys.argv[1]), sys.argv[2], [int(w) for w in sys.argv[3:]]
for size in sizes:
    s = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(5)
    text = bytes(i * 7 % 251 for i in range(size))
    s.sendto(text, (address, 7))
    assert s.recv(70000) == text, size
    print(size)
"""


@pytest.fixture(scope="module", params=SETUPS, ids=str)
def lab(request, tmp_path_factory):
    device, cores, more = SETUPS[request.param]
    folder = tmp_path_factory.mktemp("fragments")
    (folder / "example.test.zone").write_text("$TTL 60\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 198.18.0.1\nlong TXT ( " + f'"{"x" * 250}" ' * 6 + ")\n")
    config = folder / "fragments.yaml"
    config.write_text(CONFIG.format(device=device, cores=cores, more=more, narrow=NARROW))
    with Lab(lab_name(), HOSTS, device=device) as lab:
        lab.start(SLUICE, config)
        enable_ip6(lab.host("lan"), LAN_HOST, US)
        enable_ip6(lab.host("wan"), WAN_HOST, WAN)
        lab.host("wan").ip("link", "set", "eth0", "mtu", NARROW)
        lab.host("lan").ip("addr", "add", "198.18.0.3/24", "dev", "eth0")
        for host, us in (("lan", US), ("wan", WAN)):
            assert until(lambda h=host, u=us: lab.host(h).run(["ping", "-6", "-c1", "-W1", u]).returncode == 0)
        yield lab
        assert lab.stop() == 0, "\n".join(lab.log[-30:])


@pytest.mark.parametrize("size", [1473, 4000, 65507])
def test_a_long_ping_is_answered(lab, size):
    out = lab.host("lan").run(["ping", "-c", "3", "-i", "0.2", "-W", "2", "-s", size, "198.18.0.1"]).stdout
    assert "3 received" in out, out


@pytest.mark.parametrize("size", [1453, 4000, 65000])
def test_a_long_ping6_is_answered(lab, size):
    out = lab.host("lan").run(["ping", "-6", "-c", "3", "-i", "0.2", "-W", "2", "-s", size, US]).stdout
    assert "3 received" in out, out


@pytest.mark.parametrize("family, address", [(4, "198.18.0.1"), (6, US)])
def test_long_datagrams_are_echoed(lab, family, address):
    sizes = [1473, 2010, 5000, 20000, 65507 if family == 4 else 65000, *range(1600, 1610)]
    done = lab.host("lan").run([PYTHON, "-c", ECHO, family, address, *sizes])
    assert done.returncode == 0 and len(done.stdout.split()) == len(sizes), done.stdout + done.stderr


@pytest.mark.parametrize("address", ["198.18.0.1", US])
def test_an_answer_longer_than_the_mtu_needs_no_tcp(lab, address):
    out = lab.host("lan").run(["dig", f"@{address}", "+bufsize=4096", "+ignore", "+tries=1", "+time=3", "long.example.test", "TXT"]).stdout
    assert "status: NOERROR" in out and "flags: qr aa rd;" in out and out.count("x" * 250) == 6, out


def test_what_passes_to_a_narrower_link_is_cut_and_comes_back_whole(lab):
    before = lab.metrics()
    for size in (1400, 4000, 30000):
        out = lab.host("lan").run(["ping", "-c", "3", "-i", "0.2", "-W", "2", "-M", "dont", "-s", size, "198.19.0.2"]).stdout
        assert "3 received" in out, out
    after = lab.metrics()
    assert total(after, "sluice_ip_fragments_total", event="datagram_fragmented") > total(before, "sluice_ip_fragments_total", event="datagram_fragmented")


def test_udp_fragments_pass_both_ways_by_their_flow(lab):
    server = lab.host("wan").popen([PYTHON, "-c", "import socket\ns = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)\ns.bind(('::', 7))\n"
                                    "while True:\n  data, who = s.recvfrom(70000)\n  s.sendto(data, who)\n"])
    try:
        before = lab.metrics()
        sizes = [1300, 1473, 4000, 30000]
        for family, address in ((4, "198.19.0.2"), (6, WAN_HOST)):
            # IPv6 hosts learn the narrow MTU by losing the first that is too long for it.
            def echoed(f=family, a=address):
                done = lab.host("lan").run([PYTHON, "-c", ECHO, f, a, *sizes])
                return done.returncode == 0
            assert until(echoed, 30), address
        after = lab.metrics()
        assert total(after, "sluice_ip_fragments_total", event="followed") > total(before, "sluice_ip_fragments_total", event="followed")
    finally:
        server.kill()
        server.wait()


def test_a_long_ping6_passes_once_the_host_knows_the_mtu(lab):
    out = lab.host("lan").run(["ping", "-6", "-c", "5", "-i", "0.3", "-W", "2", "-s", "4000", WAN_HOST]).stdout
    assert "4 received" in out or "5 received" in out, out


@pytest.mark.parametrize("what, heard", [("reversed", "type 0 code 0 size 3028"), ("lone", "type 11 code 1"), ("lonely", "nothing"),
                                         ("overlap", "nothing")])
def test_fragments_as_no_kernel_sends_them(lab, what, heard):
    done = lab.host("lan").run([PYTHON, HERE / "fragments.py", "eth0", "198.18.0.3", "198.18.0.1", what])
    assert done.stdout.startswith(heard), done.stdout + done.stderr
    assert until(lambda: total(lab.metrics(), "sluice_fragments_waiting") == 0)


def test_a_flood_of_fragments_leaves_memory_flat_and_others_whole(lab):
    lan = lab.host("lan")

    def dropped():  # by the kernel, where packets wait for us
        return int(lan.run(["cat", "/sys/class/net/eth0/statistics/tx_dropped"], check=True).stdout)

    before, dropped_before = lab.metrics(), dropped()
    flood = lan.popen([PYTHON, HERE / "fragments.py", "eth0", "198.18.0.3", "198.18.0.1", "flood", "30000"])
    out = lan.run(["ping", "-c", "20", "-i", "0.1", "-W", "2", "-s", "4000", "-I", "198.18.0.2", "198.18.0.1"]).stdout
    assert flood.wait(60) == 0
    during = lab.metrics()
    lost = 20 - int(re.search(r"(\d+) received", out)[1])
    grown = {name: value for name, value in during.items() if value != before.get(name) and "drops" in name}
    assert lost <= dropped() - dropped_before, f"{out}\nno queue was full, and we dropped {grown}"
    assert total(during, "sluice_fragments_waiting", way="in") <= 160
    assert total(during, "sluice_drops_total", room="ip", reason="fragment_shed") > total(before, "sluice_drops_total", room="ip", reason="fragment_shed")
    assert until(lambda: total(lab.metrics(), "sluice_fragments_waiting") == 0)
    assert total(lab.metrics(), "sluice_large_buffers_in_use") == 0


JUMBO = """\
workers: { cores: [0], mode: balanced }
ports:
  - { name: lan, device: { af_packet: sluice-lan }, addresses: [198.18.0.1/24, '2001:2:0:1::1/64'], mtu: 9000 }
  - { name: wan, device: { af_packet: sluice-wan }, addresses: [198.19.0.1/24, '2001:2:0:2::1/64'] }
metrics: { listen: 127.0.0.1:9464 }
"""


def test_what_comes_from_a_link_of_9000_octets_is_too_big_for_one_of_1500(tmp_path):
    config = tmp_path / "jumbo.yaml"
    config.write_text(JUMBO)
    with Lab(lab_name() + "j", HOSTS, device="af_packet") as lab:
        lab.start(SLUICE, config)
        lan, wan = lab.host("lan"), lab.host("wan")
        lan.ip("link", "set", "eth0", "mtu", "9000")
        enable_ip6(lan, LAN_HOST, US)
        enable_ip6(wan, WAN_HOST, WAN)
        for host, us in ((lan, US), (wan, WAN)):
            assert until(lambda h=host, u=us: h.run(["ping", "-6", "-c1", "-W1", u]).returncode == 0)

        def reassembled():
            names, values = [line.split() for line in wan.run(["cat", "/proc/net/snmp"]).stdout.splitlines() if line.startswith("Ip:")]
            return int(values[names.index("ReasmOKs")])

        # Cut where its sender allows it. What comes back does not count: this kind of port gets it in one piece (stack/io/README.md).
        before = reassembled()
        lan.run(["ping", "-c3", "-i0.2", "-W1", "-s", "8000", "-M", "dont", "198.19.0.2"])
        assert reassembled() == before + 3
        # Not cut, but told, where not: RFC 1191, RFC 8201.
        out = lan.run(["ping", "-c1", "-W1", "-s", "8000", "-M", "do", "198.19.0.2"]).stdout
        assert "mtu = 1500" in out or "mtu=1500" in out, out
        assert "mtu 1500" in lan.run(["ip", "route", "get", "198.19.0.2"]).stdout
        out = lan.run(["ping", "-6", "-c4", "-i0.2", "-W1", "-s", "8000", WAN_HOST]).stdout
        assert "3 received" in out, out
        assert "mtu 1500" in lan.run(["ip", "-6", "route", "get", WAN_HOST]).stdout
        assert total(lab.metrics(), "sluice_drops_total", reason="too_big") >= 2
        assert lab.stop() == 0
