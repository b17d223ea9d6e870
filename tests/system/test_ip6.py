# SPDX-License-Identifier: Apache-2.0
"""The appliance over IPv6 against Linux: ping6, dig, curl, a routed transfer, traceroute, addresses by SLAAC from our own
router advertisements."""
import time

import pytest
from conftest import HOSTS, SLUICE, lab_name
from lab import Lab

CONFIG = """\
workers: {{ cores: {cores}, mode: balanced }}
ports:
  - {{ name: lan, device: {{ {device}: sluice-lan }}, addresses: [198.18.0.1/24, '2001:2:0:1::1/64']{more},
      advertise: {{ enabled: true, interval: 4s, lifetime: 30m, prefixes: ['2001:2:0:1::/64'] }} }}
  - {{ name: wan, device: {{ {device}: sluice-wan }}, addresses: [198.19.0.1/24, '2001:2:0:2::1/64']{more} }}
dns:
  - {{ listen: ['[::]:53'], zones: [ {{ name: example.test, file: example.test.zone }} ] }}
http:
  - {{ listen: ['[2001:2:0:1::1]:80'], sites: [ {{ names: [www.example.test], root: www }} ] }}
"""

US, WAN = "2001:2:0:1::1", "2001:2:0:2::1"
LAN_HOST, WAN_HOST = "2001:2:0:1::2", "2001:2:0:2::2"


def enable_ip6(host, address, gateway):
    """The lab switches IPv6 off. Here it is on; no autoconfiguration unless a test says so."""
    host.run(["sysctl", "-qw", "net.ipv6.conf.eth0.accept_dad=0", "net.ipv6.conf.eth0.accept_ra=0",
              "net.ipv6.conf.all.disable_ipv6=0", "net.ipv6.conf.eth0.disable_ipv6=0"], check=True)
    host.run(["ip", "-6", "addr", "add", f"{address}/64", "dev", "eth0", "nodad"], check=True)
    host.run(["ip", "-6", "route", "replace", "default", "via", gateway], check=True)


def until(what, seconds=15):
    """Asks again until `what` says yes or the time is over; returns its last answer."""
    end = time.monotonic() + seconds
    while not (answer := what()) and time.monotonic() < end:
        time.sleep(0.1)
    return answer


SETUPS = {"tap-one-worker": ("tap", "[0]", ""), "af_packet-two-workers": ("af_packet", "[0, 1]", ", queues: 1")}


@pytest.fixture(scope="module", params=SETUPS, ids=str)
def lab(request, tmp_path_factory):
    device, cores, more = SETUPS[request.param]
    folder = tmp_path_factory.mktemp("ip6")
    (folder / "www").mkdir()
    (folder / "www/index.html").write_text("hello\n")
    (folder / "www/big.bin").write_bytes(bytes(range(256)) * 8192)
    (folder / "example.test.zone").write_text("$TTL 60\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns AAAA 2001:2:0:1::1\nwww AAAA 2001:2:0:1::1\n")
    config = folder / "ip6.yaml"
    config.write_text(CONFIG.format(device=device, cores=cores, more=more))
    with Lab(lab_name(), HOSTS, device=device) as lab:
        lab.start(SLUICE, config)
        enable_ip6(lab.host("lan"), LAN_HOST, US)
        enable_ip6(lab.host("wan"), WAN_HOST, WAN)
        for host, us in (("lan", US), ("wan", WAN)):  # our addresses are being proved free
            assert until(lambda h=host, u=us: lab.host(h).run(["ping", "-6", "-c1", "-W1", u]).returncode == 0)
        yield lab
        assert lab.stop() == 0, "\n".join(lab.log[-30:])


def test_ping6_is_answered_for_every_size_a_frame_carries(lab):
    for size in (0, 56, 1000, 1452):
        done = lab.host("lan").run(["ping", "-6", "-c3", "-i0.2", "-W2", "-s", size, US])
        assert "3 received" in done.stdout, done.stdout


def test_the_link_local_address_answers_on_its_link(lab):
    neighbours = lab.host("lan").run(["ip", "-6", "route", "show", "default"]).stdout
    done = until(lambda: [r for r in [lab.host("lan").run(["ping", "-6", "-c2", "-W2", "ff02::1%eth0"]).stdout] if "bytes from fe80::" in r])
    assert done, neighbours


def test_dig_gets_its_answer_over_ip6(lab):
    done = lab.host("lan").run(["dig", "+short", "+time=2", "@" + US, "www.example.test", "AAAA"])
    assert done.stdout.strip() == US


def test_curl_gets_a_page_and_two_megabytes_over_ip6(lab):
    url = f"http://[{US}]"
    done = lab.host("lan").run(["curl", "-sS", "-m10", "-H", "Host: www.example.test", url + "/"])
    assert done.stdout == "hello\n", done.stderr
    done = lab.host("lan").run(["curl", "-sS", "-m20", "-H", "Host: www.example.test", url + "/big.bin"], text=False)
    assert done.stdout == bytes(range(256)) * 8192


def test_what_is_for_another_network_is_forwarded_both_ways(lab):
    done = lab.host("lan").run(["ping", "-6", "-c3", "-i0.2", "-W2", WAN_HOST])
    assert "3 received" in done.stdout, done.stdout
    done = lab.host("wan").run(["ping", "-6", "-c3", "-i0.2", "-W2", "-s", 1452, LAN_HOST])
    assert "3 received" in done.stdout, done.stdout


def test_errors_reach_those_who_should_hear_them(lab):
    done = lab.host("lan").run(["ping", "-6", "-c1", "-W2", "-t1", WAN_HOST])
    assert "Time exceeded" in done.stdout and US in done.stdout, done.stdout
    done = lab.host("lan").run(["ping", "-6", "-c1", "-W2", "2001:db8::1"])
    assert "No route" in done.stdout, done.stdout
    done = lab.host("lan").run(["dig", "+time=1", "+tries=1", "-p", "54", "@" + US, "www.example.test"])
    assert "connection refused" in done.stdout, done.stdout
    done = lab.host("lan").run(["ping", "-6", "-c1", "-W8", "2001:2:0:2::66"])
    assert "Address unreachable" in done.stdout, done.stdout


def test_a_host_makes_its_address_of_our_advertisements(lab):
    host = lab.host("lan")
    host.run(["sysctl", "-qw", "net.ipv6.conf.eth0.accept_ra=2"], check=True)

    def addresses():
        shown = host.run(["ip", "-6", "addr", "show", "dev", "eth0", "dynamic"]).stdout
        return [w.split("/")[0] for w in shown.split() if w.startswith("2001:2:0:1:")]

    made = until(addresses)
    assert made, host.run(["ip", "-6", "addr"]).stdout
    routes = host.run(["ip", "-6", "route", "show", "default"]).stdout
    assert "proto ra" in routes and "fe80::" in routes, routes
    done = host.run(["ping", "-6", "-c3", "-i0.2", "-W2", "-I", made[0], WAN_HOST])
    assert "3 received" in done.stdout, done.stdout
