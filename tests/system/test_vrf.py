# SPDX-License-Identifier: Apache-2.0
"""Two VRFs with the same networks and the same addresses, ours and the hosts': ping, curl, dig, hop by hop and routed transfers in
each, over IPv4 and IPv6, and nothing from one to the other; and VRFs, their routes and their ports that change by reload."""
import signal
import subprocess
import time

import pytest
from conftest import SLUICE, ZONE, lab_name
from lab import Lab, serve_files, total
from test_vlan import add_vlan

VRFS = ("red", "blue")
HOSTS = {f"{vrf}-{side}": f"10.{net}.0.2/24" for vrf in VRFS for side, net in (("in", 1), ("out", 2))}
BIG = {vrf: vrf.encode() * 300_000 for vrf in VRFS}
# Not over af_packet, where the kernel puts fragments together before we see them (stack/io/README.md).
WORKERS = {"tap-one-worker": ("tap", "[0]", ""), "tap-two-workers": ("tap", "[0, 1]", ", queues: 1")}

# Behind red's outer host is 10.3.0.0/24, which blue has no route to.
RED = "{ to: 10.3.0.0/24, via: 10.2.0.2, vrf: red }"


def port(host, device, more):
    vrf, side = host.split("-")
    net = 1 if side == "in" else 2
    return (f"  - {{ name: {host}, vrf: {vrf}, device: {{ {device}: sluice-{host} }}, "
            f"addresses: [10.{net}.0.1/24, '2001:2:{net}::1/64']{more} }}")


def configuration(device, cores, more, routes=(RED,), extra=()):
    return "\n".join([
        f"workers: {{ cores: {cores}, mode: balanced }}", "ports:", *(port(h, device, more) for h in HOSTS), *extra,
        "routes: [" + ", ".join(routes) + "]",
        "dns: [ { listen: [10.1.0.1:53], vrf: red, zones: [ { name: example.test, file: example.test.zone } ] } ]",
        "http:",
        "  - { listen: [0.0.0.0:80], vrf: red, sites: [ { names: [www.example.test], root: red } ] }",
        "  - { listen: ['10.1.0.1:80', '[2001:2:1::1]:80'], vrf: blue, sites: [ { names: [www.example.test], root: blue } ] }",
        "metrics: { listen: 127.0.0.1:9464 }", ""])


class Box:
    def __init__(self, lab, folder, setup):
        self.lab, self.setup, self.path = lab, setup, folder / "vrf.yaml"

    def write(self, **what):
        self.path.write_text(configuration(*self.setup, **what))

    def reload(self, **what):
        return self.again(configuration(*self.setup, **what))

    def again(self, text):
        """The lines said of it."""
        self.path.write_text(text)
        before = len(self.lab.log)
        self.lab.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 20
        while not any("reloaded" in line for line in self.lab.log[before:]):
            assert time.monotonic() < end, self.lab.log[before:]
            time.sleep(0.02)
        return self.lab.log[before:]

    def reloads(self, **what):
        said = self.reload(**what)
        assert said == [f"sluice: reloaded {self.path}"], said

    def host(self, vrf, side="in"):
        return self.lab.host(f"{vrf}-{side}")

    def ping(self, vrf, to, *words):
        """For what is not answered."""
        return self.host(vrf).run(["ping", "-c2", "-i0.2", "-W1", *words, to]).stdout

    def answers(self, vrf, to, *words):
        """One by one: ping waits for a later answer only as long as two earlier ones took, and this machine may pause."""
        return all(self.host(vrf).run(["ping", "-c1", "-W5", *words, to]).returncode == 0 for _ in range(3))

    def until_pings(self, vrf, to):
        end = time.monotonic() + 10
        while self.host(vrf).run(["ping", "-c1", "-W1", to]).returncode != 0:
            assert time.monotonic() < end
        return True

    def curl(self, vrf, url, *words):
        return self.host(vrf).run(["curl", "-sS", "-m30", "-H", "Host: www.example.test", *words, url], text=False).stdout


