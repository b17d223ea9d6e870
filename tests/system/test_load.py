# SPDX-License-Identifier: Apache-2.0
"""sluice-load, the load generator, against a real sluice: over the data path of a VM, and over taps on a bridge."""
import contextlib
import json
import os
import re
import subprocess
import time

import pytest
from conftest import BUILD, SLUICE, lab_name, write_config
from lab import Lab

LOAD = BUILD / "app/sluice-load"
SHORT = ["--duration", "1s", "--warmup", "200ms", "--quiet", "--patience", "60s"]
URL = "http://198.18.0.1/1k.bin"


class Generator:
    """sluice-load and a sluice at the other end, in one box; `device`: how they are joined."""

    def __init__(self, lab, folder, device):
        self.lab, self.folder, self.device = lab, folder, device
        self.load = f"vhost_user:{folder}/x.sock" if device == "vhost" else "tap:load0"
        lines = write_config(folder, wan=False).read_text()
        if device == "vhost":
            lines = lines.replace("tap: sluice-lan", f"virtio_user: {folder}/x.sock")
        lines = lines.replace("198.18.0.1/24", "198.18.0.1/16, 2001:2::1/64")
        lines = re.sub(r"listen: \[198\.18\.0\.1:(\d+)\]", r'listen: [ 198.18.0.1:\1, "[2001:2::1]:\1" ]', lines)
        self.config = folder / "load.yaml"
        self.config.write_text(lines + "routes: [ { to: 10.0.0.0/8, via: 198.18.0.2 }, { to: 2001:2:f::/48, via: 2001:2::2 } ]\n")

    def __call__(self, *words, code=0, address="198.18.0.2/16"):
        result = self.folder / "result.json"
        result.unlink(missing_ok=True)
        process = self.lab.box.popen([LOAD, words[0], "--device", self.load, "--address", address, "--core",
                                      max(os.sched_getaffinity(0)), "--json", result, *SHORT, *words[1:]],
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            self.join(process)
            out = process.communicate(timeout=120)[0]
        finally:
            process.kill()
            process.wait()
            assert self.lab.stop() in (0, None), self.lab.log[-20:]
        assert process.returncode == code, out
        return json.loads(result.read_text()) if result.exists() else {}, out

    def join(self, process):
        if self.device == "vhost":  # whoever serves the socket comes first
            self.wait_for(process, (self.folder / "x.sock").exists)
            self.lab.start(SLUICE, self.config)
            return
        self.lab.start(SLUICE, self.config)
        box = self.lab.box
        self.wait_for(process, lambda: box.ip("link", "show", "load0", check=False).returncode == 0)
        box.ip("link", "add", "br0", "type", "bridge", check=False)
        for link in ("sluice-lan", "load0", "br0"):
            if link != "br0":
                box.ip("link", "set", link, "master", "br0")
            box.ip("link", "set", link, "up")

    @staticmethod
    def wait_for(process, there):
        end = time.monotonic() + 60
        while not there():
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < end, "the generator's end of the wire does not come"
            time.sleep(0.05)


@pytest.fixture(params=["vhost", "tap"])
def generator(request, tmp_path):
    with Lab(lab_name(), {}) as lab:
        yield Generator(lab, tmp_path, request.param)


@pytest.fixture
def pair(tmp_path):
    with Lab(lab_name(), {}) as lab:
        yield Generator(lab, tmp_path, "vhost")


def fine(result, least):
    assert result["received"] > least, result
    assert result["errors"] == {}, result
    assert result["corrupted"] == result["strange"] == 0, result
    assert result["latency_ns"]["count"] == result["received"]
    assert result["generator"]["resident_octets"] > 10_000_000
    assert 0 < result["generator"]["busy_share"] <= 1 and result["generator"]["ceiling_per_second"] > 0


def test_http_keep_alive(generator):
    result, out = generator("http", URL, "--connections", "16")
    fine(result, 200)
    assert result["octets_per_second"] == pytest.approx(result["per_second"] * 1024)
    assert "requests/s" in out and "alone it could do" in out


def test_http_a_connection_for_each_request(generator):
    result, _ = generator("http", URL, "--connections", "16", "--requests", "1", "--sources", "4")
    fine(result, 50)
    assert abs(result["connections_opened"] - result["received"]) <= 32


def test_http_at_a_rate(pair):
    result, _ = pair("http", URL, "--rate", "500", "--pipeline", "4")
    fine(result, 400)
    assert result["offered_per_second"] == pytest.approx(500, rel=0.05)


def test_http_wrong_content_and_status_are_found(pair, tmp_path):
    right = bytes(range(256)) * 4
    (tmp_path / "body").write_bytes(right[:1000] + b"!" + right[1001:])
    result, out = pair("http", URL, "--body", tmp_path / "body", code=3)
    assert result["received"] == 0 and result["errors"]["wrong_body"] > 0, out
    assert "another content" in out
    (tmp_path / "body").write_bytes(right)
    result, _ = pair("http", URL, "--body", tmp_path / "body")
    fine(result, 100)
    result, out = pair("http", URL + "x", code=3)
    assert result["received"] == 0 and result["errors"]["wrong_status"] > 0 and "404" in out


def test_http_connections_are_held(pair):
    result, _ = pair("http", URL, "--hold", "--connections", "500", "--sources", "2")
    assert result["connections_held"] == 500 and result["errors"] == {}
    assert result["opening_s"] > 0


@pytest.mark.parametrize("forward", ["true", "false"])
def test_bulk_both_ways_arrives_octet_by_octet(pair, forward):
    """Over the data path of a VM: segments that nobody cuts, checksums that nobody makes; a router takes them only whole."""
    big = pair.folder / "www/big.bin"
    big.write_bytes(os.urandom(3_000_001))
    pair.config.write_text(pair.config.read_text().replace("root: www } ] }", "root: www } ], body_max: 100M }") +
                           f"ip: {{ forward: {forward} }}\n")
    result, out = pair("http", URL.replace("1k", "big"), "--connections", "3", "--body", big, "--timeout", "20s")
    fine(result, 5)
    result, out = pair("http", URL, "--connections", "3", "--upload", 3_000_001, "--expect-status", "405", "--timeout", "20s")
    fine(result, 5)


def test_dns(generator, tmp_path):
    queries = tmp_path / "queries"
    queries.write_text("www.example.test A\n# a remark\nnothing.example.test A\nmail.example.test AAAA\n")
    result, _ = generator("dns", "--server", "198.18.0.1", "--queries", queries, "--outstanding", "32")
    fine(result, 500)


def test_dns_wrong_answers_are_found(pair):
    names = ["dns", "--server", "198.18.0.1", "--name-pattern", "a{0..99}.wild.example.test"]
    result, _ = pair(*names, "--expect-answers", "1", "--expect-rcode", "NOERROR")
    fine(result, 500)
    result, out = pair(*names, "--expect-answers", "2", code=3)
    assert result["received"] == 0 and result["errors"]["wrong_answers"] > 0, out
    result, _ = pair(*names, "--expect-rcode", "NXDOMAIN", code=3)
    assert result["received"] == 0 and result["errors"]["wrong_rcode"] > 0


def test_pings_of_all_sizes(generator):
    result, out = generator("ip", "--echo", "--target", "198.18.0.1", "--size", "all", "--rate", "1000")
    assert [r["size"] for r in result["runs"]] == ["64", "128", "256", "512", "1024", "1280", "1518", "imix"]
    for r in result["runs"]:
        assert r["received"] > 500 and r["corrupted"] == 0, r
        assert r["received"] + r["lost"] == r["sent"]


def test_honest_requests_beside_a_flood_of_syns(generator):
    result, out = generator("syn", URL, "--connections", "8", "--requests", "1", "--flood-rate", "5000",
                            "--flood-sources", "10.0.0.0/8")
    fine(result, 20)
    assert result["flood"]["sent"] > 1000 and result["flood"]["answers"] > 100, out


def test_every_mode_speaks_ip6(generator, tmp_path):
    ours = {"address": "2001:2::2/64"}
    url = "http://[2001:2::1]/1k.bin"
    result, _ = generator("http", url, "--connections", "8", "--requests", "1", "--sources", "4", **ours)
    fine(result, 50)
    queries = tmp_path / "queries"
    queries.write_text("www.example.test A\nnothing.example.test A\n")
    result, _ = generator("dns", "--server", "2001:2::1", "--queries", queries, "--outstanding", "32", **ours)
    fine(result, 500)
    result, _ = generator("ip", "--echo", "--target", "2001:2::1", "--size", "all", "--rate", "1000", **ours)
    assert [r["size"] for r in result["runs"]] == ["84", "128", "256", "512", "1024", "1280", "1518", "imix"]
    for r in result["runs"]:
        assert r["received"] > 500 and r["corrupted"] == r["strange"] == 0, r
    result, out = generator("syn", url, "--connections", "8", "--requests", "1", "--flood-rate", "5000", "--flood-sources",
                            "2001:2:f::/64", **ours)
    fine(result, 20)
    assert result["flood"]["sent"] > 1000 and result["flood"]["answers"] > 100, out


@pytest.mark.parametrize("family", [4, 6])
def test_udp_through_the_router_both_ways(tmp_path, family):
    """Two ports of sluice and two of the generator: everything arrives, in order."""
    config = tmp_path / "router.yaml"
    length = {4: 24, 6: 64}[family]
    net = [{4: "198.1{}.0.", 6: "2001:2:0:{}::"}[family].format(8 + i) for i in (0, 1)]
    far = {4: "10.0.0.0/8", 6: "2001:2:f::/48"}[family]
    (tmp_path / "targets").write_text("# some\n" + {4: "10.1.2.3\n10.9.9.9\n", 6: "2001:2:f::7\n2001:2:f:1::8\n"}[family])
    config.write_text("workers: { cores: [0] }\nports:\n" + "".join(
        f"  - {{ name: p{i}, device: {{ virtio_user: {tmp_path}/{i}.sock }}, addresses: [ {net[i]}1/{length} ] }}\n"
        for i in (0, 1)) + f"routes: [ {{ to: {far}, via: '{net[1]}2' }} ]\n")
    with Lab(lab_name(), {}) as lab:
        for more in (["--bidirectional"], ["--targets", far, "--target-count", "5000"], ["--target-list", tmp_path / "targets"]):
            result = tmp_path / "result.json"
            words = [LOAD, "udp", "--core", max(os.sched_getaffinity(0)), "--rate", "2000", "--size", "imix", "--json", result, *SHORT]
            for i in (0, 1):
                words += ["--device", f"vhost_user:{tmp_path}/{i}.sock", "--address", f"{net[i]}2/{length}", "--gateway", f"{net[i]}1"]
            process = lab.box.popen([*words, *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            with contextlib.ExitStack() as stack:
                stack.callback(process.kill)
                Generator.wait_for(process, (tmp_path / "1.sock").exists)
                lab.start(SLUICE, config)
                out = process.communicate(timeout=120)[0]
            assert process.returncode == 0, out
            assert lab.stop() == 0
            r = json.loads(result.read_text())
            assert r["received"] > 1000, out
            assert r["corrupted"] == r["duplicated"] == r["reordered"] == 0, out
            assert r["received"] + r["lost"] == r["sent"], out


@pytest.mark.parametrize("words,code,says", [
    (["http", URL], 2, "--device"),
    (["http", "https://198.18.0.1/", "--device", "tap:x", "--address", "198.18.0.2/24"], 2, "http://"),
    (["dns", "--server", "198.18.0.1", "--queries", "/nonexistent", "--device", "tap:x", "--address", "198.18.0.2/24"], 1,
     "cannot be read"),
    (["udp", "--echo", "--target-list", "/nonexistent", "--device", "tap:x", "--address", "198.18.0.2/24"], 1, "cannot be read"),
    (["udp", "--echo", "--target-list", "/etc/hosts", "--device", "tap:x", "--address", "198.18.0.2/24"], 1, "/etc/hosts, line "),
    (["udp", "--echo", "--target-list", "/dev/null", "--device", "tap:x", "--address", "198.18.0.2/24"], 1, "has no address"),
    (["http", URL, "--device", "af_packet:nosuch0", "--address", "198.18.0.2/24"], 1, "ip link"),
], ids=["no-device", "not-http", "no-file", "no-list", "not-a-list", "empty-list", "no-interface"])
def test_what_cannot_be_is_told(words, code, says):
    with Lab(lab_name(), {}) as lab:
        done = lab.box.run([LOAD, *words])
        assert done.returncode == code and says in done.stderr, done.stderr


def test_nobody_at_the_other_end_is_told(tmp_path):
    with Lab(lab_name(), {}) as lab:
        done = lab.box.run([LOAD, "http", URL, "--device", f"vhost_user:{tmp_path}/x.sock", "--address", "198.18.0.2/24",
                            "--patience", "300ms"])
        assert done.returncode == 1 and "nobody is at the other end" in done.stderr, done.stderr
