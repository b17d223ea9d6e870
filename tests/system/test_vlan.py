# SPDX-License-Identifier: Apache-2.0
"""Ports that are VLANs of a trunk, one tag and two, against Linux's VLAN interfaces, or what stands for them where the kernel has
none (tagger.py): ping, curl, a routed transfer; and VLANs that come and go by reload."""
import pathlib
import signal
import subprocess
import time

import pytest
from conftest import HOSTS, SLUICE, lab_name
from lab import Lab, serve_files, total

TAGGER = pathlib.Path(__file__).with_name("tagger.py")

BIG = bytes(range(256)) * 20_000

CONFIG = """\
workers: {{ cores: {cores}, mode: balanced }}
ports:
  - {{ name: lan, device: {{ {device}: sluice-lan }}, addresses: [198.18.0.1/24]{more} }}
  - {{ name: wan, device: {{ {device}: sluice-wan }}, addresses: [198.19.0.1/24]{more} }}
  - {{ name: office, parent: lan, vlan: 100, addresses: [10.0.100.1/24, '2001:2:0:100::1/64'] }}
  - {{ name: inner, parent: lan, vlan: 100, outer_vlan: 200, addresses: [10.0.200.1/24] }}
{sub}
http: [ {{ listen: [0.0.0.0:80], sites: [ {{ names: [www.example.test], root: www }} ] }} ]
metrics: {{ listen: 127.0.0.1:9464 }}
"""
LATER = "  - { name: later, parent: lan, vlan: 300, mtu: 1400, addresses: [10.0.30.1/24] }"
SETUPS = {"tap-one-worker": ("tap", "[0]", ""), "af_packet-two-workers": ("af_packet", "[0, 1]", ", queues: 1")}


def add_vlan(host, name, *tags, port="eth0"):
    """An interface whose frames carry these tags on `port`, the outer one first: ("802.1q", 100)."""
    under = port
    try:
        for n, (kind, vlan) in enumerate(tags):
            last = n + 1 == len(tags)
            made = host.ip("link", "add", "link", under, "name", name if last else f"{name}o", "type", "vlan", "proto", kind,
                           "id", vlan, check=False)
            if made.returncode != 0:
                raise OSError(made.stderr)
            under = name if last else f"{name}o"
            host.ip("link", "set", under, "up")
        return None
    except OSError:
        words = [f"{'88a8' if kind == '802.1ad' else '8100'}:{vlan}" for kind, vlan in tags]
        tagger = host.popen(["/usr/bin/python3", TAGGER, port, name, *words], stdout=subprocess.PIPE)
        assert tagger.stdout.readline() == b"ready\n"
        mac = host.run(["cat", f"/sys/class/net/{port}/address"]).stdout.strip()
        host.ip("link", "set", name, "address", mac, "up")
        return tagger


@pytest.fixture(scope="module", params=SETUPS, ids=str)
def lab(request, tmp_path_factory):
    device, cores, more = SETUPS[request.param]
    folder = tmp_path_factory.mktemp("vlan")
    (folder / "www").mkdir()
    (folder / "www/big.bin").write_bytes(BIG)
    config = folder / "vlan.yaml"

    def write(sub=""):
        config.write_text(CONFIG.format(device=device, cores=cores, more=more, sub=sub))

    write()
    with Lab(lab_name(), HOSTS, device=device) as lab:
        lab.start(SLUICE, config)
        lab.write = write
        host = lab.host("lan")
        if device == "af_packet":  # a tag is then part of the frame on its way out, as on a wire
            host.run(["ethtool", "-K", "eth0", "txvlan", "off"])
        for h in ("lan", "wan"):
            lab.host(h).ip("link", "set", "eth0", "mtu", "1508")  # room for the tags
            lab.host(h).ip("route", "change", "default", "via", lab.gateways[h], "mtu", "1500")
        host.run(["sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=0", "net.ipv6.conf.default.accept_dad=0",
                  "net.ipv6.conf.default.accept_ra=0"], check=True)
        for name, address, *tags in (("office", "10.0.100.2/24", ("802.1q", 100)), ("later", "10.0.30.2/24", ("802.1q", 300)),
                                     ("inner", "10.0.200.2/24", ("802.1ad", 200), ("802.1q", 100))):
            add_vlan(host, name, *tags)
            host.ip("addr", "add", address, "dev", name)
        host.ip("-6", "addr", "add", "2001:2:0:100::2/64", "dev", "office", "nodad")
        yield lab
        assert lab.stop() == 0, "\n".join(lab.log[-30:])


def pings(lab, to, *words, host="lan"):
    return lab.host(host).run(["ping", "-c3", "-i0.2", "-W1", *words, to])


@pytest.mark.parametrize("to", ["198.18.0.1", "10.0.100.1", "10.0.200.1"])
@pytest.mark.parametrize("size", [56, 1472])
def test_ping_is_answered_untagged_with_one_tag_and_with_two(lab, to, size):
    done = pings(lab, to, "-s", size, "-M", "do")
    assert "3 received" in done.stdout, done.stdout


