#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The arrow check has teeth: each planted sin is found, and the clean line beside it is not."""
import pathlib
import subprocess
import sys
import tempfile

SINS = [
    # file, line, words of the complaint
    ("stack/tcp/x.h", '#include "ip/routes.h"', "tcp may not include ip/routes.h"),
    ("stack/tcp/x.h", '#include "stack.h"', "tcp may not include stack.h"),
    ("stack/dns/x.h", '#include "buf/packet.h"', "dns may not include buf/packet.h"),
    ("stack/ip/icmp.h", "#include <rte_fib.h>", "may name DPDK"),
    ("stack/tcp/x.cc", "auto t = std::chrono::steady_clock::now();", "only io/ reads clocks"),
    ("stack/tcp/x.cc", "std::random_device seed();", "only io/ reads clocks"),
    ("config/x.cc", '#include "tcp/conn.h"', "config may not include tcp/conn.h"),
    ("stack/attic/x.h", "int x;", "not in the table"),
]
CLEAN = [
    ("stack/tcp/x.h", '#include "buf/packet.h"'),
    ("stack/ip/routes.h", "#include <rte_fib.h>"),
    ("stack/io/clock.cc", "return rte_rdtsc();"),
    ("config/x.cc", '#include "tcp/options.def"'),
    ("stack/tcp/x.cc", "// steady_clock::now() would be a sin"),
]


def run(root: pathlib.Path, file: str, line: str) -> str:
    with tempfile.TemporaryDirectory() as tree:
        path = pathlib.Path(tree) / file
        path.parent.mkdir(parents=True)
        path.write_text(line + "\n")
        done = subprocess.run([str(root / "scripts/check-arrows"), tree], capture_output=True, text=True)
        return done.stdout if done.returncode else ""


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    bad = [f"not found: {s}" for s in SINS if s[2] not in run(root, s[0], s[1])]
    bad += [f"found though clean: {c}: {out}" for c in CLEAN if (out := run(root, *c))]
    print("\n".join(bad) or f"{len(SINS)} sins found, {len(CLEAN)} clean lines passed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
