# SPDX-License-Identifier: Apache-2.0
"""scripts/bind against a made-up /sys whose kernel does what a kernel would do with what is written there."""
import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
import bind  # noqa: E402

ROUTE_HEADER = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"


class FakeKernel(bind.Machine):
    """Cards: address -> the driver the kernel would choose and the interface that driver makes."""

    def __init__(self, root):
        super().__init__(root)
        self.native, self.names, self.loaded, self.refuses = {}, {}, [], set()
        (self.pci / "drivers").mkdir(parents=True)
        (self.sys / "class/net").mkdir(parents=True)
        (self.proc / "net").mkdir(parents=True)
        (self.proc / "net/route").write_text(ROUTE_HEADER)

    def card(self, address, driver, interface="", kind="0x020000", group=None, folder=""):
        device = self.pci / "devices" / address
        device.mkdir(parents=True)
        for name, text in {"class": kind, "vendor": "0x8086", "device": "0x1572", "driver_override": ""}.items():
            (device / name).write_text(text + "\n")
        if group is not None:
            members = self.sys / f"kernel/iommu_groups/{group}/devices"
            members.mkdir(parents=True, exist_ok=True)
            (members / address).symlink_to(device)
            (device / "iommu_group").symlink_to(members.parent)
        self.native[address], self.names[address] = driver, (folder, interface)
        if driver:
            self.attach(address, driver)
        return address

    def add_driver(self, name):
        (self.pci / "drivers" / name).mkdir(exist_ok=True)

    def attach(self, address, driver):
        self.add_driver(driver)
        (self.pci / "devices" / address / "driver").symlink_to(self.pci / "drivers" / driver)
        folder, interface = self.names[address]
        if interface and driver == self.native[address]:
            (self.pci / "devices" / address / folder / "net" / interface).mkdir(parents=True)
            (self.sys / "class/net" / interface).mkdir(exist_ok=True)

    def modprobe(self, driver):
        self.loaded.append(driver)
        if driver not in self.refuses:
            self.add_driver(driver)

    def write(self, path, text):
        if path.name == "unbind":
            device = self.pci / "devices" / text.strip()
            (device / "driver").unlink()
            folder, interface = self.names[text.strip()]
            if interface and (device / folder / "net" / interface).exists():
                (device / folder / "net" / interface).rmdir()
        elif path.name == "drivers_probe":
            address = text.strip()
            wanted = self.text(self.pci / "devices" / address / "driver_override") or self.native[address]
            if not self.driver(address) and wanted and (self.pci / "drivers" / wanted).is_dir() and wanted not in self.refuses:
                self.attach(address, wanted)
        else:
            super().write(path, text)


@pytest.fixture
def kernel(tmp_path):
    k = FakeKernel(tmp_path)
    k.card("0000:3b:00.0", "i40e", "enp59s0f0", group=7)
    k.card("0000:3b:00.1", "i40e", "enp59s0f1", group=8)
    return k


def says(kernel, capsys, *words):
    code = bind.main(list(words), kernel)
    out = capsys.readouterr()
    return code, out.out + out.err


def test_a_card_is_taken_and_given_back(kernel, capsys):
    code, text = says(kernel, capsys, "vfio-pci", "3b:00.1")
    assert code == 0 and kernel.loaded == ["vfio-pci"]
    assert "0000:3b:00.1: i40e -> vfio-pci; the interface enp59s0f1 is gone" in text
    assert kernel.driver("0000:3b:00.1") == "vfio-pci" and kernel.driver("0000:3b:00.0") == "i40e"
    assert "vfio-pci has it already" in says(kernel, capsys, "vfio-pci", "3b:00.1")[1]
    code, text = says(kernel, capsys, "--back", "0000:3b:00.1")
    assert code == 0 and "vfio-pci -> i40e; its interface is enp59s0f1" in text
    assert kernel.text(kernel.pci / "devices/0000:3b:00.1/driver_override") == ""


def test_a_card_may_be_named_by_its_interface(kernel, capsys):
    kernel.card("0000:00:05.0", "virtio-pci", "eth5", group=9, folder="virtio2")
    assert "0000:00:05.0: virtio-pci -> vfio-pci; the interface eth5 is gone" in says(kernel, capsys, "vfio-pci", "eth5")[1]


