# SPDX-License-Identifier: Apache-2.0
"""Zones of so many names, and queries for them: nine names that exist to one that does not, in random order."""
import random

ZONE = "example.test"
MISSES = 0.1  # share of the queries that ask for a name that does not exist
QUERIES = 200_000


def name(i):
    return f"host{i}.{ZONE}"


def write_zone(folder, names):
    path = folder / f"{names}.zone"
    if not path.exists():
        with open(path, "w") as out:
            out.write(f"$ORIGIN {ZONE}.\n$TTL 3600\n@ IN SOA ns1 admin 1 7200 3600 1209600 300\n@ IN NS ns1\nns1 IN A 198.18.0.1\n")
            out.writelines(f"host{i} IN A 10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}\n" for i in range(names))
    return path


def write_queries(folder, names, seed=1):
    """dnsperf's format. The same seed asks the same."""
    path = folder / f"{names}.queries"
    if not path.exists():
        chance = random.Random(seed)
        with open(path, "w") as out:
            for _ in range(QUERIES):
                i = chance.randrange(names)
                out.write(f"missing{i}.{ZONE} A\n" if chance.random() < MISSES else f"{name(i)} A\n")
    return path
