# SPDX-License-Identifier: Apache-2.0
"""A download through the appliance to a network behind a port of 1400 octets, and what both ends took for the largest segment:
as they said it, as a port clamps it, and after a reload."""
import re
import signal
import subprocess

import pytest
from conftest import HOSTS, SLUICE, lab_name
from lab import Lab, serve_files, total
from test_ip6 import LAN_HOST, US, WAN, WAN_HOST, enable_ip6, until

BIG = bytes(range(256)) * 4000  # 1 MB
CONFIG = """\
workers: {{ cores: {cores}, mode: balanced }}
ports:
  - {{ name: lan, device: {{ {device}: sluice-lan }}, addresses: [198.18.0.1/24, '2001:2:0:1::1/64']{more} }}
  - {{ name: wan, device: {{ {device}: sluice-wan }}, mtu: 1400, mss_clamp: {clamp}, addresses: [198.19.0.1/24, '2001:2:0:2::1/64']{more} }}
metrics: {{ listen: 127.0.0.1:9464 }}
"""
SETUPS = {"tap-one-worker": ("tap", "[0]", ""), "af_packet-two-workers": ("af_packet", "[0, 1]", ", queues: 1")}
TIMESTAMPS = 12  # octets of options in every segment, which Linux takes off the size it was offered


@pytest.fixture(scope="module", params=SETUPS, ids=str)
def lab(request, tmp_path_factory):
    device, cores, more = SETUPS[request.param]
    folder = tmp_path_factory.mktemp("mss")
    (folder / "big.bin").write_bytes(BIG)
    config = folder / "mss.yaml"
    with Lab(lab_name(), HOSTS, device=device) as lab:

        def write(clamp):
            config.write_text(CONFIG.format(device=device, cores=cores, more=more, clamp=clamp))

        def reload(clamp):
            write(clamp)
            before = len(lab.log)
            lab.process.send_signal(signal.SIGHUP)
            assert until(lambda: any(f"reloaded {config}" in line for line in lab.log[before:])), lab.log[before:]

        write("off")
        lab.start(SLUICE, config)
        lab.reload = reload
        lab.host("wan").ip("link", "set", "eth0", "mtu", "1500")  # a host that does not know how narrow its link is
        enable_ip6(lab.host("lan"), LAN_HOST, US)
        enable_ip6(lab.host("wan"), WAN_HOST, WAN)
        for host, us in (("lan", US), ("wan", WAN)):  # our addresses are being proved free
            assert until(lambda h=host, u=us: lab.host(h).run(["ping", "-6", "-c1", "-W1", u]).returncode == 0)
        servers = [serve_files(lab.host("lan"), folder, address) for address in ("198.18.0.2", LAN_HOST)]
        yield lab
        for server in servers:
            server.terminate()
            server.wait()
        assert lab.stop() == 0, "\n".join(lab.log[-30:])


def sizes(host, name):
    """What the kernel of a host says of its connection with the server: the field of this name."""
    said = host.run(["ss", "-tinH", "state", "connected", "( sport = :8080 or dport = :8080 )"]).stdout
    return [int(n) for n in re.findall(rf"\b{name}:(\d+)", said)]


def download(lab, server, expected):
    """Bytes got, and (size of segments, path MTU) that each end reckoned with meanwhile: `expected`, or what it came to. Nobody reads
    from curl before that, so the transfer waits for us."""
    lan, wan = lab.host("lan"), lab.host("wan")
    curl = wan.popen(["curl", "-sS", "-m60", "--limit-rate", "400k", f"http://{server}:8080/big.bin"], stdout=subprocess.PIPE)

    def ends():
        return {name: (sizes(host, "mss"), sizes(host, "pmtu")) for name, host in (("server", lan), ("client", wan))}

    until(lambda: ends() == expected)
    seen = ends()
    got = curl.communicate(timeout=60)[0]
    until(lambda: not sizes(lan, "mss") and not sizes(wan, "mss"))
    return got, seen


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("clamp", ["off", "mtu", "1200", "off"])
def test_both_ends_send_what_the_narrow_port_holds(lab, family, clamp):
    headers = 40 if family == 4 else 60
    said = {"off": 1500 - headers, "mtu": 1400 - headers}.get(clamp) or int(clamp)
    lab.reload(clamp)
    for host in ("lan", "wan"):  # what earlier transfers taught of path MTUs
        lab.host(host).ip("route", "flush", "cache")
        lab.host(host).ip("-6", "route", "flush", "cache")
    clamps = clamp != "off"
    # Without a clamp the server learns by ICMP errors what the way to its client holds.
    expected = {"client": ([said - TIMESTAMPS], [1500]),
                "server": ([said - TIMESTAMPS], [1500]) if clamps else ([1400 - headers - TIMESTAMPS], [1400])}
    before = lab.metrics()
    got, seen = download(lab, "198.18.0.2" if family == 4 else f"[{LAN_HOST}]", expected)
    after = lab.metrics()
    assert got == BIG

    def counted(name, **labels):
        return total(after, name, **labels) - total(before, name, **labels)

    assert seen == expected, "what each end may send"
    assert (counted("sluice_drops_total", room="ip", reason="too_big") == 0) == clamps
    assert counted("sluice_ip_mss_clamped_total") == (2 if clamps else 0), "a SYN and its answer"
