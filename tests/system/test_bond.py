# SPDX-License-Identifier: Apache-2.0
"""A port that is a bond of two taps, beside a switch (Linux' bridge) in the same namespace: one member at a time and what becomes of
a member that is lost; and both at once, by LACP (lacp.py)."""
import pathlib
import subprocess
import time

import pytest
from conftest import SLUICE, lab_name
from lab import Lab, total

LACP = pathlib.Path(__file__).with_name("lacp.py")
BIG = bytes(range(256)) * 8_000

CONFIG = """\
workers: {{ cores: [0], mode: {mode} }}
ports:
  - {{ name: lan, device: {{ bond: {bond}, members: [ {{ tap: sluice-a }}, {{ tap: sluice-b }} ] }}, addresses: [198.18.0.1/24] }}
http: [ {{ listen: [198.18.0.1:80], sites: [ {{ names: [www.example.test], root: www }} ] }} ]
echo: [ {{ listen: [198.18.0.1:7] }} ]
metrics: {{ listen: 127.0.0.1:9464 }}
"""
MEMBERS = ("sluice-a", "sluice-b")


def start(lab, folder, bond, mode, content=BIG):
    (folder / "www").mkdir()
    (folder / "www/big.bin").write_bytes(content)
    config = folder / "bond.yaml"
    config.write_text(CONFIG.format(bond=bond, mode=mode))
    lab.start(SLUICE, config)
    box = lab.box
    # An address of its own: else it takes its members', and has another when one of them is lost.
    box.ip("link", "add", "switch", "address", "02:00:00:00:00:02", "type", "bridge")
    for member in MEMBERS:
        box.ip("link", "set", member, "master", "switch", "up")
    box.ip("addr", "add", "198.18.0.2/24", "dev", "switch")
    box.ip("link", "set", "switch", "up")


def eventually(what, seconds=20):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.1)


def member(lab, kind, name):
    return total(lab.metrics(), f"sluice_port_member_{kind}", member=name)


def pings(lab):
    return lab.box.run(["ping", "-c1", "-W1", "198.18.0.1"]).returncode == 0


def fetch(lab):
    return lab.box.run(["curl", "-sS", "--max-time", "60", "--resolve", "www.example.test:80:198.18.0.1",
                        "http://www.example.test/big.bin"], text=False, check=True).stdout


@pytest.mark.parametrize("mode", ["balanced", "efficient"])
def test_one_member_at_a_time_and_the_other_when_it_is_lost(tmp_path, mode):
    with Lab(lab_name(), {}) as lab:
        start(lab, tmp_path, "active-backup", mode)
        a, b = MEMBERS
        eventually(lambda: pings(lab))
        assert fetch(lab) == BIG
        assert (member(lab, "active", a), member(lab, "active", b)) == (1, 0)
        lab.box.ip("link", "set", a, "down")
        eventually(lambda: member(lab, "active", b) == 1)
        assert (member(lab, "up", a), member(lab, "up", b)) == (0, 1)
        eventually(lambda: pings(lab))
        assert fetch(lab) == BIG
        lab.box.ip("link", "set", b, "down")
        eventually(lambda: total(lab.metrics(), "sluice_port_up", port="lan") == 0)
        lab.box.ip("link", "set", a, "up")
        eventually(lambda: total(lab.metrics(), "sluice_port_up", port="lan") == 1)
        eventually(lambda: pings(lab))
        assert fetch(lab) == BIG
        assert lab.stop() == 0


def test_a_transfer_outlives_the_member_it_runs_over(tmp_path):
    a, b = MEMBERS
    with Lab(lab_name(), {}) as lab:
        long = BIG * 16  # at 8 MB/s four seconds, far more than a socket takes ahead
        start(lab, tmp_path, "active-backup", "balanced", long)
        eventually(lambda: pings(lab))
        with lab.box.popen(["curl", "-sS", "--max-time", "60", "--limit-rate", "8M", "--resolve", "www.example.test:80:198.18.0.1",
                            "http://www.example.test/big.bin"], stdout=subprocess.PIPE) as curl:
            got = curl.stdout.read(4_000_000)
            assert member(lab, "active", a) == 1
            before = received(lab, b)
            lab.box.ip("link", "set", a, "down")
            got += curl.stdout.read()
        assert curl.returncode == 0
        assert got == long
        assert received(lab, b) - before > 1_000, "the rest came by the other member"
        for line in (f"member {a} has lost its link", f"member {b} carries packets now"):
            assert any(line in said for said in lab.log), lab.log
        assert lab.stop() == 0


@pytest.mark.parametrize("mode", ["balanced", "efficient"])
def test_both_members_by_lacp(tmp_path, mode):
    with Lab(lab_name(), {}) as lab:
        start(lab, tmp_path, "802.3ad", mode)
        with lab.box.popen(["/usr/bin/python3", LACP, *MEMBERS], stdout=subprocess.PIPE, text=True) as switch:
            try:
                said = {switch.stdout.readline().strip() for _ in MEMBERS}
                assert said == {f"{m} distributing" for m in MEMBERS}
                assert all(member(lab, "active", m) == 1 for m in MEMBERS)
                eventually(lambda: pings(lab))
                assert fetch(lab) == BIG
                before = [received(lab, m) for m in MEMBERS]
                for port in range(20_000, 20_040):  # flows by either member
                    lab.box.run(["python3", "-c", ECHO, str(port)], check=True)
                after = [received(lab, m) for m in MEMBERS]
                assert all(now > then + 5 for then, now in zip(before, after)), (before, after)
                lab.box.ip("link", "set", MEMBERS[1], "down")
                eventually(lambda: member(lab, "active", MEMBERS[1]) == 0)
                eventually(lambda: pings(lab))
                assert fetch(lab) == BIG
                lab.box.ip("link", "set", MEMBERS[1], "up")
                eventually(lambda: member(lab, "active", MEMBERS[1]) == 1, 60)
            finally:
                switch.terminate()
        assert lab.stop() == 0


# A datagram from port PORT, and its echo.
ECHO = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("198.18.0.2", int(sys.argv[1])))
s.settimeout(5)
s.sendto(b"hello", ("198.18.0.1", 7))
assert s.recv(100) == b"hello"
"""


def received(lab, interface):
    """Frames that sluice sent by this member."""
    return int(lab.box.run(["cat", f"/sys/class/net/{interface}/statistics/rx_packets"], check=True).stdout)
