# SPDX-License-Identifier: Apache-2.0
"""Route tables with the mix of prefix lengths that the Internet's table has (most are /24), and where packets to them go."""
import random

# Shares of prefix lengths, in the proportions of the global IPv4 table.
MIX = [(24, 60), (23, 10), (22, 11), (21, 5), (20, 5), (19, 3), (18, 2), (17, 1), (16, 2), (32, 1)]
FIRST, LENGTH = 64 << 24, 2  # all routes and targets lie in 64.0.0.0/2
TARGETS = f"64.0.0.0/{LENGTH}"
TARGET_COUNT = 1 << 16


def text(address):
    return ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))


def prefixes(count, seed=1):
    """So many different ones below TARGETS; one alone is TARGETS itself."""
    if count == 1:
        return [TARGETS]
    chance = random.Random(seed)
    lengths, weights = zip(*MIX)
    seen = {(FIRST, LENGTH)}  # so that every packet has a way
    while len(seen) < count:
        for length in chance.choices(lengths, weights, k=count - len(seen)):
            seen.add(((FIRST | chance.getrandbits(30)) & ~((1 << 32 - length) - 1), length))
    return [f"{text(a)}/{length}" for a, length in sorted(seen)]


def targets(count=TARGET_COUNT, seed=2):
    chance = random.Random(seed)
    return [FIRST | chance.getrandbits(30) for _ in range(count)]


def write_route_file(folder, count, gateway):
    """sluice's route_files: one `PREFIX via GATEWAY` a line."""
    path = folder / f"{count}.routes"
    path.write_text("".join(f"{p} via {gateway}\n" for p in prefixes(count)))
    return path


def write_ip_batch(folder, count, gateway):
    """The same for ip -batch."""
    path = folder / f"{count}.batch"
    path.write_text("".join(f"route add {p} via {gateway}\n" for p in prefixes(count)))
    return path
