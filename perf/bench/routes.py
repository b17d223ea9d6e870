# SPDX-License-Identifier: Apache-2.0
"""Route tables from perf/make-routes: for sluice's route_files and for ip -batch. A default route beside them gives every target
a way; the targets are spread evenly over TARGETS, so that most lie inside some longer prefix."""
import subprocess
import sys

from .machine import ROOT

TARGETS = "32.0.0.0/3"  # unicast, all of it
TARGET_COUNT = 1 << 16


def lines(count, gateway):
    """`PREFIX via GATEWAY`, so many; one alone is the default route."""
    default = f"0.0.0.0/0 via {gateway}"
    if count == 1:
        return [default]
    made = subprocess.run([sys.executable, ROOT / "perf/make-routes", "--count", str(count - 1), "--via", gateway],
                          capture_output=True, text=True, check=True).stdout.splitlines()
    return [default, *(line for line in made if line and not line.startswith("#"))]


def write_route_file(folder, count, gateway):
    path = folder / f"{count}.routes"
    if not path.exists():
        path.write_text("\n".join(lines(count, gateway)) + "\n")
    return path


def write_ip_batch(folder, count, gateway):
    path = folder / f"{count}.batch"
    path.write_text("".join(f"route add {line}\n" for line in write_route_file(folder, count, gateway).read_text().splitlines()))
    return path


def targets(count=TARGET_COUNT):
    """The addresses that sluice-load sends to with --targets TARGETS --target-count count."""
    first, length = 32 << 24, 3
    step = (1 << 32 - length) // count
    return [first + i * step + 1 for i in range(count)]
