# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: addresses, routes, neighbours and zones change under running transfers; a file with an error changes nothing."""
import hashlib
import signal
import subprocess
import time

import pytest
from conftest import HOSTS, SLUICE, ZONE, lab_name
from lab import Lab, total

BIG = bytes(range(256)) * 40_000  # 10 MB


def configuration(lan="", wan="", routes=(), extra=""):
    return "\n".join([
        "workers: { cores: [0, 1], mode: balanced }", "ports:",
        f"  - {{ name: lan, device: {{ tap: sluice-lan }}, addresses: [198.18.0.1/24{lan}] }}",
        f"  - {{ name: wan, device: {{ tap: sluice-wan }}, addresses: [198.19.0.1/24]{wan} }}",
        "routes: [" + ", ".join(f"{{ {r} }}" for r in routes) + "]",
        "dns: [ { listen: [198.18.0.1:53], zones: [ { name: example.test, file: example.test.zone } ] } ]",
        "http: [ { listen: [0.0.0.0:80], sites: [ { names: [www.example.test], root: www } ] } ]",
        "metrics: { listen: 127.0.0.1:9464 }", extra, ""])


class Box:
    def __init__(self, lab, folder):
        self.lab, self.folder = lab, folder
        self.path = folder / "reload.yaml"

    def reload(self, text):
        """Writes the file, sends the signal, waits for the outcome; returns the lines said meanwhile."""
        self.path.write_text(text)
        return self.again()

    def again(self):
        before = len(self.lab.log)
        self.lab.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            said = self.lab.log[before:]
            if any("reloaded" in line for line in said):
                return said
            time.sleep(0.02)
        raise AssertionError("nothing said of a reload: " + "\n".join(self.lab.log[before:]))

    def reloads(self, text):
        said = self.reload(text)
        assert any(line == f"sluice: reloaded {self.path}" for line in said), said

    def refuses(self, text, *words):
        said = self.reload(text)
        assert any("not reloaded, everything stays as it was" in line for line in said), said
        for w in words:
            assert any(w in line for line in said), (w, said)

    def pings(self, host, to):
        return self.lab.host(host).run(["ping", "-c1", "-W1", to]).returncode == 0

    def until_pings(self, host, to, seconds=10):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.pings(host, to):
                return True
        return False


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reload")
    (folder / "www").mkdir()
    (folder / "www/big.bin").write_bytes(BIG)
    (folder / "example.test.zone").write_text(ZONE)
    with Lab(lab_name(), HOSTS) as lab:
        box = Box(lab, folder)
        box.path.write_text(configuration())
        lab.start(SLUICE, box.path)
        lab.host("lan").ip("addr", "add", "203.0.113.2/24", "dev", "eth0")
        lab.host("wan").ip("link", "set", "lo", "up")
        lab.host("wan").ip("addr", "add", "192.0.2.1/32", "dev", "lo")
        yield box
        assert lab.stop() == 0, "\n".join(lab.log[-30:])