@pytest.mark.parametrize("route", ["route", "ipv6_route"])
def test_the_card_of_the_default_route_is_refused_unless_forced(kernel, capsys, route):
    if route == "route":
        (kernel.proc / "net/route").write_text(
            ROUTE_HEADER + "enp59s0f1\t000012C6\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
            "enp59s0f0\t00000000\t010012C6\t0003\t0\t0\t100\t00000000\t0\t0\t0\n")
    else:
        zero = "0" * 32
        (kernel.proc / "net/ipv6_route").write_text(
            f"{zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200 lo\n"
            f"{zero} 00 {zero} 00 fe80{zero[4:]} 00000400 00000001 00000000 00000003 enp59s0f0\n")
    code, text = says(kernel, capsys, "vfio-pci", "enp59s0f0")
    assert code == 1 and "carries the default route" in text and "--force vfio-pci 0000:3b:00.0" in text
    assert kernel.driver("0000:3b:00.0") == "i40e"
    assert says(kernel, capsys, "vfio-pci", "enp59s0f1")[0] == 0, "the other card is free to go"
    assert says(kernel, capsys, "--force", "vfio-pci", "3b:00.0")[0] == 0
    assert kernel.driver("0000:3b:00.0") == "vfio-pci"


def test_a_card_below_a_bond_with_the_default_route_is_refused(kernel, capsys):
    (kernel.sys / "class/net/enp59s0f0/upper_bond0").mkdir()
    (kernel.sys / "class/net/bond0/upper_bond0.7").mkdir(parents=True)
    (kernel.proc / "net/route").write_text(ROUTE_HEADER + "bond0.7\t00000000\t010012C6\t0003\t0\t0\t0\t00000000\t0\t0\t0\n")
    assert says(kernel, capsys, "vfio-pci", "3b:00.0")[0] == 1


def test_vfio_wants_an_iommu_and_the_whole_group(kernel, capsys):
    kernel.card("0000:04:00.0", "e1000e", "eno1")
    code, text = says(kernel, capsys, "vfio-pci", "eno1")
    assert code == 1 and "intel_iommu=on" in text and "scripts/bind uio_pci_generic 0000:04:00.0" in text
    assert says(kernel, capsys, "uio_pci_generic", "eno1")[0] == 0
    kernel.card("0000:05:00.0", "igb", "eno2", group=12)
    kernel.card("0000:05:00.1", "snd_hda_intel", kind="0x040300", group=12)
    kernel.card("0000:05:00.2", "pcieport", kind="0x060400", group=12)
    code, text = says(kernel, capsys, "vfio-pci", "eno2")
    assert code == 1 and "0000:05:00.1, which snd_hda_intel has" in text and "pcieport" not in text
    assert kernel.driver("0000:05:00.0") == "igb"


def test_a_driver_that_does_not_take_the_card_leaves_it_with_the_kernel(kernel, capsys):
    kernel.add_driver("vfio-pci")
    kernel.refuses.add("vfio-pci")
    code, text = says(kernel, capsys, "vfio-pci", "3b:00.0")
    assert code == 1 and "it is with i40e" in text and "dmesg" in text
    assert kernel.driver("0000:3b:00.0") == "i40e"


@pytest.mark.parametrize("words, told", [
    (["vfio-pci"], "which card?"),
    (["vfio-pci", "0000:77:00.0"], "there is no PCI device 0000:77:00.0; the network cards are: 0000:3b:00.0, 0000:3b:00.1"),
    (["vfio-pci", "nonsense"], "neither a PCI address nor an interface"),
    (["vfio-pci", "tap0"], "af_packet: tap0"),
    (["vfio-pci", "0000:00:1f.3"], "is no network card"),
    (["i40e", "3b:00.0"], "scripts/bind --back"),
    (["uio_pci_generic", "3b:00.0"], "this kernel has no uio_pci_generic"),
])
def test_mistakes_are_told_and_change_nothing(kernel, capsys, words, told):
    (kernel.sys / "class/net/tap0").mkdir()
    kernel.card("0000:00:1f.3", "snd_hda_intel", kind="0x040300")
    kernel.refuses.add("uio_pci_generic")
    code, text = says(kernel, capsys, *words)
    assert code == 1 and told in text
    assert kernel.driver("0000:3b:00.0") == kernel.driver("0000:3b:00.1") == "i40e"


def test_without_words_the_cards_are_shown(kernel, capsys):
    (kernel.proc / "net/route").write_text(ROUTE_HEADER + "enp59s0f0\t00000000\t010012C6\t0003\t0\t0\t0\t00000000\t0\t0\t0\n")
    lines = says(kernel, capsys)[1].splitlines()
    assert lines[1].split()[:3] == ["0000:3b:00.0", "i40e", "enp59s0f0"] and lines[1].endswith("carries the default route")
    assert "default route" not in lines[2]