@pytest.fixture(scope="module", params=WORKERS, ids=str)
def box(request, tmp_path_factory):
    setup = WORKERS[request.param]
    folder = tmp_path_factory.mktemp("vrf")
    (folder / "example.test.zone").write_text(ZONE)
    for vrf in VRFS:
        (folder / vrf).mkdir()
        (folder / vrf / "who").write_bytes(BIG[vrf])
    with Lab(lab_name(), HOSTS, device=setup[0]) as lab:
        box = Box(lab, folder, setup)
        box.write()
        lab.start(SLUICE, box.path)
        for name, address in HOSTS.items():
            host, net = lab.host(name), address.split(".")[1]
            host.run(["sysctl", "-qw", "net.ipv6.conf.eth0.disable_ipv6=0", "net.ipv6.conf.eth0.accept_dad=0"], check=True)
            host.ip("-6", "addr", "add", f"2001:2:{net}::2/64", "dev", "eth0", "nodad")
            host.ip("-6", "route", "add", "default", "via", f"2001:2:{net}::1")
        box.host("red", "out").ip("addr", "add", "10.3.0.1/32", "dev", "lo")
        servers = [serve_files(box.host(vrf, "out"), folder / vrf, "0.0.0.0") for vrf in VRFS]
        servers += [serve_files(box.host("red", "out"), folder / "red", "10.3.0.1", 8081)]
        try:
            for vrf in VRFS:  # our IPv6 addresses are proved free first
                box.until_pings(vrf, "2001:2:1::1")
            yield box
        finally:
            for server in servers:
                server.terminate()
                server.wait()
        assert lab.stop() == 0, "\n".join(lab.log[-30:])


def icmp_in(box):
    """ICMP messages that each host has had."""
    rows = {name: box.lab.host(name).run(["cat", "/proc/net/snmp"]).stdout for name in HOSTS}
    return {name: int(next(line for line in text.splitlines() if line.startswith("Icmp: ") and line[6].isdigit()).split()[1])
            for name, text in rows.items()}


@pytest.mark.parametrize("vrf", VRFS)
@pytest.mark.parametrize("to", ["10.1.0.1", "10.2.0.1", "2001:2:1::1", "10.2.0.2", "2001:2:2::2"])
def test_ping_is_answered_by_us_and_through_us(box, vrf, to):
    if to.startswith("2001:2:2"):
        box.until_pings(vrf, to)
    assert box.answers(vrf, to)


@pytest.mark.parametrize("vrf", VRFS)
def test_pings_of_one_are_seen_by_none_of_the_other(box, vrf):
    before = icmp_in(box)
    assert box.answers(vrf, "10.2.0.2", "-s", "3000")  # in fragments
    assert box.answers(vrf, "10.1.0.1", "-s", "3000")
    after = icmp_in(box)
    seen = {name for name in HOSTS if after[name] != before[name]}
    assert seen == {f"{vrf}-in", f"{vrf}-out"}, (before, after)


@pytest.mark.parametrize("vrf", VRFS)
@pytest.mark.parametrize("at", ["10.1.0.1", "[2001:2:1::1]"])
def test_curl_gets_the_vrfs_own_site(box, vrf, at):
    assert box.curl(vrf, f"http://{at}/who") == BIG[vrf]


def test_two_transfers_with_the_same_addresses_and_ports_at_once(box):
    words = ["curl", "-sS", "-m40", "--limit-rate", "1M", "--local-port", "40123", "-H", "Host: www.example.test", "http://10.1.0.1/who"]
    both = {vrf: box.host(vrf).popen(words, stdout=subprocess.PIPE) for vrf in VRFS}
    for vrf, process in both.items():
        assert process.communicate(timeout=60)[0] == BIG[vrf]


@pytest.mark.parametrize("vrf", VRFS)
def test_a_routed_transfer_reaches_the_vrfs_own_host(box, vrf):
    assert box.curl(vrf, "http://10.2.0.2:8080/who") == BIG[vrf]


def test_a_route_of_one_is_none_of_the_other(box):
    assert box.curl("red", "http://10.3.0.1:8081/who") == BIG["red"]
    before = icmp_in(box)
    said = box.ping("blue", "10.3.0.1")
    assert "0 received" in said and "From 10.1.0.1" in said and "Unreachable" in said, said
    after = icmp_in(box)
    assert {name for name in HOSTS if after[name] != before[name]} == {"blue-in"}


