# SPDX-License-Identifier: Apache-2.0
"""Gives a network card to sluice, or back to the kernel.

  scripts/bind                          shows the network cards, who has them, and which one carries the default route
  scripts/bind vfio-pci ADDRESS...      for sluice, behind the IOMMU: what you want
  scripts/bind uio_pci_generic ADDRESS...   for sluice, where there is no IOMMU (no rx interrupts, the card may write anywhere)
  scripts/bind --back ADDRESS...        to the driver the kernel would choose

  --force    though the card carries the default route, which most often is the line you are working over

ADDRESS is a PCI address (0000:3b:00.0, or 3b:00.0) or the name of an interface (enp59s0f0). A card taken from the kernel loses its
interface, addresses and routes. Lasts until the next boot."""
import argparse
import os
import pathlib
import re
import subprocess
import sys

USER_DRIVERS = ("vfio-pci", "uio_pci_generic")
NETWORK_CLASS = "0x02"
BRIDGE_CLASS = "0x06"


class Trouble(Exception):
    """What is in the way; its text says what to do."""


class Machine:
    """What /sys and /proc say, and the few files in /sys that change it."""

    def __init__(self, root="/"):
        self.sys, self.proc = pathlib.Path(root) / "sys", pathlib.Path(root) / "proc"
        self.pci = self.sys / "bus/pci"

    def write(self, path, text):
        try:
            path.write_text(text)
        except OSError as e:
            raise Trouble(f"cannot write {path}: {e.strerror}" + ("; run as root" if os.geteuid() else "")) from e

    def modprobe(self, driver):
        subprocess.run(["modprobe", driver], capture_output=True, check=False)

    def text(self, path):
        try:
            return path.read_text().strip()
        except OSError:
            return ""

    def cards(self):
        devices = self.pci / "devices"
        return sorted(d.name for d in devices.iterdir() if self.text(d / "class").startswith(NETWORK_CLASS)) if devices.is_dir() else []

    def driver(self, address):
        link = self.pci / "devices" / address / "driver"
        return os.path.basename(os.readlink(link)) if link.is_symlink() else ""

    def interfaces(self, address):
        """Of a card; a virtio one has them a folder deeper."""
        device = self.pci / "devices" / address
        return sorted(p.name for pattern in ("net/*", "virtio*/net/*") for p in device.glob(pattern))

    def with_uppers(self, interface):
        """The interface, and the bonds, bridges and VLANs on top of it."""
        found, todo = set(), [interface]
        while todo:
            name = todo.pop()
            if name in found:
                continue
            found.add(name)
            todo += [p.name.removeprefix("upper_") for p in (self.sys / "class/net" / name).glob("upper_*")]
        return found

    def default_route_interfaces(self):
        names = set()
        for line in self.text(self.proc / "net/route").splitlines()[1:]:
            word = line.split()
            if len(word) > 7 and word[1] == "00000000" and word[7] == "00000000":
                names.add(word[0])
        for line in self.text(self.proc / "net/ipv6_route").splitlines():
            word = line.split()
            if len(word) > 9 and word[0] == "0" * 32 and word[1] == "00" and word[9] != "lo":
                names.add(word[9])
        return names

    def carries_default_route(self, address):
        """The interface that does, or ""."""
        wanted = self.default_route_interfaces()
        return next((i for i in self.interfaces(address) if self.with_uppers(i) & wanted), "")

    def resolve(self, word):
        """The full PCI address of what the user named."""
        if re.fullmatch(r"[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7]", word):
            word = "0000:" + word
        if re.fullmatch(r"[0-9a-fA-F]{4,8}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7]", word):
            address = word.lower()
            if not (self.pci / "devices" / address).exists():
                raise Trouble(f"there is no PCI device {address}; the network cards are: {', '.join(self.cards()) or 'none'}")
            if not self.text(self.pci / "devices" / address / "class").startswith(NETWORK_CLASS):
                raise Trouble(f"{address} is no network card")
            return address
        for address in self.cards():
            if word in self.interfaces(address):
                return address
        if (self.sys / "class/net" / word).exists():
            raise Trouble(f"{word} is no PCI card: sluice takes it as it is, device: {{ af_packet: {word} }} or {{ af_xdp: {word} }}")
        raise Trouble(f"{word} is neither a PCI address nor an interface; type  scripts/bind  to see the cards")

    def check_group(self, address):
        """vfio hands out IOMMU groups, and only whole ones."""
        group = self.pci / "devices" / address / "iommu_group"
        if not group.exists():
            raise Trouble(f"{address} is in no IOMMU group: switch the IOMMU on (VT-d or AMD-Vi in the firmware, intel_iommu=on on the "
                          f"kernel's command line), or type  scripts/bind uio_pci_generic {address}")
        for other in sorted(p.name for p in (group / "devices").iterdir()):
            if other == address or self.text(self.pci / "devices" / other / "class").startswith(BRIDGE_CLASS):
                continue
            if self.driver(other) not in ("", "vfio-pci", "pci-stub"):
                raise Trouble(f"{address} shares an IOMMU group with {other}, which {self.driver(other)} has: vfio gives out whole groups; "
                              f"bind {other} too, or put the card into another slot")