def download(box):
    """A download that takes some seconds, as a process."""
    return box.lab.host("lan").popen(
        ["curl", "-sS", "--max-time", "60", "--limit-rate", "2M", "-H", "Host: www.example.test", "http://198.18.0.1/big.bin"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_transfer_goes_on_while_addresses_routes_and_neighbours_come_and_go(box):
    mac = box.lab.host("wan").run(["cat", "/sys/class/net/eth0/address"]).stdout.strip()
    running = download(box)
    assert not box.pings("lan", "203.0.113.1") and not box.pings("lan", "192.0.2.1")
    for _ in range(2):
        box.reloads(configuration(lan=", 203.0.113.1/24", routes=["to: 192.0.2.0/24, via: 198.19.0.2"],
                                  wan=f", neighbours: [ {{ address: 198.19.0.2, mac: '{mac}' }} ]"))
        assert box.until_pings("lan", "203.0.113.1"), "the new address answers"
        assert box.until_pings("lan", "192.0.2.1"), "the new route is taken"
        box.reloads(configuration())
        assert not box.pings("lan", "203.0.113.1"), "the address is gone"
        assert not box.pings("lan", "192.0.2.1"), "the route is gone"
    assert running.poll() is None, "the transfer was meant to outlast the changes"
    got, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert hashlib.sha256(got).digest() == hashlib.sha256(BIG).digest()


def test_a_listener_on_all_addresses_answers_on_a_new_one(box):
    box.reloads(configuration(lan=", 203.0.113.1/24"))
    assert box.until_pings("lan", "203.0.113.1")
    done = box.lab.host("lan").run(["curl", "-sS", "-m5", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: www.example.test",
                                    "http://203.0.113.1/big.bin"])
    assert done.stdout == "200", done.stderr
    box.reloads(configuration())


def test_a_static_neighbour_is_believed_against_the_network(box):
    def contradicted():
        return total(box.lab.metrics(), "sluice_neighbours_total", event="static_contradicted")

    before = contradicted()
    box.reloads(configuration(wan=", neighbours: [ { address: 198.19.0.2, mac: '02:00:00:00:00:77' } ]"))
    box.lab.host("wan").ip("neigh", "flush", "all")
    assert not box.pings("wan", "198.19.0.1"), "answers go where the user said"
    assert contradicted() > before
    box.reloads(configuration())
    assert box.until_pings("wan", "198.19.0.1")


def test_a_file_with_an_error_changes_nothing(box):
    good = configuration(lan=", 203.0.113.1/24", routes=["to: 192.0.2.0/24, via: 198.19.0.2"])
    box.reloads(good)
    assert box.until_pings("lan", "203.0.113.1") and box.until_pings("lan", "192.0.2.1")
    before = box.lab.metrics()
    broken = [
        ("ports: [\n", "reload.yaml:"),
        (configuration(routes=["to: 192.0.2.0/24, via: 198.51.100.1"]), "gateway 198.51.100.1 is on none of our networks"),
        (configuration(routes=["to: 192.0.2.0/24, vai: 198.19.0.2"]), "'via' would be right"),
        (configuration(extra="route_files: [missing]"), "cannot be read"),
    ]
    for text, words in broken:
        box.refuses(text, words)
        assert box.pings("lan", "203.0.113.1") and box.pings("lan", "192.0.2.1")
    after = box.lab.metrics()
    assert total(after, "sluice_reloads_total", result="failed") == total(before, "sluice_reloads_total", result="failed") + len(broken)
    assert after["sluice_reload_last_ok"] == 0
    box.reloads(configuration())
    assert box.lab.metrics()["sluice_reload_last_ok"] == 1


def test_what_cannot_change_is_refused_by_name(box):
    one_worker = configuration().replace("[0, 1]", "[0]")
    box.refuses(one_worker, "workers.cores cannot change while sluice runs")
    box.refuses(configuration(wan=", mtu: 1400"), "ports[wan].mtu cannot change while sluice runs")
    box.refuses(configuration(extra="memory: { packets: 20000 }"), "memory.packets cannot change while sluice runs")
    box.refuses(configuration().replace("sluice-wan", "sluice-dmz"), "ports[wan].device cannot change while sluice runs")
    more = configuration().replace("routes:", "  - { name: dmz, device: { tap: sluice-dmz } }\nroutes:")
    box.refuses(more, "ports[dmz] cannot change while sluice runs")
    assert box.pings("lan", "198.18.0.1")


def test_zones_are_read_again(box):
    def www():
        return box.lab.host("lan").run(["dig", "+short", "+time=2", "@198.18.0.1", "new.example.test"]).stdout.strip()

    assert www() == ""
    (box.folder / "example.test.zone").write_text(ZONE + "new IN A 198.18.0.77\n")
    box.reloads(configuration())
    assert www() == "198.18.0.77"
    (box.folder / "example.test.zone").write_text(ZONE + "new IN A nonsense\n")
    box.refuses(configuration(), "example.test.zone:")
    assert www() == "198.18.0.77"
    (box.folder / "example.test.zone").write_text(ZONE)
    box.reloads(configuration())
    assert www() == ""


def test_thirty_thousand_routes_of_each_family_come_and_go(box):
    lines = [f"10.{i >> 8}.{i & 255}.0/24 via 198.19.0.2" for i in range(30_000)]
    lines += [f"2001:db8:{i:x}::/48 dev wan" for i in range(30_000)]
    (box.folder / "routes").write_text("\n".join(lines) + "\n")
    running = download(box)
    box.reloads(configuration(extra="route_files: [routes]"))
    box.lab.host("wan").ip("addr", "add", "10.77.7.1/32", "dev", "lo")
    assert box.until_pings("lan", "10.77.7.1")
    box.reloads(configuration())
    assert not box.pings("lan", "10.77.7.1")
    got, err = running.communicate(timeout=60)
    assert running.returncode == 0 and got == BIG, err
