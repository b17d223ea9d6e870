# SPDX-License-Identifier: Apache-2.0
"""Lab hosts without a NIC: network namespaces joined to a sluice that runs in a namespace of its own.

    with Lab("demo", hosts={"lan": "198.18.0.2/24"}) as lab:
        lab.start(sluice, config_file)         # makes the ports, waits for "ready", wires the hosts
        lab.host("lan").run(["ping", "-c1", "198.18.0.1"])

Nothing of it outlives the process that made it, however that ends: a reaper, a child that holds one end of a pipe, takes the
lab down when the pipe closes. Whatever an earlier reaper could not take down (the machine was switched off) the next lab of
the same name does."""
import ctypes
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import time

RUN = pathlib.Path("/run/sluice-lab")


class LabError(Exception):
    """Something the user can mend; its text says what to do."""


def sh(*words, check=True, **more):
    done = subprocess.run([str(w) for w in words], text=True, capture_output=True, **more)
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(map(str, words))}: {done.stderr.strip() or done.stdout.strip()}")
    return done


def die_with_parent():
    """In a child, before exec: the kernel asks it to end when the thread that made it ends. The reaper insists."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def alive(pid, started):
    """True while the process `pid` that started at tick `started` runs (a pid alone may have been given anew; a zombie does not)."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return fields[19] == started and fields[0] != "Z"
    except (OSError, IndexError):
        return False


def start_tick(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]


class Host:
    """One network namespace."""

    def __init__(self, namespace):
        self.namespace = namespace

    def command(self, words):
        return ["ip", "netns", "exec", self.namespace, *map(str, words)]

    def run(self, words, timeout=60, check=False, text=True, **more):
        done = subprocess.run(self.command(words), capture_output=True, text=text, timeout=timeout,
                              preexec_fn=die_with_parent, **more)
        if check and done.returncode != 0:
            raise LabError(f"{' '.join(map(str, words))} exited with {done.returncode}: {done.stderr}{done.stdout}")
        return done

    def popen(self, words, **more):
        return subprocess.Popen(self.command(words), preexec_fn=die_with_parent, **more)

    def ip(self, *words, check=True):
        return sh("ip", "-n", self.namespace, *words, check=check)


