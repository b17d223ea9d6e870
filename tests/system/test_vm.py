# SPDX-License-Identifier: Apache-2.0
"""sluice in a guest under QEMU, on PCI cards: probing, vfio, queues, RSS, interrupts and offloads that no tap has."""
import os
import re
import time

import pytest
import vm as guest
from conftest import SLUICE, lab_name
from lab import total
from test_vlan import add_vlan

SECONDS = 600  # for all of it, on a machine without KVM that does other things too
CARDS = {"virtio": guest.Nic("virtio"), "virtio with two queues": guest.Nic("virtio", 2), "e1000e": guest.Nic("e1000e")}

pytestmark = pytest.mark.skipif(bool(guest.why_not()), reason=guest.why_not() or "-")


# Asks one name from many ports, so that the flows meet every entry of a device's table; prints how many were answered.
MANY_FLOWS = """
import socket, struct, sys
query = struct.pack("!HHHHHH", 7, 0, 1, 0, 0, 0) + b"\\3www\\7example\\4test\\0" + struct.pack("!HH", 1, 1)
answered = 0
for _ in range(int(sys.argv[2])):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.sendto(query, (sys.argv[1], 53))
        try:
            answered += bytes([198, 18, 0, 1]) in s.recv(512)
        except TimeoutError:
            pass
print(answered)
"""


@pytest.fixture(scope="module")
def vm():
    with guest.Vm(lab_name() + "v", list(CARDS.values())) as running:
        guest.put_content(running, os.urandom(1 << 20))
        running.ends = time.monotonic() + SECONDS
        yield running


@pytest.fixture(autouse=True)
def in_time(vm):
    if time.monotonic() > vm.ends:
        pytest.fail(f"the guest is too slow: more than {SECONDS} s")
    yield


@pytest.fixture
def bound(vm, request):
    card = CARDS[request.param]
    vm.run(f"scripts/bind vfio-pci {card.address}")
    yield card
    vm.run(f"scripts/bind --back {card.address}")


def test_a_card_is_taken_from_the_kernel_and_given_back(vm):
    card = CARDS["virtio"]
    assert f"{card.address}: virtio-pci -> vfio-pci; the interface eth0 is gone" in vm.run(f"scripts/bind vfio-pci {card.address}")[1]
    assert "vfio-pci" in vm.run("readlink /sys/bus/pci/devices/" + card.address + "/driver")[1]
    assert "vfio-pci -> virtio-pci; its interface is eth0" in vm.run(f"scripts/bind --back {card.address}")[1]


def test_the_card_of_the_default_route_stays(vm):
    vm.run("ip link set eth0 up && ip addr add 203.0.113.2/24 dev eth0 && ip route add default via 203.0.113.1")
    try:
        code, text = vm.run("scripts/bind vfio-pci eth0", check=False)
        assert code == 1 and "carries the default route" in text
    finally:
        vm.run("ip route del default; ip addr flush dev eth0; ip link set eth0 down")


def test_a_card_that_the_kernel_still_has_is_refused_with_what_to_type(vm):
    card = CARDS["e1000e"]
    (vm.exchange / "refused.yaml").write_text(guest.configuration(card))
    code, text = vm.run(f"timeout 60 {SLUICE} --config /mnt/refused.yaml", check=False, timeout=90)
    assert code == 1 and "is still bound to the kernel's driver e1000e" in text, text


