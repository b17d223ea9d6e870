# SPDX-License-Identifier: Apache-2.0
"""Real clients against a running sluice: over tap and af_packet, with one worker and with two behind a one-queue port."""
import hashlib
import os
import re
import signal
import subprocess
import time

import pytest
from conftest import HOSTS, SANITIZED, SLUICE, Appliance, lab_name, telemetry, write_config
from lab import Lab, serve_files, total

SETUPS = {
    "tap-one-worker": dict(device="tap", cores="[0]"),
    "tap-two-workers": dict(device="tap", cores="[0, 1]", port_extra=", queues: 1"),
    "af_packet-one-worker": dict(device="af_packet", cores="[0]"),
    "af_packet-two-workers": dict(device="af_packet", cores="[0, 1]", port_extra=", queues: 1"),
}


@pytest.fixture(scope="module", params=SETUPS, ids=str)
def box(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    how = SETUPS[request.param]
    config = write_config(folder, **how)
    (folder / "www/big.bin").write_bytes(os.urandom(10_000_000))
    (folder / "www/huge.bin").write_bytes(os.urandom(100_000_000 if not SANITIZED else 20_000_000))
    with Lab(lab_name(), HOSTS, device=how["device"]) as lab:
        lab.start(SLUICE, config)
        yield Appliance(lab, folder)
        assert lab.stop() == 0, "\n".join(lab.log[-30:])


def sha256(data):
    return hashlib.sha256(data).hexdigest()


# -- link, ip, icmp

@pytest.mark.parametrize("size", [0, 56, 1472])
def test_ping_of_any_size_is_answered(box, size):
    out = box.lan.run(["ping", "-c", "3", "-i", "0.2", "-W", "2", "-s", size, "198.18.0.1"]).stdout
    assert " 0% packet loss" in out


def test_ping_flood_loses_nothing(box):
    out = box.lan.run(["ping", "-f", "-c", "2000", "-W", "2", "198.18.0.1"]).stdout
    assert re.search(r"2000 packets transmitted, 2000 received", out), out


def test_arping_gets_each_answer_from_one_mac(box):
    out = box.lan.run(["arping", "-c", "3", "-i", "eth0", "198.18.0.1"]).stdout
    assert "3 packets received" in out
    assert len(set(re.findall(r"from ([0-9a-f:]{17})", out))) == 1


def test_a_host_on_another_port_is_reached_through_sluice(box):
    out = box.lan.run(["ping", "-c", "3", "-i", "0.2", "-W", "2", "198.19.0.2"]).stdout
    assert " 0% packet loss" in out and "ttl=63" in out


def test_the_last_hop_answers_time_exceeded(box):
    out = box.lan.run(["ping", "-c", "1", "-W", "2", "-t", "1", "198.19.0.2"]).stdout
    assert "From 198.18.0.1" in out and "Time to live exceeded" in out


def test_no_route_is_told(box):
    out = box.lan.run(["ping", "-c", "1", "-W", "2", "203.0.113.1"]).stdout
    assert "From 198.18.0.1" in out and "Unreachable" in out


def test_a_host_that_does_not_answer_arp_is_unreachable(box):
    out = box.lan.run(["ping", "-c", "1", "-W", "8", "198.19.0.77"], timeout=30).stdout
    assert "From 198.18.0.1" in out and "Destination Host Unreachable" in out


def test_a_closed_udp_port_is_told(box):
    out = box.dig("-p", "5353", "www.example.test")
    assert "connection refused" in out


# -- dns

@pytest.mark.parametrize("name, kind, wanted", [
    ("www", "A", "198.18.0.1"), ("www", "AAAA", "2001:2::1"), ("www", "TXT", '"a text" "and another"'),
    ("@", "SOA", "hostmaster.example.test."), ("@", "NS", "ns.example.test."), ("@", "MX", "10 mail.example.test."),
    ("@", "CAA", '0 issue "ca.example.test"'), ("_http._tcp", "SRV", "0 5 80 www.example.test."),
    ("alias", "A", "198.18.0.1"), ("deep.below.wild", "A", "198.18.0.99")])
def test_dig_gets_each_type(box, name, kind, wanted):
    host = "example.test" if name == "@" else f"{name}.example.test"
    out = box.dig(host, kind)
    assert "status: NOERROR" in out and "flags: qr aa rd" in out
    assert wanted in out.split("ANSWER SECTION")[1]


@pytest.mark.parametrize("words, status", [
    (["nowhere.example.test"], "NXDOMAIN"), (["www.example.test", "MX"], "NOERROR"), (["www.example.org"], "REFUSED"),
    (["+opcode=NOTIFY", "example.test"], "NOTIMP"), (["+edns=1", "+noednsneg", "www.example.test"], "BADVERS")])
def test_dig_gets_the_status_due(box, words, status):
    assert f"status: {status}" in box.dig(*words)


def test_an_answer_too_big_for_the_client_is_truncated(box):
    assert re.search(r"flags: qr aa tc", box.dig("+noedns", "+ignore", "big.example.test", "TXT"))


def test_dns_over_tcp_is_refused_cleanly_for_now(box):
    done = box.lan.run(["kdig", "@198.18.0.1", "+tcp", "+timeout=5", "+retry=0", "www.example.test"])
    assert "can't connect" in done.stderr and "timeout" not in done.stderr, done.stderr


# -- http over our own tcp

def test_a_page_is_right_to_the_byte(box):
    done = box.curl("http://www.example.test/", text=False)
    assert done.stdout == (box.www / "index.html").read_bytes()


@pytest.mark.parametrize("path, status", [
    ("/", 200), ("/index.html", 200), ("/sub/", 200), ("/sub", 301), ("/nothing", 404), ("/../../etc/passwd", 404),
    ("/%2e%2e/%2e%2e/etc/passwd", 404), ("/a%00b", 400)])
def test_status_of(box, path, status):
    out = box.curl("--path-as-is", "-o", "/dev/null", "-w", "%{http_code}", f"http://www.example.test{path}").stdout
    assert out in (str(status), "400" if ".." in path or "%2e" in path else str(status))


def test_methods_that_are_not_get_or_head(box):
    assert "405" == box.curl("-X", "DELETE", "-o", "/dev/null", "-w", "%{http_code}", "http://www.example.test/").stdout
    head = box.curl("-I", "http://www.example.test/style.css").stdout
    assert head.startswith("HTTP/1.1 200") and "text/css" in head


def test_a_file_arrives_byte_exact(box):
    done = box.curl("http://www.example.test/huge.bin", text=False, timeout=120)
    assert sha256(done.stdout) == sha256((box.www / "huge.bin").read_bytes())


HOLD = """import socket, sys
s = socket.create_connection(("198.18.0.1", 80))
print(s.getsockname()[1], flush=True)
sys.stdin.read()"""


def test_what_a_connection_does_is_told_on_the_telemetry_socket(box):
    client = box.lan.popen(["/usr/bin/python3", "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    pid = box.lab.process.pid
    try:
        here = f"198.18.0.2:{int(client.stdout.readline())}"
        told = telemetry(pid, "/sluice/tcp/connections,remote=198.18.0.2,port=80,state=established")
        [line] = [x for x in told["connections"] if here in x]
        name, local, remote, state = line.split()
        assert (local, remote, state) == ("198.18.0.1:80", here, "established")
        one = telemetry(pid, f"/sluice/tcp/connection,{name}")
        assert (one["remote"], one["state"], one["congestion"]) == (here, "established", "cubic")
        assert one["mss"] == 1448 and one["cwnd"] == 14480 and one["srtt_us"] > 0 and one["bytes_received"] == 0
        assert telemetry(pid, "/sluice/tcp/connections,remote=198.18.0.77")["connections"] == []
        assert telemetry(pid, "/sluice/tcp/connections,colour=red") is None
        assert telemetry(pid, "/sluice/tcp/connection,9:0") is None
    finally:
        client.communicate("")


def test_ten_curls_at_once_get_every_byte(box):
    wanted = sha256((box.www / "big.bin").read_bytes())
    script = ("for i in 1 2 3 4 5 6 7 8 9 10; do curl -s --max-time 60 -H 'Host: www.example.test' "
              "http://198.18.0.1/big.bin | sha256sum & done; wait")
    sums = [line.split()[0] for line in box.lan.run(["bash", "-c", script], timeout=120).stdout.splitlines()]
    assert sums == [wanted] * 10


def test_a_thousand_requests_on_one_connection(box):
    urls = box.folder / "urls"
    urls.write_text("".join(f'url = "http://www.example.test/1k.bin?{i}"\noutput = "/dev/null"\n' for i in range(1000)))
    out = box.curl("-K", urls, "-w", "%{http_code} %{num_connects}\\n", timeout=120).stdout.split("\n")
    lines = [line.split() for line in out if line]
    assert [line[0] for line in lines] == ["200"] * 1000
    assert sum(int(line[1]) for line in lines) == 1


@pytest.mark.release_only
def test_wrk_for_ten_seconds_sees_no_error(box):
    out = box.lan.run(["wrk", "-t1", "-c64", "-d10s", "http://198.18.0.1/1k.bin"], timeout=60).stdout
    assert "Requests/sec" in out
    assert "Socket errors" not in out and "Non-2xx" not in out, out


# -- echo and discard

# Sends a file's octets and at the same time takes what comes back, to the end.
EXCHANGE = """
import hashlib, socket, sys, threading
data = open(sys.argv[2], "rb").read()
s = socket.create_connection(("198.18.0.1", int(sys.argv[1])), 20)
def send():
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)
threading.Thread(target=send).start()
back = hashlib.sha256()
size = 0
while piece := s.recv(1 << 16):
    back.update(piece)
    size += len(piece)
print(size, back.hexdigest())
"""


def exchange(box, port):
    done = box.lan.run(["/usr/bin/python3", "-c", EXCHANGE, port, box.www / "big.bin"], timeout=120, check=True)
    return done.stdout.split()


def test_ten_megabytes_come_back_from_echo_to_the_byte(box):
    wanted = (box.www / "big.bin").read_bytes()
    assert exchange(box, 7) == [str(len(wanted)), sha256(wanted)]


def test_discard_takes_ten_megabytes_and_says_nothing(box):
    before = total(box.lab.metrics(), "sluice_inetd_bytes_total", service="discard")
    assert exchange(box, 9) == ["0", sha256(b"")]
    after = total(box.lab.metrics(), "sluice_inetd_bytes_total", service="discard")
    assert after - before == 10_000_000


def test_a_datagram_comes_back_from_echo(box):
    ask = ("import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(10); "
           "s.sendto(b'marco', ('198.18.0.1', 7)); print(s.recv(100).decode())")
    assert box.lan.run(["/usr/bin/python3", "-c", ask], check=True).stdout == "marco\n"


def test_nmap_finds_the_open_port_and_the_closed_ones(box):
    out = box.lan.run(["nmap", "-sS", "-n", "-Pn", "-p", "1-100", "198.18.0.1"], timeout=120).stdout
    assert re.search(r"80/tcp +open", out), out
    assert re.search(r"7/tcp +open", out) and re.search(r"9/tcp +open", out), out
    assert "97 closed tcp ports (reset)" in out, out


def test_a_transfer_between_hosts_is_routed(box):
    server = serve_files(box.wan, box.www, "198.19.0.2")
    try:
        done = box.lan.run(["curl", "-s", "--max-time", "60", "http://198.19.0.2:8080/big.bin"], text=False, timeout=90)
        assert sha256(done.stdout) == sha256((box.www / "big.bin").read_bytes())
    finally:
        server.kill()
        server.wait()


def faults(box, actions, *how):
    """Runs the actions under a capture; returns how many frames of ours it holds and what tshark says of faulty ones."""
    capture = box.folder / "capture.pcap"
    capture.unlink(missing_ok=True)
    shark = box.lan.popen(["dumpcap", "-q", "-P", "-i", "eth0", "-B", "64", "-w", capture], stdout=-3, stderr=-1)
    checks = [w for p in ("ip", "tcp", "udp") for w in ("-o", f"{p}.check_checksum:TRUE")] + list(how)
    show = lambda wanted, *more: box.lan.run(["tshark", "-r", capture, *checks, *more, "-Y", wanted], timeout=120).stdout
    try:
        while b"File" not in (line := shark.stderr.readline()):
            assert line, "dumpcap ended early"
        for action in actions:
            action()
        # A last answer that can be told from all others: when it is in the file, everything before it is.
        box.lan.run(["ping", "-c", "1", "-s", "777", "198.18.0.1"], check=True)
        end = time.monotonic() + 30
        while not show("icmp.type == 0 && frame.len == 819"):
            assert time.monotonic() < end, "the capture is complete"
            time.sleep(0.2)
    finally:
        shark.send_signal(signal.SIGINT)
        shark.wait()
    ours = "eth.src != %s" % box.lan.run(["cat", "/sys/class/net/eth0/address"]).stdout.strip()
    faulty = ("_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0 || "
              "icmp.checksum.status == 0 || _ws.expert.severity >= 8388608")
    return len(show(ours).splitlines()), show(f"({ours}) && ({faulty})", "-V")


def test_tshark_finds_no_fault_in_what_we_answer(box):
    count, wrong = faults(box, [
        lambda: box.curl("-o", "/dev/null", "http://www.example.test/", "http://www.example.test/nothing"),
        lambda: box.curl("-I", "http://www.example.test/style.css"),
        lambda: box.dig("www.example.test", "TXT"), lambda: box.dig("nowhere.example.test"),
        lambda: box.dig("big.example.test", "TXT", "+noedns", "+ignore"), lambda: box.dig("-p", "5353", "x"),
        lambda: box.lan.run(["ping", "-c", "2", "-i", "0.2", "-s", "1472", "198.18.0.1"]),
        lambda: box.lan.run(["ping", "-c", "1", "-t", "1", "198.19.0.2"]),
        lambda: box.lan.run(["ping", "-c", "2", "-i", "0.2", "198.19.0.2"]),
        lambda: box.lan.run(["ping", "-c", "1", "203.0.113.1"]),
        lambda: box.lan.run(["arping", "-c", "1", "-i", "eth0", "198.18.0.1"]),
        lambda: box.lan.run(["nmap", "-sS", "-n", "-Pn", "-p", "75-85", "198.18.0.1"], timeout=60)])
    assert count > 30 and wrong == "", wrong[:5000]


def test_tshark_finds_no_fault_in_a_bulk_transfer(box):
    # Random octets: where the capture lost a frame, tshark would take the middle of the file for a head.
    count, wrong = faults(box, [lambda: box.curl("-o", "/dev/null", "http://www.example.test/big.bin")],
                          "-d", "tcp.port==80,data")
    assert count > 1000 and wrong == "", wrong[:5000]


# -- what it says of itself

def test_promtool_accepts_the_scrape(box):
    text = box.lab.box.run(["curl", "-s", "http://127.0.0.1:9464/metrics"], check=True).stdout
    done = box.lab.box.run(["promtool", "check", "metrics"], input=text)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_counters_tell_what_happened(box):
    before = box.lab.metrics()
    box.curl("-o", "/dev/null", "http://www.example.test/")
    box.dig("nowhere.example.test")
    after = box.lab.metrics()
    grew = lambda name, **labels: total(after, name, **labels) - total(before, name, **labels)
    assert grew("sluice_http_responses_total", status="200") == 1
    assert grew("sluice_dns_responses_total", rcode="nxdomain") == 1


def test_two_workers_share_the_work_and_keep_each_flow_in_order(box, request):
    if "two-workers" not in request.node.callspec.id:
        pytest.skip("one worker")
    before = box.lab.metrics()
    for _ in range(3):
        box.lan.run(["bash", "-c", "for i in $(seq 24); do curl -s -o /dev/null -H 'Host: www.example.test' "
                     "http://198.18.0.1/big.bin & done; wait"], timeout=120)
    after = box.lab.metrics()
    for worker in ("0", "1"):
        grown = total(after, "sluice_tcp_segments_total", direction="in", worker=worker) - total(before, "sluice_tcp_segments_total", direction="in", worker=worker)
        assert grown > 100, f"worker {worker} saw {grown} segments"
    # Sent in order by one worker and taken in order by Linux: nothing arrives out of order at either end.
    ofo = box.lan.run(["nstat", "-asz", "TcpExtTCPOFOQueue"]).stdout
    lost = total(after, "sluice_drops_total", room="io")
    assert re.search(r"TcpExtTCPOFOQueue +0 ", ofo) or lost > 0, ofo