def test_ping6_over_a_vlan(lab):
    end = time.monotonic() + 10
    while lab.host("lan").run(["ping", "-6", "-c1", "-W1", "2001:2:0:100::1"]).returncode != 0:
        assert time.monotonic() < end, lab.host("lan").run(["ip", "-6", "addr"]).stdout
    done = lab.host("lan").run(["ping", "-6", "-c3", "-i0.2", "-W1", "-s", "1452", "2001:2:0:100::1"])
    assert "3 received" in done.stdout, done.stdout


@pytest.mark.parametrize("to", ["10.0.100.1", "10.0.200.1"])
def test_curl_gets_every_byte_over_a_vlan(lab, to):
    done = lab.host("lan").run(["curl", "-sS", "-m30", "-H", "Host: www.example.test", f"http://{to}/big.bin"], text=False)
    assert done.stdout == BIG, done.stderr


@pytest.mark.parametrize("device", ["office", "inner"])
def test_a_transfer_is_routed_between_a_vlan_and_another_port(lab, device, tmp_path):
    (tmp_path / "big.bin").write_bytes(BIG)
    server = serve_files(lab.host("wan"), tmp_path, "198.19.0.2")
    try:
        gateway = {"office": "10.0.100.1", "inner": "10.0.200.1"}[device]
        lab.host("lan").ip("route", "replace", "198.19.0.0/24", "via", gateway)
        done = lab.host("lan").run(["curl", "-sS", "-m30", "http://198.19.0.2:8080/big.bin"], text=False)
        assert done.stdout == BIG, done.stderr
    finally:
        server.terminate()
        server.wait()


def test_each_port_counts_its_own_packets(lab):
    def counted(port, which="rx"):
        return total(lab.metrics(), f"sluice_port_{which}_packets_total", port=port)

    before = {p: counted(p) for p in ("office", "inner")}
    assert "3 received" in pings(lab, "10.0.100.1").stdout
    assert counted("office") >= before["office"] + 3
    assert counted("office", "tx") > 0
    assert counted("inner") <= before["inner"] + 2, "none of these"
    assert total(lab.metrics(), "sluice_port_up", port="office") == 1


def reload(lab, sub=""):
    lab.write(sub)
    before = len(lab.log)
    lab.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 10
    while not any("reloaded" in line for line in lab.log[before:]):
        assert time.monotonic() < end
        time.sleep(0.02)
    assert not any("not reloaded" in line for line in lab.log[before:]), lab.log[before:]


def test_a_vlan_nobody_has_is_counted_and_comes_and_goes_by_reload(lab):
    def strangers():
        return total(lab.metrics(), "sluice_drops_total", room="link", reason="vlan")

    before = strangers()
    assert pings(lab, "10.0.30.1").returncode != 0
    assert strangers() > before
    for _ in range(2):
        reload(lab, LATER)
        assert "3 received" in pings(lab, "10.0.30.1").stdout
        assert "3 received" in pings(lab, "10.0.100.1").stdout, "the others stay"
        done = pings(lab, "10.0.30.1", "-s", "1300")
        assert "3 received" in done.stdout
        reload(lab)
        assert pings(lab, "10.0.30.1").returncode != 0
        assert "3 received" in pings(lab, "10.0.100.1").stdout


def test_a_trunk_that_had_no_vlans_gets_its_first_by_reload(lab):
    host = lab.host("wan")
    add_vlan(host, "first", ("802.1q", 5))
    host.ip("addr", "add", "10.0.5.2/24", "dev", "first")
    reload(lab, "  - { name: first, parent: wan, vlan: 5, addresses: [10.0.5.1/24] }")
    assert "3 received" in pings(lab, "10.0.5.1", host="wan").stdout
    reload(lab)


@pytest.fixture
def jumbo(tmp_path):
    """Ports of MTU 9000, and a VLAN on one, over veth."""
    (tmp_path / "www").mkdir()
    (tmp_path / "www/big.bin").write_bytes(BIG)
    config = tmp_path / "jumbo.yaml"
    config.write_text(CONFIG.format(device="af_packet", cores="[0]", more=", mtu: 9000", sub=""))
    with Lab(lab_name() + "j", HOSTS, device="af_packet") as lab:
        lab.start(SLUICE, config)
        for h in ("lan", "wan"):
            lab.host(h).ip("link", "set", "eth0", "mtu", "9008")
        host = lab.host("lan")
        host.run(["ethtool", "-K", "eth0", "txvlan", "off"])
        for name, address, *tags in (("office", "10.0.100.2/24", ("802.1q", 100)), ("inner", "10.0.200.2/24", ("802.1ad", 200), ("802.1q", 100))):
            add_vlan(host, name, *tags)
            host.ip("addr", "add", address, "dev", name)
            host.ip("link", "set", name, "mtu", "9000")
        yield lab
        assert lab.stop() == 0, "\n".join(lab.log[-30:])


def test_packets_of_9000_octets_pass_untagged_and_tagged_and_are_too_big_beyond(jumbo):
    for to in ("198.18.0.1", "10.0.100.1", "10.0.200.1", "198.19.0.2"):
        done = pings(jumbo, to, "-s", 8972, "-M", "do")
        assert "3 received" in done.stdout, (to, done.stdout)
    done = jumbo.host("lan").run(["curl", "-sS", "-m30", "-H", "Host: www.example.test", "http://198.18.0.1/big.bin"], text=False)
    assert done.stdout == BIG, done.stderr
