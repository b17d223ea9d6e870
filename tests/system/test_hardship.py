# SPDX-License-Identifier: Apache-2.0
"""Bad lines, bad packets, rest, and ends of every kind."""
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import time

import pytest
from conftest import HOSTS, ROOT, SANITIZED, SLUICE, Appliance, lab_name, write_config
from lab import Lab, total

LAN = {"lan": HOSTS["lan"]}


def appliance(tmp_path, **how):
    config = write_config(tmp_path, wan=False, **how)
    lab = Lab(lab_name(), LAN, device=how.get("device", "tap"))
    return lab, config, Appliance(lab, tmp_path)


@pytest.mark.parametrize("impair", ["loss: 0.01", "reorder: 0.05", "duplicate: 0.02", "corrupt: 0.005",
                                    "loss: 0.01, reorder: 0.02, duplicate: 0.01, corrupt: 0.002, delay: 5ms, jitter: 2ms"])
def test_a_download_over_a_bad_line_is_byte_exact(tmp_path, impair):
    lab, config, box = appliance(tmp_path, port_extra=f", impair: {{ {impair}, seed: 7 }}")
    (box.www / "big.bin").write_bytes(os.urandom(5_000_000))
    with lab:
        lab.start(SLUICE, config)
        done = box.curl("--max-time", "120", "http://www.example.test/big.bin", text=False, timeout=150)
        assert hashlib.sha256(done.stdout).digest() == hashlib.sha256((box.www / "big.bin").read_bytes()).digest(), done.stderr
        assert lab.stop() == 0


def test_any_bytes_on_a_port_cost_no_packet_buffer(tmp_path):
    lab, config, box = appliance(tmp_path)
    with lab:
        lab.start(SLUICE, config)
        box.lan.run(["ping", "-c", "2", "-i", "0.2", "198.18.0.1"], check=True)
        time.sleep(0.5)
        before = lab.metrics()
        script = pathlib.Path(__file__).with_name("garbage.py")
        box.lan.run(["/usr/bin/python3", script, "eth0", "3000", "198.18.0.1"], check=True, timeout=300)
        box.lan.run(["ping", "-c", "2", "-i", "0.2", "198.18.0.1"], check=True)
        deadline = time.monotonic() + 40  # half-open connections made by chance must have timed out
        while time.monotonic() < deadline:
            after = lab.metrics()
            if total(after, "sluice_packet_buffers_in_use") <= total(before, "sluice_packet_buffers_in_use"):
                break
            time.sleep(1)
        assert total(after, "sluice_packet_buffers_in_use") <= total(before, "sluice_packet_buffers_in_use")
        died = total(after, "sluice_drops_total") - total(before, "sluice_drops_total")
        assert died > 500, "garbage is counted by reason"
        assert lab.stop() == 0