def rebind(machine, address, driver):
    """To `driver`, or to the kernel's choice when it is empty."""
    device = machine.pci / "devices" / address
    before, had = machine.driver(address), machine.interfaces(address)
    if driver and before == driver:
        return f"{address}: {driver} has it already"
    machine.write(device / "driver_override", driver + "\n")
    if before:
        machine.write(device / "driver/unbind", address)
    try:
        machine.write(machine.pci / "drivers_probe", address)
    except Trouble:
        pass  # what came of it is read below
    now = machine.driver(address)
    if driver and now != driver:
        machine.write(device / "driver_override", "\n")
        machine.write(machine.pci / "drivers_probe", address)
        raise Trouble(f"{driver} did not take {address}; it is with {machine.driver(address) or 'no driver'}. The kernel says why: dmesg | tail")
    if not now:
        raise Trouble(f"{address}: the kernel has no driver for it, or the driver's module is not loaded; it is with no driver now")
    gone, come = ", ".join(had), ", ".join(machine.interfaces(address))
    return (f"{address}: {before or 'no driver'} -> {now}" + (f"; the interface {gone} is gone" if gone and not come else "") +
            (f"; its interface is {come}" if come else ""))


def take(machine, address, driver, force):
    if driver not in USER_DRIVERS:
        raise Trouble(f"{driver}: sluice takes cards from {' or '.join(USER_DRIVERS)}; for the kernel's own driver type  scripts/bind --back")
    interface = machine.carries_default_route(address)
    if interface and not force:
        raise Trouble(f"{address} is {interface}, which carries the default route: you may lose this machine. "
                      f"If you mean it: scripts/bind --force {driver} {address}")
    if not (machine.pci / "drivers" / driver).is_dir():
        machine.modprobe(driver)
    if not (machine.pci / "drivers" / driver).is_dir():
        raise Trouble(f"this kernel has no {driver}: type  modprobe {driver}  to see why")
    if driver == "vfio-pci":
        machine.check_group(address)
    return rebind(machine, address, driver)


def show(machine):
    rows = [("address", "driver", "interface", "")]
    for address in machine.cards():
        device = machine.pci / "devices" / address
        what = f"{machine.text(device / 'vendor')[2:]}:{machine.text(device / 'device')[2:]}"
        if machine.carries_default_route(address):
            what += ", carries the default route"
        rows.append((address, machine.driver(address) or "none", ", ".join(machine.interfaces(address)) or "-", what))
    if len(rows) == 1:
        return "no PCI network card here"
    width = [max(len(r[c]) for r in rows) for c in range(3)]
    return "\n".join(f"{r[0]:{width[0]}}  {r[1]:{width[1]}}  {r[2]:{width[2]}}  {r[3]}".rstrip() for r in rows)


def main(argv, machine):
    parser = argparse.ArgumentParser(prog="scripts/bind", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     usage=argparse.SUPPRESS, add_help=True)
    parser.add_argument("--back", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--force", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    o = parser.parse_args(argv)
    try:
        if not o.words and not o.back:
            print(show(machine))
            return 0
        driver, words = ("", o.words) if o.back else (o.words[0], o.words[1:])
        if not words:
            raise Trouble("which card? Name an address or an interface: scripts/bind " + (driver or "--back") + " 0000:3b:00.0")
        for address in [machine.resolve(w) for w in words]:
            print(rebind(machine, address, "") if o.back else take(machine, address, driver, o.force), flush=True)
    except Trouble as e:
        print(f"bind: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Machine()))
