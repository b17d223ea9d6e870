# SPDX-License-Identifier: Apache-2.0
"""A guest under QEMU with real PCI network cards, without hardware: it boots Debian's kernel from an initramfs made here, mounts this
machine's root read-only over 9p, and runs sluice on cards behind an emulated IOMMU. The other ends of its cards are taps in a
namespace of their own.

    with Vm("name", [Nic("virtio", queues=2)]) as vm:
        vm.run("scripts/bind vfio-pci 00:03.0")
        vm.host.run(["ping", "-c1", "198.18.0.1"])"""
import argparse
import gzip
import os
import pathlib
import platform
import re
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time

from lab import Lab, LabError, exit_on_sigterm

ROOT = pathlib.Path(__file__).resolve().parents[1]
KERNELS = pathlib.Path(os.environ.get("SLUICE_VM_KERNEL", "/var/cache/sluice-vm"))
QEMU = "qemu-system-x86_64"
INSTALL = "type  scripts/setup --vm"

# In the order of need: the host's root, what scripts/bind binds to, and the drivers it takes cards from.
MODULES = ("9pnet_virtio", "9p", "virtio_pci", "virtio_net", "e1000", "e1000e", "vmxnet3", "vfio_iommu_type1", "vfio_pci", "uio_pci_generic")

# The first process: the host's root becomes ours, then commands come one a line by the first serial line.
INIT = """#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for m in $(cat /modules/order); do insmod /modules/$m || echo "insmod $m failed"; done
mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=262144,cache=loose root /root || exec sh
mount -t 9p -o rw,trans=virtio,version=9p2000.L,msize=262144 exchange /root/mnt || exec sh
for d in proc sys dev; do mount -o bind /$d /root/$d; done
mount -t tmpfs run /root/run
mkdir -p /root/dev/hugepages /root/dev/shm
mount -t hugetlbfs huge /root/dev/hugepages
mount -t tmpfs shm /root/dev/shm
ip link set lo up
exec setsid chroot /root /bin/bash /mnt/commands </dev/ttyS0 >/dev/ttyS0 2>&1
"""
COMMANDS = """stty raw -echo
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LANG=C.UTF-8
cd "$(cat /mnt/cwd)"
echo ready
while read -r number; do
  bash /mnt/command.$number >/mnt/output.$number 2>&1 </dev/null
  echo "done $number $?"
done
"""


class Nic:
    """A card of the guest: "virtio", "e1000", "e1000e" or "vmxnet3"."""

    def __init__(self, kind, queues=1):
        self.kind, self.queues = kind, queues
        self.address = self.tap = self.network = None  # set by the Vm


def find_kernel():
    images = sorted(KERNELS.glob("boot/vmlinuz-*"))
    if not images:
        raise LabError(f"there is no kernel for the guest in {KERNELS}: {INSTALL}")
    return images[-1], KERNELS / "lib/modules" / images[-1].name.removeprefix("vmlinuz-")


def why_not():
    """What keeps a VM from running here, "" when nothing does."""
    if platform.machine() != "x86_64":
        return "the guest is an x86-64 machine; this one is " + platform.machine()
    for program in (QEMU, "busybox"):
        if shutil.which(program) is None:
            return f"{program} is not installed: {INSTALL}"
    try:
        find_kernel()
    except LabError as e:
        return str(e)
    if subprocess.run(["ldd", shutil.which("busybox")], capture_output=True, check=False).returncode == 0:
        return f"busybox is not the static one: {INSTALL}"
    return ""


# A host that is itself a guest may refuse the capabilities' register (MSR 0x10a); nothing here reads it.
CPU = "max,arch-capabilities=off"
# The split irqchip is what interrupt remapping needs with KVM.
KVM, TCG = ["-accel", "kvm,kernel-irqchip=split"], ["-accel", "tcg,thread=multi"]
KVM_BOOT_SECONDS = 45  # it takes a few


def modules_in_order(folder):
    """The files of MODULES and of what they need, each after what it needs (modinfo's "depends")."""
    files = {p.name.removesuffix(".ko").replace("-", "_"): p for p in folder.rglob("*.ko")}
    order = []

    def add(name):
        name = name.replace("-", "_")
        if name not in files or files[name] in order:
            return  # built in, or there already
        found = re.search(rb"\0depends=([^\0]*)\0", files[name].read_bytes())
        for needed in (found[1].decode() if found else "").split(","):
            if needed:
                add(needed)
        order.append(files[name])

    for name in MODULES:
        add(name)
    return order