@pytest.mark.release_only
@pytest.mark.parametrize("device", ["tap", "af_packet"])
def test_at_rest_it_takes_under_five_percent_of_a_core(tmp_path, device):
    lab, config, box = appliance(tmp_path, device=device)
    with lab:
        lab.start(SLUICE, config)
        box.lan.run(["ping", "-c", "1", "198.18.0.1"], check=True)
        time.sleep(2)
        used = lambda: sum(map(int, pathlib.Path(f"/proc/{lab.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]))
        before = used()
        time.sleep(10)
        ticks = used() - before
        assert ticks < 10 * os.sysconf("SC_CLK_TCK") * 0.05, f"{ticks} ticks in 10 s"


@pytest.mark.parametrize("mode", ["latency", "efficient"])
def test_each_mode_serves(tmp_path, mode):
    lab, config, box = appliance(tmp_path, mode=mode)
    with lab:
        lab.start(SLUICE, config)
        assert box.curl("http://www.example.test/", text=False).stdout == (box.www / "index.html").read_bytes()
        assert lab.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order(tmp_path, number):
    lab, config, box = appliance(tmp_path)
    with lab:
        lab.start(SLUICE, config)
        process, lab.process = lab.process, None
        process.send_signal(number)
        assert process.wait(15) == 0


CLIENTS = """
import socket, time
open_ones = [socket.create_connection(("198.18.0.1", 80), timeout=5) for _ in range(40)]
print("open", flush=True)
ended = 0
until = time.monotonic() + 8
for s in open_ones:
    s.settimeout(max(until - time.monotonic(), 0.01))
    try:
        ended += s.recv(1) == b""
    except ConnectionResetError:
        ended += 1
    except TimeoutError:
        pass
print(ended, flush=True)
"""


@pytest.mark.parametrize("cores", ["[0]", "[0, 1]"], ids=["one-worker", "two-workers"])
def test_an_end_in_order_tells_every_peer(tmp_path, cores):
    lab, config, box = appliance(tmp_path, cores=cores, port_extra=", queues: 1")
    with lab:
        lab.start(SLUICE, config)
        clients = box.lan.popen(["/usr/bin/python3", "-c", CLIENTS], stdout=subprocess.PIPE, text=True)
        assert clients.stdout.readline() == "open\n"
        assert lab.stop() == 0
        assert clients.stdout.readline() == "40\n"
        clients.wait(30)


def test_a_port_that_cannot_be_had_is_an_error_with_a_remedy(tmp_path):
    config = write_config(tmp_path, device="af_packet", wan=False)
    with Lab(lab_name(), {}) as lab:  # no such interface in this box
        done = lab.box.run([SLUICE, "--config", config], timeout=60)
        assert done.returncode not in (0, 2)
        assert "sluice-lan" in done.stdout + done.stderr


def leftovers():
    names = subprocess.run(["ip", "netns"], capture_output=True, text=True).stdout
    links = subprocess.run(["ip", "-br", "link"], capture_output=True, text=True).stdout
    runtime = [p.name for p in pathlib.Path("/run/dpdk").glob("*")] if pathlib.Path("/run/dpdk").exists() else []
    return [line for line in (names + links).splitlines() if "sluice" in line] + [r for r in runtime if "sluice" in r]


@pytest.mark.release_only
def test_churn_on_a_bad_line_leaves_nothing(tmp_path):
    told = tmp_path / "churn.json"
    done = subprocess.run([ROOT / "scripts/churn", "--minutes", "0.3", "--json", told], capture_output=True, text=True, timeout=500,
                          env={**os.environ, "SLUICE_BUILD": str(SLUICE.parents[1])})
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    result = json.loads(told.read_text())
    did, most = result["did"], result["most"]
    for what in ("packet buffers", "connections", "timers", "connections in flight"):
        assert most[what] > 0, (what, most)
    assert did["handshakes begun"] > 1_000 and did["packets the line harmed"] > 1_000, did


@pytest.mark.release_only
def test_the_demo_answers_everything_and_leaves_nothing(tmp_path):
    before = leftovers()
    done = subprocess.run([ROOT / "scripts/demo", "--once"], capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "every answer was right" in done.stdout
    assert leftovers() == before


@pytest.mark.release_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_demo_that_is_interrupted_leaves_nothing(number):
    before = leftovers()
    # Who runs the tests in the background of a script ignores Ctrl-C, and so would the demo.
    demo = subprocess.Popen([ROOT / "scripts/demo"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    for line in demo.stdout:
        if "Ctrl-C ends it" in line:
            break
    demo.send_signal(number)
    demo.wait(30)
    demo.stdout.close()
    end = time.monotonic() + 20
    while leftovers() != before and time.monotonic() < end:
        time.sleep(0.2)
    assert leftovers() == before


def test_an_end_with_packets_on_a_slow_line_is_in_order(tmp_path):
    lab, config, box = appliance(tmp_path, port_extra=", impair: { delay: 500ms, rate: 20M }")
    (box.www / "big.bin").write_bytes(os.urandom(5_000_000))
    with lab:
        lab.start(SLUICE, config)
        client = box.lan.popen(["curl", "-s", "-o", "/dev/null", "-H", "Host: www.example.test", "http://198.18.0.1/big.bin"])
        end = time.monotonic() + 20
        while total(lab.metrics(), "sluice_http_response_bytes_total") < 200_000:
            assert time.monotonic() < end
            time.sleep(0.1)
        assert lab.stop() == 0, lab.log[-40:]
        client.kill()
        client.wait()
