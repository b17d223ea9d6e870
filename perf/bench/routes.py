# SPDX-License-Identifier: Apache-2.0
"""Route tables from perf/make-routes: for sluice's route_files and for ip -batch. A default route beside them gives every target
a way. IPv4's targets are spread evenly over TARGETS, so that most lie inside some longer prefix; a million prefixes cover little
of IPv6, so its targets are addresses inside them."""
import ipaddress
import subprocess
import sys

from .machine import ROOT

TARGETS = "32.0.0.0/3"  # unicast, all of it
TARGET_COUNT = 1 << 16
GATEWAYS = {4: "198.19.0.2", 6: "2001:2:0:1::2"}
DEFAULT = {4: "0.0.0.0/0", 6: "::/0"}


def make(family, count, *more):
    """What perf/make-routes prints, remarks left out."""
    done = subprocess.run([sys.executable, ROOT / "perf/make-routes", "--family", str(family), "--count", str(count), "--via",
                           GATEWAYS[family], *more], capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if line and not line.startswith("#")]


def lines(family, count):
    """`PREFIX via GATEWAY`, so many; one alone is the default route."""
    default = f"{DEFAULT[family]} via {GATEWAYS[family]}"
    return [default] if count == 1 else [default, *make(family, count - 1)]


def write_route_file(folder, family, count):
    path = folder / f"ip{family}-{count}.routes"
    if not path.exists():
        path.write_text("\n".join(lines(family, count)) + "\n")
    return path


def write_ip_batch(folder, family, count):
    path = folder / f"ip{family}-{count}.batch"
    path.write_text("".join(f"route add {line}\n" for line in write_route_file(folder, family, count).read_text().splitlines()))
    return path


def targets4(count=TARGET_COUNT):
    """The addresses that sluice-load sends to with --targets TARGETS --target-count count, as numbers."""
    first, length = 32 << 24, 3
    step = (1 << 32 - length) // count
    return [first + i * step + 1 for i in range(count)]


def write_targets6(folder, count):
    """TARGET_COUNT addresses inside the prefixes of a table of so many routes, one a line."""
    path = folder / f"ip6-{count}.targets"
    if not path.exists():
        path.write_text("\n".join(make(6, max(count - 1, 1), "--destinations", str(TARGET_COUNT))) + "\n")
    return path


def targets(folder, family, count):
    if family == 4:
        return [ipaddress.IPv4Address(t) for t in targets4()]
    return [ipaddress.IPv6Address(t) for t in write_targets6(folder, count).read_text().split()]