@pytest.mark.parametrize("bound", CARDS, indirect=True)
def test_clients_are_served_through_the_card(vm, bound):
    us = f"{bound.network}.1"
    vm.start(SLUICE, guest.configuration(bound))
    try:
        ping = vm.host.run(["ping", "-c", "10", "-i", "0.2", "-W", "10", us]).stdout
        assert " 0% packet loss" in ping, ping + vm.log()
        assert vm.host.run(["dig", "@" + us, "+tries=3", "+time=5", "+short", "www.example.test"]).stdout == "198.18.0.1\n"
        wanted = (vm.exchange / "www/some.bin").read_bytes()
        for _ in range(4):  # from another port each time: several flows
            got = vm.host.run(["curl", "-sS", "--max-time", "60", "-H", "Host: www.example.test", f"http://{us}/some.bin"], text=False)
            assert got.stdout == wanted, got.stderr
        assert vm.host.run(["/usr/bin/python3", "-c", MANY_FLOWS, us, "300"]).stdout == "300\n"
        seen = vm.metrics()
        print({k: v for k, v in seen.items() if v and re.match("sluice_(port_steering|io_|drops|port_rx)", k)})
        assert total(seen, "sluice_http_responses_total") >= 4
        table = next(line for line in vm.log().splitlines() if line.startswith("lan "))
        assert re.search(rf" {bound.queues}/{bound.queues} ", table), table
        print(vm.log())
        if bound.queues > 1:
            verdicts = {k: v for k, v in seen.items() if k.startswith("sluice_port_steering") and v}
            assert len(verdicts) == bound.queues and all('by="queue"' in k for k in verdicts), f"RSS is proven: {verdicts}\n{table}"
            served = [total(seen, "sluice_io_rx_packets_total", worker=str(k)) for k in range(bound.queues)]
            assert all(served), f"each queue brings packets to its worker: {served}\n{table}"
    finally:
        code = vm.stop()
    assert code == 0, vm.log()


VLANS = {"office": ("10.0.100", "vlan: 100", [("802.1q", 100)]),
         "inner": ("10.0.200", "vlan: 100, outer_vlan: 200", [("802.1ad", 200), ("802.1q", 100)])}


def with_vlans(card, *names):
    ports = "".join(f"  - {{ name: {n}, parent: lan, {VLANS[n][1]}, addresses: [{VLANS[n][0]}.1/24] }}\n" for n in names)
    return guest.configuration(card).replace("dns:", ports + "dns:").replace(f"listen: [{card.network}.1:80]", "listen: [0.0.0.0:80]")


@pytest.mark.parametrize("bound", ["virtio", "e1000e"], indirect=True)
def test_vlans_are_served_through_a_card_that_takes_tags_off_and_puts_them_on(vm, bound):
    """One tag from the start, and then two by reload; a card that filters VLANs is told of both."""
    vm.start(SLUICE, with_vlans(bound, "office"))
    wanted = (vm.exchange / "www/some.bin").read_bytes()
    taggers = []  # where the kernel has no VLANs of its own
    try:
        heads, cells = (re.split(r"  +", line) for line in vm.log().splitlines() if re.match("(port|lan) ", line))
        assert dict(zip(heads, cells))["vlan"] == "yes", vm.log()
        for name, (network, _, tags) in VLANS.items():
            if name != "office":
                (vm.exchange / "sluice.yaml").write_text(with_vlans(bound, *VLANS))
                vm.run("kill -HUP $(cat /mnt/sluice.pid)")
            taggers.append(add_vlan(vm.host, name, *tags, port=bound.tap))
            vm.host.ip("addr", "add", f"{network}.2/24", "dev", name)
            end = time.monotonic() + 60  # the reload takes its time
            while vm.host.run(["ping", "-c", "1", "-W", "2", f"{network}.1"]).returncode != 0:
                assert time.monotonic() < end, vm.log()
            ping = vm.host.run(["ping", "-c", "5", "-i", "0.2", "-W", "10", f"{network}.1"]).stdout
            assert " 0% packet loss" in ping, ping + vm.log()
            got = vm.host.run(["curl", "-sS", "--max-time", "60", "-H", "Host: www.example.test", f"http://{network}.1/some.bin"], text=False)
            assert got.stdout == wanted, got.stderr
    finally:
        for tagger in filter(None, taggers):
            tagger.terminate()
            tagger.wait(10)
        for name in VLANS:
            vm.host.ip("link", "del", name, check=False)
        code = vm.stop()
    assert code == 0, vm.log()
