# SPDX-License-Identifier: Apache-2.0
"""Every device kind that needs no NIC, with a real sluice at it: pairs of appliances, captures, made-up packets."""
import contextlib
import hashlib
import os
import socket
import struct
import time

import pytest
from conftest import SLUICE, lab_name
from lab import Lab, LabError, serve_files, total

LAN, WAN = {"lan": "198.18.0.2/24"}, {"wan": "198.19.0.2/24"}


def configuration(folder, *ports, routes=(), cores="[0]", extra=""):
    path = folder / f"{len(list(folder.glob('*.yaml')))}.yaml"
    lines = [f"workers: {{ cores: {cores} }}", "ports:", *(f"  - {{ {p} }}" for p in ports)]
    if routes:
        lines += ["routes:", *(f"  - {{ {r} }}" for r in routes)]
    path.write_text("\n".join([*lines, "metrics: { listen: 127.0.0.1:9464 }", extra, ""]))
    return path


@contextlib.contextmanager
def two_appliances(folder, first, second, cores="[0]", extra=""):
    """lan - sluice - sluice - wan: the appliances joined by a port each of the given devices; `first` starts first."""
    a = configuration(folder, "name: lan, device: { tap: sluice-lan }, addresses: [198.18.0.1/24]",
                      f"name: mid, device: {{ {first} }}, addresses: [10.0.0.1/30]",
                      routes=["to: 198.19.0.0/24, via: 10.0.0.2"], cores=cores, extra=extra)
    b = configuration(folder, "name: wan, device: { tap: sluice-wan }, addresses: [198.19.0.1/24]",
                      f"name: mid, device: {{ {second} }}, addresses: [10.0.0.2/30]",
                      routes=["to: 198.18.0.0/24, via: 10.0.0.1"], cores=cores, extra=extra)
    with Lab(lab_name() + "a", LAN) as near, Lab(lab_name() + "b", WAN) as far:
        near.start(SLUICE, a)
        far.start(SLUICE, b)
        yield near, far
        assert far.stop() == 0, far.log[-20:]
        assert near.stop() == 0, near.log[-20:]


def passes_traffic(near, far, folder):
    lan, wan = near.host("lan"), far.host("wan")
    end = time.monotonic() + 20
    while " 0% packet loss" not in lan.run(["ping", "-c", "1", "-W", "1", "198.19.0.2"]).stdout:
        assert time.monotonic() < end, "the two appliances find each other\n" + "\n".join(near.log + far.log)
    files = folder / "files"
    files.mkdir()
    (files / "some.bin").write_bytes(os.urandom(3_000_000))
    server = serve_files(wan, files, "198.19.0.2")
    try:
        got = lan.run(["curl", "-s", "--max-time", "60", "http://198.19.0.2:8080/some.bin"], text=False, timeout=90).stdout
        assert hashlib.sha256(got).digest() == hashlib.sha256((files / "some.bin").read_bytes()).digest()
    finally:
        server.kill()
        server.wait()
    out = lan.run(["ping", "-f", "-c", "500", "-W", "2", "-s", "1472", "198.19.0.2"]).stdout
    assert "500 packets transmitted, 500 received" in out, out


@pytest.mark.parametrize("cores", ["[0]", "[0, 1]"], ids=["one-worker", "two-workers"])
def test_memif_joins_two_appliances(tmp_path, cores):
    path = tmp_path / "m.sock"
    with two_appliances(tmp_path, f"memif: {path}, args: role=server", f"memif: {path}", cores) as (near, far):
        passes_traffic(near, far, tmp_path)


@pytest.mark.parametrize("cores", ["[0]", "[0, 1]"], ids=["one-worker", "two-workers"])
def test_virtio_user_meets_vhost_user(tmp_path, cores):
    path = tmp_path / "v.sock"
    with two_appliances(tmp_path, f"vhost_user: {path}", f"virtio_user: {path}", cores) as (near, far):
        passes_traffic(near, far, tmp_path)


@pytest.mark.parametrize("device", ["memif: {}, args: role=server", "vhost_user: {}"])
def test_a_socket_left_by_a_killed_appliance_is_no_obstacle(tmp_path, device):
    path = tmp_path / "left.sock"
    config = configuration(tmp_path, f"name: mid, device: {{ {device.format(path)} }}, addresses: [10.0.0.1/30]")
    with Lab(lab_name(), {}) as lab:
        lab.start(SLUICE, config)
        process, lab.process = lab.process, None
        process.kill()
        process.wait(15)
        assert path.is_socket()
        lab.start(SLUICE, config)
        assert path.is_socket()
        # One in use is: the second appliance says so, and the first one's socket stays.
        other = configuration(tmp_path, f"name: other, device: {{ {device.format(path)} }}, addresses: [10.0.0.5/30]")
        refused = lab.box.run([SLUICE, "--config", other], timeout=60)
        assert refused.returncode not in (0, 2) and "somebody serves the socket" in refused.stderr, refused.stderr
        assert path.is_socket()
        assert lab.stop() == 0