@pytest.mark.parametrize("vrf,hops", [("red", ["10.1.0.1", "10.3.0.1"]), ("blue", ["10.1.0.1", "10.1.0.1"])])
def test_hop_by_hop_each_error_comes_back_in_its_vrf(box, vrf, hops):
    for ttl, hop in enumerate(hops, 1):
        said = box.host(vrf).run(["ping", "-c1", "-W2", "-t", str(ttl), "10.3.0.1"]).stdout
        assert hop in said.split("\n", 1)[1].split("---")[0], said


def test_who_listens_in_one_does_not_in_the_other(box):
    query = ["dig", "@10.1.0.1", "+tries=1", "+time=3", "+short", "www.example.test", "A"]
    assert box.host("red").run(query).stdout.strip() == "198.18.0.1"
    refused = box.host("blue").run(query)
    assert refused.returncode != 0 and "refused" in refused.stdout, refused.stdout
    # Red listens at every address of its own, blue at one.
    assert box.curl("red", "http://10.2.0.1/who") == BIG["red"]
    assert box.host("blue").run(["curl", "-sS", "-m5", "http://10.2.0.1/who"]).returncode == 7  # refused


def test_metrics_count_the_routes_of_each(box):
    m = box.lab.metrics()
    red, blue = (total(m, "sluice_routes", vrf=v) for v in VRFS)
    assert red == blue + 1, (red, blue)
    assert total(m, "sluice_routes", vrf="default") == 0
    assert 0 < total(m, "sluice_route_table_bytes", vrf="blue") < 4 << 20


def test_routes_and_addresses_of_a_vrf_change_by_reload(box):
    blue = RED.replace("red", "blue")
    box.host("blue", "out").ip("addr", "replace", "10.3.0.1/32", "dev", "lo")
    box.reloads(routes=(blue,))
    assert "0 received" in box.ping("red", "10.3.0.1")
    assert box.answers("blue", "10.3.0.1")
    # The other's change is refused whole when one of them cannot be.
    said = box.reload(routes=(RED, "{ to: 10.9.0.0/24, via: 10.9.9.9, vrf: blue }"))
    assert any("10.9.9.9 is on none of our networks" in line for line in said), said
    assert "0 received" in box.ping("red", "10.3.0.1")
    box.reloads()
    assert box.answers("red", "10.3.0.1")
    assert "0 received" in box.ping("blue", "10.3.0.1")


def test_a_port_with_a_parent_moves_to_another_vrf_and_to_a_new_one_by_reload(box):
    host = box.host("blue")
    add_vlan(host, "tagged", ("802.1q", 77))
    host.ip("addr", "add", "10.7.0.2/24", "dev", "tagged")
    host.ip("route", "replace", "10.3.0.1/32", "via", "10.7.0.1")

    def tagged(vrf):
        return [f"  - {{ name: tagged, parent: blue-in, vlan: 77, vrf: {vrf}, addresses: [10.7.0.1/24] }}"]

    # Blue's host, by its tag, is in red: it reaches what only red has a route to.
    box.reloads(extra=tagged("red"))
    box.host("red", "out").ip("route", "replace", "10.7.0.0/24", "via", "10.2.0.1")
    assert box.until_pings("blue", "10.7.0.1")
    assert box.answers("blue", "10.3.0.1")
    assert box.curl("blue", "http://10.7.0.1/who") == BIG["red"]
    # Then in a VRF of its own, new to us.
    box.reloads(extra=tagged("green"))
    assert box.until_pings("blue", "10.7.0.1")
    assert "0 received" in box.ping("blue", "10.3.0.1")
    assert host.run(["curl", "-sS", "-m5", "http://10.7.0.1/who"]).returncode == 7
    assert total(box.lab.metrics(), "sluice_routes", vrf="green") == 3
    box.reloads()
    host.ip("route", "del", "10.3.0.1/32")
    assert "0 received" in box.ping("blue", "10.7.0.1")


def test_a_port_with_a_device_needs_a_restart_to_change_its_vrf(box):
    lines = configuration(*box.setup).splitlines()
    at = next(i for i, line in enumerate(lines) if "name: blue-out" in line)
    lines[at] = lines[at].replace("vrf: blue", "vrf: red").replace("10.2.0.1/24, '2001:2:2::1/64'", "10.5.0.1/24")
    said = box.again("\n".join(lines))
    assert any("ports[blue-out].vrf cannot change while sluice runs: restart it" in line for line in said), said
    assert box.answers("blue", "10.2.0.2")