def cpio(entries):
    """An archive in the kernel's "newc" format of (name, mode, contents)."""
    out = bytearray()
    for number, (name, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        out += b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
        out += b"\0" * (-len(out) % 4)
        out += data
        out += b"\0" * (-len(out) % 4)
    return bytes(out)


def initramfs(modules_folder):
    order = modules_in_order(modules_folder)
    folders = [(d, stat.S_IFDIR | 0o755, b"") for d in ("bin", "dev", "proc", "sys", "root", "modules")]
    files = [("init", stat.S_IFREG | 0o755, INIT.encode()),
             ("bin/busybox", stat.S_IFREG | 0o755, pathlib.Path(shutil.which("busybox")).read_bytes()),
             ("modules/order", stat.S_IFREG | 0o644, "\n".join(p.name for p in order).encode()),
             *((f"modules/{p.name}", stat.S_IFREG | 0o644, p.read_bytes()) for p in order)]
    return gzip.compress(cpio(folders + files), 1)


class Vm:
    """A running guest. `host` is the namespace at the other end of its cards: card i has address 198.18.i.2/24 there, and the guest
    is expected at 198.18.i.1. Everything goes with the Vm."""

    kvm = True  # until it has failed us

    def __init__(self, name, nics, memory_mb=1536, cpus=2, hugepages=256, boot_seconds=300):
        self.nics, self.memory_mb, self.cpus, self.hugepages, self.boot_seconds = nics, memory_mb, cpus, hugepages, boot_seconds
        self.lab = Lab(name, {})
        self.folder = None
        self._number = 0
        self._pending = b""

    @property
    def host(self):
        return self.lab.box

    def __enter__(self):
        trouble = why_not()
        if trouble:
            raise LabError(trouble)
        self.lab.__enter__()
        try:
            self._boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._end()
        self.lab.__exit__()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self):
        if getattr(self, "process", None) is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if getattr(self, "serial", None) is not None:
            self.serial.close()

    def _boot(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-vm-"))
        exchange = self.exchange = self.folder / "exchange"
        exchange.mkdir()
        (exchange / "commands").write_text(COMMANDS)
        (exchange / "cwd").write_text(str(ROOT))
        kernel, modules = find_kernel()
        (self.folder / "initrd").write_bytes(initramfs(modules))
        words = [
            QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-monitor", "none",
            "-machine", "q35", "-cpu", CPU, "-smp", self.cpus,
            "-m", self.memory_mb, "-kernel", kernel, "-initrd", self.folder / "initrd", "-append",
            f"console=ttyS1 loglevel=4 panic=-1 nokaslr mitigations=off no_timer_check net.ifnames=0 intel_iommu=on hugepages={self.hugepages}",
            # 48 bits of addresses: with QEMU's 39, no driver took a card in a build with sanitizers.
            "-device", "intel-iommu,intremap=on,caching-mode=on,device-iotlb=on,aw-bits=48",
            "-chardev", f"socket,id=commands,path={self.folder}/commands,server=on,wait=off", "-serial", "chardev:commands",
            "-serial", f"file:{self.folder}/console",
            "-virtfs", "local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap",
            "-virtfs", f"local,path={exchange},mount_tag=exchange,security_model=none",
        ]
        for i, nic in enumerate(self.nics):
            nic.tap, nic.network, nic.address = f"tap{i}", f"198.18.{i}", f"0000:00:{0x10 + i:02x}.0"
            many = nic.kind == "virtio" and nic.queues > 1
            self.host.ip("tuntap", "add", "dev", nic.tap, "mode", "tap", *(["multi_queue"] if many else []), "vnet_hdr")
            self.host.ip("addr", "add", f"{nic.network}.2/24", "dev", nic.tap)
            self.host.ip("link", "set", nic.tap, "up")
            words += ["-netdev", f"tap,id=n{i},ifname={nic.tap},script=no,downscript=no" + (f",queues={nic.queues}" if many else ""),
                      "-device", self._device(i, nic, many)]
        if Vm.kvm and os.access("/dev/kvm", os.R_OK | os.W_OK):
            try:
                return self._start([*words, *KVM], KVM_BOOT_SECONDS)
            except LabError as e:
                print(f"vm: KVM does not work here, going on without it: {str(e).splitlines()[0]}", file=sys.stderr, flush=True)
                self._end()
                (self.folder / "commands").unlink(missing_ok=True)
                Vm.kvm = False
        self._start([*words, *TCG], self.boot_seconds)

    def _start(self, words, seconds):
        """KVM where it works: there are hosts, guests themselves, where QEMU aborts with it, or no kernel gets beyond its first steps."""
        self._pending = b""
        self.process = self.host.popen(words, stdout=(self.folder / "qemu").open("wb"), stderr=subprocess.STDOUT)
        self._connect()
        self._expect("ready", seconds)

    @staticmethod
    def _device(i, nic, many):
        common = f"netdev=n{i},mac=52:54:00:00:00:{i + 1:02x},addr={0x10 + i:#x}"
        if nic.kind != "virtio":
            return f"{nic.kind},{common}"
        # ats and iommu_platform put the card behind the IOMMU; a vector for each queue each way, one for changes, one to spare.
        return (f"virtio-net-pci,{common},disable-legacy=on,iommu_platform=on,ats=on,rx_queue_size=1024,tx_queue_size=256" +
                (f",mq=on,rss=on,hash=on,vectors={2 * nic.queues + 2}" if many else ""))

    # -- commands

    def _connect(self):
        self.serial = socket.socket(socket.AF_UNIX)
        end = time.monotonic() + 20
        while True:
            try:
                self.serial.connect(str(self.folder / "commands"))
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise LabError("QEMU did not start:\n" + (self.folder / "qemu").read_text(errors="replace")) from None
                time.sleep(0.1)

    def _expect(self, start, seconds):
        """The next line from the guest that begins with `start`."""
        end = time.monotonic() + seconds
        while True:
            *lines, self._pending = self._pending.replace(b"\r", b"").split(b"\n")
            for n, line in enumerate(lines):
                if line.decode(errors="replace").startswith(start):
                    self._pending = b"\n".join([*lines[n + 1:], self._pending])
                    return line.decode()
            left = end - time.monotonic()
            if left <= 0 or self.process.poll() is not None:
                raise LabError(f"the guest did not say '{start}' in {seconds} s\n{self.console()}")
            self.serial.settimeout(min(left, 1))
            try:
                self._pending += self.serial.recv(4096)
            except TimeoutError:
                pass

    def console(self):
        """The end of what the guest's kernel and QEMU said."""
        return "\n".join((self.folder / f).read_text(errors="replace")[-3000:] for f in ("qemu", "console") if (self.folder / f).exists())

    def run(self, script, timeout=60, check=True):
        """Runs a shell script in the guest, in this repository's folder; its exit code and what it printed."""
        self._number += 1
        (self.exchange / f"command.{self._number}").write_text(script + "\n")
        self.serial.sendall(f"{self._number}\n".encode())
        code = int(self._expect(f"done {self._number} ", timeout).split()[2])
        output = (self.exchange / f"output.{self._number}").read_text(errors="replace")
        if check and code != 0:
            raise LabError(f"in the guest: {script}: exit code {code}\n{output}\n{self.console()}")
        return code, output

    # -- sluice

    def start(self, sluice, config, timeout=60):
        """Runs sluice in the guest with the given configuration (text; paths in it are the guest's, /mnt is `exchange`), until its
        cards have a link: one that agrees on its speed with the other end has none for the first seconds, and loses what it is sent."""
        (self.exchange / "sluice.yaml").write_text(config)
        (self.exchange / "sluice.log").write_text("")
        self.run(f"rm -f /mnt/sluice.code; ( {sluice} --config /mnt/sluice.yaml >/mnt/sluice.log 2>&1 </dev/null & echo $! >/mnt/sluice.pid; "
                 "wait $!; echo $? >/mnt/sluice.code ) >/dev/null 2>&1 &")
        end = time.monotonic() + timeout
        while not any(line.split(":")[-1].strip() == "ready" for line in self.log().splitlines()):
            if (self.exchange / "sluice.code").exists() or time.monotonic() > end:
                raise LabError(f"sluice did not become ready in the guest:\n{self.log()}\n{self.console()}")
            time.sleep(0.2)
        while not all(up for name, up in self.metrics().items() if name.startswith("sluice_port_up")):
            if time.monotonic() > end:
                raise LabError(f"a port of sluice in the guest has no link:\n{self.log()}")
            time.sleep(0.2)

    def log(self):
        return (self.exchange / "sluice.log").read_text(errors="replace")

    def stop(self, timeout=30):
        """Asks sluice to end; its exit code."""
        self.run("kill -TERM $(cat /mnt/sluice.pid)")
        end = time.monotonic() + timeout
        while not (self.exchange / "sluice.code").exists() or not (self.exchange / "sluice.code").read_text().strip():
            if time.monotonic() > end:
                raise LabError(f"sluice did not end in the guest:\n{self.log()}")
            time.sleep(0.1)
        return int((self.exchange / "sluice.code").read_text())

    def metrics(self, address="127.0.0.1:9464"):
        values = {}
        for line in self.run(f"curl -sf --max-time 10 http://{address}/metrics")[1].splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                values[name] = float(value)
        return values


# -- the program

ZONE = """\
$ORIGIN example.test.
$TTL 300
@   IN SOA ns hostmaster 1 3600 600 86400 60
    IN NS  ns
ns  IN A   198.18.0.1
www IN A   198.18.0.1
"""


def configuration(nic, mode="balanced"):
    """sluice on one card, a worker for each of its queues; the zone and the site lie in Vm.exchange."""
    return f"""\
workers: {{ cores: {list(range(nic.queues))}, mode: {mode} }}
memory: {{ hugepages: on, packets: 8192 }}
ports:
  - {{ name: lan, device: {{ pci: "{nic.address}" }}, addresses: [{nic.network}.1/24] }}
dns:
  - {{ listen: [{nic.network}.1:53], zones: [ {{ name: example.test, file: example.test.zone }} ] }}
http:
  - {{ listen: [{nic.network}.1:80], sites: [ {{ names: [www.example.test], root: www }} ] }}
metrics: {{ listen: 127.0.0.1:9464 }}
"""


def put_content(vm, octets):
    (vm.exchange / "example.test.zone").write_text(ZONE)
    (vm.exchange / "www").mkdir(exist_ok=True)
    (vm.exchange / "www/index.html").write_text("<!doctype html><title>sluice</title><p>hello from a VM</p>\n")
    (vm.exchange / "www/some.bin").write_bytes(octets)


KINDS = {"virtio": ("virtio", 1), "virtio-mq": ("virtio", 2), "e1000": ("e1000", 1), "e1000e": ("e1000e", 1), "vmxnet3": ("vmxnet3", 1)}


def main():
    parser = argparse.ArgumentParser(prog="scripts/vm", formatter_class=argparse.RawDescriptionHelpFormatter, description="""\
Boots a Debian guest under QEMU, binds its network card to vfio-pci and runs sluice on it. The other end of the card is a tap in a
network namespace of this machine. Without KVM it is slow and works all the same.""")
    parser.add_argument("--nic", choices=KINDS, default="virtio-mq", help="the card: virtio-mq has two queues and RSS (virtio-mq)")
    parser.add_argument("--driver", choices=("vfio-pci", "uio_pci_generic"), default="vfio-pci", help="what to bind it to (vfio-pci)")
    parser.add_argument("--sluice", default=str(ROOT / "build/app/sluice"), help="the program (build/app/sluice)")
    parser.add_argument("--once", action="store_true", help="try ping, dig and curl, and end")
    o = parser.parse_args()
    exit_on_sigterm()
    if not pathlib.Path(o.sluice).exists():
        raise LabError(f"{o.sluice} is not there: build it (meson setup build && ninja -C build app/sluice), or name it with --sluice")
    nic = Nic(*KINDS[o.nic])
    print("vm: booting", flush=True)
    with Vm("sluice-vm", [nic]) as vm:
        print("vm: " + vm.run(f"scripts/bind {o.driver} {nic.address}")[1].strip(), flush=True)
        put_content(vm, os.urandom(1 << 20))
        vm.start(o.sluice, configuration(nic))
        print(vm.log(), flush=True)
        tries = [["ping", "-c", "3", "198.18.0.1"], ["dig", "@198.18.0.1", "+short", "www.example.test"],
                 ["curl", "-sS", "-H", "Host: www.example.test", "http://198.18.0.1/"]]
        if not o.once:
            print("vm: from another terminal:")
            for words in tries:
                print(f"  ip netns exec {vm.host.namespace} " + " ".join(f"'{w}'" if " " in w else w for w in words))
            print("vm: Ctrl-C ends it", flush=True)
            vm.process.wait()
            raise LabError("the guest has ended\n" + vm.console())
        for words in tries:
            done = vm.host.run(words)
            print(f"$ {' '.join(words)}\n{done.stdout}{done.stderr}", flush=True)
            if done.returncode != 0:
                raise LabError("that failed\n" + vm.log())
        if vm.stop() != 0:
            raise LabError("sluice did not end well\n" + vm.log())
        print("vm: " + vm.run(f"scripts/bind --back {nic.address}")[1].strip())


if __name__ == "__main__":
    try:
        main()
    except LabError as e:
        sys.exit(f"vm: {e}")
    except KeyboardInterrupt:
        sys.exit(130)
