# SPDX-License-Identifier: Apache-2.0
"""What a user would pick instead, each in its best reasonable configuration, on one core over a veth (veth.py). The
configuration stands in the results. The share of its time that each core worked is measured too: where the client's core was
full and the server's was not, the figure would be higher with a faster client, and `full_core` says by how much."""
import json
import re
import time

from . import load, zones
from .machine import CLIENT_CORE, SERVER_CORE, busy_shares, core_ticks
from .stats import BenchError, Sample
from .veth import ADDRESS, Network, TUNING

# Below this share of its time the server's core was not the bottleneck.
FULL = 0.97


def bound(sample, shares):
    """Adds to a sample how busy both cores were, and what the server would reach with all of its core."""
    server, client = shares[SERVER_CORE], shares[CLIENT_CORE]
    sample.more.update(server_core_busy=server, client_core_busy=client)
    if 0.05 < server < FULL:
        sample.more["full_core"] = sample.value / server
    return sample


class Peer:
    kind = "peer"
    # Idle peers wait in the kernel and cost nothing: there is nothing to stop.

    def pause(self):
        pass

    def resume(self):
        pass

    def client(self, words, read, timeout=120):
        """Runs a client on its core; `read` makes a Sample of what it printed."""
        before = core_ticks()
        text = self.network.run_client(words, timeout)
        return bound(read(text), busy_shares(before, core_ticks()))

    def load(self, mode, how, seconds, warmup, target=None, value="per_second", scale=1.0):
        """sluice-load over AF_PACKET as the client, for what the usual clients cannot do. The network has whole packets."""
        told = self.folder / f"{self.network.lab.name}.json"
        told.unlink(missing_ok=True)
        # Each time from other addresses, see Sluice.load().
        self.loads = getattr(self, "loads", 0) + 1
        address = f"198.18.0.{32 + 32 * (self.loads % 6)}/24"
        words = load.words(mode, how, ["af_packet:eth0"], target, seconds, warmup, told, [address])
        before = core_ticks()
        done = self.network.client().run(words, timeout=seconds + warmup + 90)
        shares = busy_shares(before, core_ticks())
        if not told.exists():
            raise BenchError(f"sluice-load ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-400:]}")
        sample = load.sample(told.read_text(), value, scale)
        sample.more.update(server_core_busy=shares[SERVER_CORE], client_core_busy=shares[CLIENT_CORE])
        return sample

    def stop(self):
        process, network = getattr(self, "process", None), getattr(self, "network", None)
        self.process = self.network = None
        if process:
            process.terminate()
        if network:
            network.stop()  # the lab ends every process in its namespaces
        if process:
            process.wait()

    def wait_for(self, words, what, seconds=30):
        """Asks with a client until it is answered."""
        end = time.monotonic() + seconds
        while self.network.client().run(words, timeout=20).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > end:
                raise BenchError(f"{self.name} does not answer {what}:\n    {self.log.read_text(errors='replace')[-600:]}")
            time.sleep(0.1)


# -- HTTP

NGINX = """\
worker_processes 1; worker_cpu_affinity {mask}; worker_rlimit_nofile 1100000; daemon off; pid {folder}/nginx.pid;
error_log {folder}/nginx.error;
events {{ worker_connections {connections}; multi_accept on; use epoll; }}
http {{
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 100000000; keepalive_timeout 3600;
  open_file_cache max=1000; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; client_header_timeout 3600;
  server {{ listen {address}:80 reuseport backlog=65535; root {www}; }}
}}
"""


class Nginx(Peer):
    name = "nginx"
    configuration = ("nginx: one worker, reuseport, backlog 65535, sendfile, tcp_nopush, open_file_cache, access log off, keep-alive "
                     "without limit; Linux: somaxconn and tcp_max_syn_backlog 65535, tcp_syncookies 1, default congestion control; "
                     "client: wrk, one thread; " + TUNING)

    def __init__(self, www, name="nginx", connections=65536, whole_packets=False):
        self.www, self.lab_name, self.connections, self.whole_packets = www, name, connections, whole_packets

    def start(self, folder):
        self.folder = folder
        self.log = folder / f"{self.lab_name}.log"
        config = folder / f"{self.lab_name}.conf"
        config.write_text(NGINX.format(folder=folder, www=self.www, mask=format(1 << SERVER_CORE, "b"), address=ADDRESS,
                                       connections=self.connections))
        self.network = Network(self.lab_name, whole_packets=self.whole_packets).start()
        self.network.server().run(["sysctl", "-qw", "net.core.somaxconn=65535", "net.ipv4.tcp_max_syn_backlog=65535",
                                   "net.ipv4.tcp_syncookies=1"])
        # More connections in TIME-WAIT than ports would stop the client, not the server.
        self.network.client().run(["sysctl", "-qw", "net.ipv4.ip_local_port_range=1024 65535", "net.ipv4.tcp_tw_reuse=1"])
        self.process = self.network.spawn_server(["nginx", "-c", config], self.log)
        self.wait_for(["curl", "-sfo", "/dev/null", "--max-time", "2", f"http://{ADDRESS}/1k.bin"], "a request")

    def http(self, path, seconds, connections, close=False, warmup=0):
        words = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency",
                 *(["-H", "Connection: close"] if close else []), f"http://{ADDRESS}{path}"]
        if warmup:
            self.network.run_client([*words[:3], "-d1s", words[-1]])
        return self.client(words, read_wrk)