class Lab:
    """Namespaces NAME-box (sluice) and NAME-HOST for each host. `hosts`: name -> address/length, its gateway being sluice's
    address on that network (`gateways`: name -> address). `device`: "tap" or "af_packet"."""

    _pipes = set()  # our ends, of all labs of this process: a reaper must not keep another lab's alive

    def __init__(self, name, hosts, gateways=None, device="tap", queues=1):
        self.name, self.addresses, self.device, self.queues = name, hosts, device, queues
        self.gateways = gateways or {h: a.rsplit(".", 1)[0] + ".1" for h, a in hosts.items()}
        self.box = Host(f"{name}-box")
        self.hosts = {h: Host(f"{name}-{h}") for h in hosts}
        self.process = None
        self.log = []
        self._pipe = None
        self._reaper = None

    # -- life

    def __enter__(self):
        if os.geteuid() != 0:
            raise LabError("the lab makes network namespaces: run it as root (sudo)")
        RUN.mkdir(exist_ok=True)
        self._sweep()
        me = os.getpid()
        (RUN / self.name).write_text(json.dumps({"pid": me, "started": start_tick(me), "sluice": None}))
        self._start_reaper()
        for host in self._all():
            sh("ip", "netns", "add", host.namespace)
            host.ip("link", "set", "lo", "up")
            # IPv6 would send router solicitations into captures that count every frame.
            host.run(["sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"])
        if self.device == "af_packet":
            for h, host in self.hosts.items():
                sh("ip", "link", "add", self.port(h), "netns", self.box.namespace, "type", "veth",
                   "peer", "name", "eth0", "netns", host.namespace)
                # Without this the peer's checksums are partial: nothing on a veth ever fills them in.
                host.run(["ethtool", "-K", "eth0", "tx", "off", "tso", "off", "gso", "off"], check=True)
                self.box.run(["ethtool", "-K", self.port(h), "rx", "off", "gro", "off"], check=False)
                self.box.ip("link", "set", self.port(h), "up", "promisc", "on")
                self._wire(h)
        return self

    def __exit__(self, *_):
        self.stop()
        Lab._pipes.discard(self._pipe)
        os.close(self._pipe)  # the reaper does the rest
        os.waitpid(self._reaper, 0)

    def _all(self):
        return [self.box, *self.hosts.values()]

    def _start_reaper(self):
        read, self._pipe = os.pipe()
        Lab._pipes.add(self._pipe)
        self._reaper = os.fork()
        if self._reaper:
            os.close(read)
            return
        os.setsid()  # a Ctrl-C on the terminal is for the parent
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for pipe in Lab._pipes:
            os.close(pipe)
        os.read(read, 1)  # returns when the last holder of the other end is gone
        self._take_down()
        os._exit(0)

    def _sweep(self):
        """Takes down what a dead lab of this name left; refuses to touch a living one."""
        note = RUN / self.name
        if note.exists():
            try:
                owner = json.loads(note.read_text())
            except ValueError:
                owner = {"pid": 0, "started": ""}
            if alive(owner["pid"], owner["started"]):
                raise LabError(f"a lab named '{self.name}' is already running (process {owner['pid']}); stop that first")
        self._take_down()

    def _take_down(self):
        note = RUN / self.name
        try:
            sluice = json.loads(note.read_text())["sluice"]
            end = time.monotonic() + 10
            while sluice and alive(*sluice):
                # In order first: it then takes its ports and its runtime folder with it.
                os.kill(sluice[0], signal.SIGTERM if time.monotonic() < end else signal.SIGKILL)
                time.sleep(0.1)
        except (OSError, ValueError, KeyError):
            pass
        for host in self._all():
            pids = sh("ip", "netns", "pids", host.namespace, check=False).stdout.split()
            for pid in pids:
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except OSError:
                    pass
            sh("ip", "netns", "del", host.namespace, check=False)
        note.unlink(missing_ok=True)

    # -- the appliance

    def port(self, host):
        """The name of sluice's interface towards `host` (at most 15 characters)."""
        return f"sluice-{host}"

    def host(self, name):
        return self.hosts[name]

    def _wire(self, h):
        host = self.hosts[h]
        host.ip("addr", "add", self.addresses[h], "dev", "eth0")
        host.ip("link", "set", "eth0", "up")
        host.ip("route", "add", "default", "via", self.gateways[h])

    def start(self, program, config, seconds=60, wrapper=()):
        """Starts sluice in the box and waits for its line "ready"; then gives each host its end of the port."""
        self.process = self.box.popen([*wrapper, program, "--config", config], stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, bufsize=0)
        pid = self.process.pid
        me = os.getpid()
        (RUN / self.name).write_text(json.dumps(
            {"pid": me, "started": start_tick(me), "sluice": [pid, start_tick(pid)]}))
        self._wait_for("ready", seconds)
        if self.device == "tap":
            for h, host in self.hosts.items():
                self.box.ip("link", "set", self.port(h), "netns", host.namespace, "name", "eth0")
                self._wire(h)
        return self.process

    def _wait_for(self, word, seconds):
        end = time.monotonic() + seconds
        pending = b""
        while time.monotonic() < end:
            if select.select([self.process.stdout], [], [], 0.1)[0]:
                piece = os.read(self.process.stdout.fileno(), 65536)
                pending += piece
                *lines, pending = pending.split(b"\n")
                self.log += [line.decode(errors="replace") for line in lines]
                if any(line.split(":")[-1].strip() == word for line in self.log):
                    self._drain()
                    return
                if not piece and self.process.poll() is not None:
                    break
        raise LabError("sluice did not become ready:\n  " + "\n  ".join(self.log[-30:]))

    def _drain(self):
        """Keeps the appliance's output flowing into self.log."""
        import threading

        def pump(stream):
            for line in iter(stream.readline, b""):
                self.log.append(line.decode(errors="replace").rstrip())

        threading.Thread(target=pump, args=(self.process.stdout,), daemon=True).start()

    def stop(self, seconds=15):
        """Asks sluice to end; returns its exit code, None when none ran."""
        if self.process is None:
            return None
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        return process.returncode

    def metrics(self, address="127.0.0.1:9464"):
        """The scrape as {'name{labels}': value}."""
        text = self.box.run(["curl", "-sf", "--max-time", "5", f"http://{address}/metrics"], check=True).stdout
        values = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                values[name] = float(value)
        return values


def total(metrics, name, **labels):
    """The sum of a metric over all its series whose labels include the given ones."""
    wanted = [f'{k}="{v}"' for k, v in labels.items()]
    return sum(v for k, v in metrics.items()
               if k.split("{")[0] == name and all(w in k for w in wanted))


# http.server's own class asks the resolver for the host's name between bind and listen: minutes, in a namespace without one.
FILE_SERVER = """
import functools, http.server, socket, socketserver, sys
socketserver.TCPServer.allow_reuse_address = True
socketserver.TCPServer.address_family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[3])
socketserver.ThreadingTCPServer((sys.argv[1], int(sys.argv[2])), handler).serve_forever()
"""


def serve_files(host, folder, address, port=8080):
    """Starts an HTTP server over a folder on a lab host; returns its process once it listens."""
    server = host.popen(["/usr/bin/python3", "-c", FILE_SERVER, address, port, folder],
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 20
    name = f"[{address}]" if ":" in address else address
    while host.run(["curl", "-so", "/dev/null", f"http://{name}:{port}/"]).returncode != 0:
        if server.poll() is not None or time.monotonic() > end:
            raise LabError(f"the file server on {address}:{port} did not start")
        time.sleep(0.1)
    return server


def exit_on_sigterm():
    """SIGTERM ends the program as Ctrl-C does: through its finally blocks."""
    def stop(*_):
        sys.exit(143)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, stop)
