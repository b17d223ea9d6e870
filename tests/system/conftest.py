# SPDX-License-Identifier: Apache-2.0
"""The whole appliance against real clients in network namespaces. Which build: environment variable SLUICE_BUILD."""
import json
import os
import pathlib
import shutil
import socket
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from lab import Lab, exit_on_sigterm  # noqa: E402

BUILD = pathlib.Path(os.environ.get("SLUICE_BUILD", ROOT / "build"))
SLUICE = BUILD / "app/sluice"
SANITIZED = "asan" in BUILD.name

ZONE = """\
$ORIGIN example.test.
$TTL 300
@       IN SOA ns hostmaster 1 3600 600 86400 60
        IN NS  ns
        IN MX  10 mail
        IN CAA 0 issue "ca.example.test"
ns      IN A   198.18.0.1
www     IN A   198.18.0.1
        IN AAAA 2001:2::1
        IN TXT "a text" "and another"
mail    IN A   198.18.0.25
alias   IN CNAME www
*.wild  IN A   198.18.0.99
_http._tcp IN SRV 0 5 80 www
big     IN TXT ( "{0}" "{0}" "{0}" "{0}" "{0}" "{0}" "{0}" "{0}" )
""".format("x" * 250)


def pytest_configure(config):
    config.addinivalue_line("markers", "release_only: load and volume tests, too slow under sanitizers")
    exit_on_sigterm()


def pytest_collection_modifyitems(items):
    if os.geteuid() != 0:
        for item in items:
            item.add_marker(pytest.mark.skip(reason="the lab makes network namespaces: run as root"))


def telemetry(pid, command):
    """What sluice answers on DPDK's telemetry socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.settimeout(10)
        s.connect(f"/var/run/dpdk/sluice-{pid}/dpdk_telemetry.v2")
        s.recv(4096)  # the greeting
        s.send(command.encode())
        return json.loads(s.recv(65536))[command.split(",")[0]]


class Appliance:
    """A running sluice with hosts around it."""

    def __init__(self, lab, folder):
        self.lab, self.folder = lab, folder
        self.lan = lab.host("lan")
        self.www = folder / "www"

    @property
    def wan(self):
        return self.lab.host("wan")

    def curl(self, *words, **more):
        return self.lan.run(["curl", "-sS", "--max-time", "60", "--resolve", "www.example.test:80:198.18.0.1", *words], **more)

    def dig(self, *words):
        return self.lan.run(["dig", "@198.18.0.1", "+tries=1", "+time=5", *words]).stdout


def write_config(folder, device="tap", cores="[0]", mode="balanced", extra="", port_extra="", wan=True, name="lan"):
    """A configuration with a zone and a site beside it; returns its path."""
    (folder / "example.test.zone").write_text(ZONE)
    www = folder / "www"
    (www / "sub").mkdir(parents=True, exist_ok=True)
    (www / "index.html").write_text("<!doctype html><title>sluice</title><p>hello from sluice</p>\n")
    (www / "sub/index.html").write_text("sub\n")
    (www / "style.css").write_text("body{color:#123}\n")
    (www / "1k.bin").write_bytes(bytes(range(256)) * 4)
    ports = [f"  - {{ name: lan, device: {{ {device}: sluice-lan }}, addresses: [198.18.0.1/24]{port_extra} }}"]
    if wan:
        ports.append(f"  - {{ name: wan, device: {{ {device}: sluice-wan }}, addresses: [198.19.0.1/24]{port_extra} }}")
    text = "\n".join([
        f"workers: {{ cores: {cores}, mode: {mode} }}", "ports:", *ports,
        "dns:", "  - { listen: [198.18.0.1:53], zones: [ { name: example.test, file: example.test.zone } ] }",
        "http:", "  - { listen: [198.18.0.1:80], sites: [ { names: [www.example.test], root: www } ] }",
        "echo: [ { listen: [198.18.0.1:7] } ]", "discard: [ { listen: [0.0.0.0:9] } ]",
        "metrics: { listen: 127.0.0.1:9464 }", extra, ""])
    path = folder / "sluice.yaml"
    path.write_text(text)
    return path


@pytest.fixture(scope="session")
def sluice():
    assert SLUICE.exists(), f"{SLUICE} is not built"
    return SLUICE


@pytest.fixture(scope="module")
def module_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("appliance")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


HOSTS = {"lan": "198.18.0.2/24", "wan": "198.19.0.2/24"}


def lab_name():
    return f"sl{os.getpid()}"