def read_wrk(text):
    rate = re.search(r"Requests/sec:\s*([\d.]+)", text)
    if not rate:
        raise BenchError(f"wrk said no rate: {text[-300:]}")
    errors = [line.strip() for line in text.splitlines() if "Socket errors" in line or "Non-2xx" in line]
    latency = {f"p{p}_us": microseconds(*re.search(rf"^\s+{p}%\s+([\d.]+)(us|ms|s)", text, re.M).groups())
               for p in (50, 90, 99) if re.search(rf"^\s+{p}%\s", text, re.M)}
    return Sample(float(rate[1]), errors, latency)


def microseconds(number, unit):
    return float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]


# -- DNS

class DnsPeer(Peer):
    def dns(self, queries, seconds, warmup=0, rate=0):
        """dnsperf with as many queries under way as pay; answers counted by code."""
        words = ["dnsperf", "-s", ADDRESS, "-d", queries, "-c", "16", "-T", "1", "-q", "200", "-t", "2"]
        if rate:
            words += ["-Q", str(int(rate))]
        if warmup:
            self.network.run_client([*words, "-l", "1"])
        return self.client([*words, "-l", str(max(1, round(seconds)))], read_dnsperf)

    def answers(self, names):
        self.wait_for(["sh", "-c", f"dig +short +tries=1 +time=1 @{ADDRESS} {zones.name(names - 1)} A | grep -q ^10\\."], "a query", 180)


def read_dnsperf(text):
    rate = re.search(r"Queries per second:\s*([\d.]+)", text)
    if not rate:
        raise BenchError(f"dnsperf said no rate: {text[-300:]}")
    lost = int(re.search(r"Queries lost:\s*(\d+)", text)[1])
    codes = dict((c, int(n)) for c, n in re.findall(r"([A-Z]+) (\d+) \(", text[text.index("Response codes"):]))
    errors = [f"{n} answers {c}" for c, n in codes.items() if c not in ("NOERROR", "NXDOMAIN")]
    if lost:
        errors.append(f"{lost} queries lost")
    latency = re.search(r"Average Latency \(s\):\s*([\d.]+)", text)
    return Sample(float(rate[1]), errors, {"mean_us": float(latency[1]) * 1e6} if latency else {})


NSD = """\
server:
  server-count: 1
  reuseport: yes
  ip-address: {address}
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/nsd.xfrd"
  zonelistfile: "{folder}/nsd.list"
  logfile: "{folder}/nsd.own.log"
  hide-version: yes
  rrl-ratelimit: 0
  minimal-responses: yes
  receive-buffer-size: 4194304
  send-buffer-size: 4194304
remote-control:
  control-enable: no
zone:
  name: {zone}
  zonefile: {file}
"""


class Nsd(DnsPeer):
    name = "NSD"
    configuration = "NSD: server-count 1, reuseport, no rate limit, minimal responses, 4 MiB socket buffers; client: dnsperf, 16 sockets; " + TUNING

    def __init__(self, zone_file, names, whole_packets=False):
        self.zone_file, self.names, self.whole_packets = zone_file, names, whole_packets

    def start(self, folder):
        self.folder = own = folder / f"nsd{self.names}"
        own.mkdir(exist_ok=True)
        self.log = own / "log"
        (own / "nsd.conf").write_text(NSD.format(folder=own, address=ADDRESS, zone=zones.ZONE, file=self.zone_file))
        self.network = Network(f"nsd{self.names}", whole_packets=self.whole_packets).start()
        self.process = self.network.spawn_server(["nsd", "-d", "-c", own / "nsd.conf"], self.log)
        self.answers(self.names)


KNOT = """\
server:
  listen: {address}@53
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
  rundir: {folder}
  user: root
  tcp-reuseport: on
database:
  storage: {folder}
log:
  - target: stdout
    any: warning
zone:
  - domain: {zone}
    file: {file}
    zonefile-sync: -1
    journal-content: none
"""


class Knot(DnsPeer):
    name = "Knot DNS"
    configuration = "Knot DNS: one UDP worker, no modules, no journal; client: dnsperf, 16 sockets; " + TUNING

    def __init__(self, zone_file, names, whole_packets=False):
        self.zone_file, self.names, self.whole_packets = zone_file, names, whole_packets

    def start(self, folder):
        self.folder = own = folder / f"knot{self.names}"
        own.mkdir(exist_ok=True)
        self.log = own / "log"
        (own / "knot.conf").write_text(KNOT.format(folder=own, address=ADDRESS, zone=zones.ZONE, file=self.zone_file))
        self.network = Network(f"knot{self.names}", whole_packets=self.whole_packets).start()
        self.process = self.network.spawn_server(["knotd", "-c", own / "knot.conf"], self.log)
        self.answers(self.names)


# -- bulk TCP

class Iperf(Peer):
    name = "iperf3"
    configuration = "iperf3 over veth, MTU 1500, Linux's TCP with TSO and GRO, one stream, the server's process on its core; " + TUNING

    def start(self, folder):
        self.log = folder / "iperf3.log"
        self.network = Network("iperf").start()
        self.process = self.network.spawn_server(["iperf3", "-s", "-A", SERVER_CORE], self.log)
        time.sleep(0.5)

    def bulk(self, to_client, seconds, streams=1):
        """Bits a second of TCP's content."""
        words = ["iperf3", "-c", ADDRESS, "-J", "-t", str(max(1, round(seconds))), "-O", "1", "-P", str(streams),
                 *(["-R"] if to_client else [])]

        def read(text):
            told = json.loads(text[text.index("{"):])
            if "error" in told:
                raise BenchError(f"iperf3: {told['error']}")
            return Sample(told["end"]["sum_received"]["bits_per_second"])
        return self.client(words, read)