def test_raw_arguments_open_any_driver(tmp_path):
    config = configuration(tmp_path, "name: lan, device: { raw: 'net_af_packet7,iface=sluice-lan' }, addresses: [198.18.0.1/24]")
    with Lab(lab_name(), LAN, device="af_packet") as lab:
        lab.start(SLUICE, config)
        assert " 0% packet loss" in lab.host("lan").run(["ping", "-c", "3", "-i", "0.2", "-W", "2", "198.18.0.1"]).stdout
        assert lab.stop() == 0


@pytest.mark.parametrize("cores", ["[0]", "[0, 1]"], ids=["one-worker", "two-workers"])
def test_af_xdp_serves_a_kernel_interface(tmp_path, cores):
    try:
        socket.socket(44, socket.SOCK_RAW).close()  # AF_XDP
    except OSError as e:
        pytest.skip(f"this kernel has no AF_XDP for us: {e}")
    config = configuration(tmp_path, "name: lan, device: { af_xdp: sluice-lan }, addresses: [198.18.0.1/24]", cores=cores)
    with Lab(lab_name(), LAN, device="af_packet") as lab:
        lab.start(SLUICE, config)
        assert " 0% packet loss" in lab.host("lan").run(["ping", "-c", "3", "-i", "0.2", "-W", "2", "198.18.0.1"]).stdout
        assert lab.stop() == 0


def checksum(b):
    s = sum(struct.unpack(f"!{len(b) // 2}H", b))
    s = (s & 0xffff) + (s >> 16)
    return ~(s + (s >> 16)) & 0xffff


def echo_frame(mac, number, size):
    icmp = struct.pack("!BBHHH", 8, 0, 0, 7, number) + bytes(size - 28)
    icmp = icmp[:2] + struct.pack("!H", checksum(icmp)) + icmp[4:]
    addresses = bytes([198, 18, 0, 2, 198, 18, 0, 1])
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(icmp), 0, 0, 64, 1, 0) + addresses
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return bytes.fromhex(mac) + bytes.fromhex("020000000002") + b"\x08\x00" + ip + icmp


def waits_for(what, seconds=20):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)


@pytest.mark.parametrize("mtu", [1500, 9000])
def test_a_capture_is_replayed_into_the_stack_once(tmp_path, mtu):
    frames = [echo_frame("020000000001", n, mtu) for n in range(300)]
    capture = tmp_path / "in.pcap"
    capture.write_bytes(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1) +
                        b"".join(struct.pack("<IIII", 0, 0, len(f), len(f)) + f for f in frames))
    config = configuration(tmp_path, f"name: lan, device: {{ pcap: {capture} }}, mac: '02:00:00:00:00:01', "
                           f"mtu: {mtu}, addresses: [198.18.0.1/24]")
    with Lab(lab_name(), {}) as lab:
        lab.start(SLUICE, config)
        waits_for(lambda: total(lab.metrics(), "sluice_icmp_total", event="echo_in") >= len(frames))
        time.sleep(0.5)
        seen = lab.metrics()
        assert total(seen, "sluice_icmp_total", event="echo_in") == len(frames)
        assert total(seen, "sluice_io_rx_packets_total") == len(frames)
        assert lab.stop() == 0


def test_made_up_packets_die_counted_and_give_their_buffers_back(tmp_path):
    config = configuration(tmp_path, "name: lan, device: { null: 8 }, addresses: [198.18.0.1/24]")
    with Lab(lab_name(), {}) as lab:
        lab.start(SLUICE, config)
        waits_for(lambda: total(lab.metrics(), "sluice_drops_total", room="link") > 100_000)
        assert total(lab.metrics(), "sluice_packet_buffers_in_use") < 2000
        assert lab.stop() == 0


def test_a_port_without_packets_rests(tmp_path):
    config = configuration(tmp_path, "name: lan, device: { null: 0 }, addresses: [198.18.0.1/24]")
    with Lab(lab_name(), {}) as lab:
        lab.start(SLUICE, config)
        waits_for(lambda: total(lab.metrics(), "sluice_io_sleeps_total") > 10)
        assert total(lab.metrics(), "sluice_io_rx_packets_total") == 0
        assert lab.stop() == 0


def test_the_tap_of_another_appliance_is_not_taken(tmp_path):
    config = configuration(tmp_path, "name: lan, device: { tap: sluice-lan }, addresses: [198.18.0.1/24]")
    other = configuration(tmp_path, "name: lan, device: { tap: sluice-lan }, addresses: [198.18.0.1/24]")
    other.write_text(other.read_text().replace("9464", "9465"))
    with Lab(lab_name(), {}) as lab:
        lab.start(SLUICE, config)
        done = lab.box.run(["timeout", "20", SLUICE, "--config", other])
        assert done.returncode == 1 and "there already is an interface sluice-lan" in done.stderr, done.stderr
        assert lab.stop() == 0
