#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The check of proofs has teeth: a name without a test is found, and those that have one are not."""
import pathlib
import subprocess
import sys
import tempfile

TESTS = """
TEST(Open, is_passive) {}
TEST_F(Room, answers_a_syn) {}
TEST_P(Transfer, arrives) {}
INSTANTIATE_TEST_SUITE_P(Links, Transfer, testing::Values(1));
"""
GOOD = ["`Open.*`", "`Open.is_*`, `Room.answers_a_syn`", "words `Links/Transfer.*`", "`open/a.pkt`, fuzz target `tcp_fuzz`"]
SINS = [
    # the cell, words of the complaint
    ("`Open.is_active`", "no test is called Open.is_active"),
    ("`Open.is_passive`, `is_gone`", "no test is called Open.is_gone"),
    ("`Shut.*`", "no test is called Shut.*"),
    ("`open/b.pkt`", "no test is called open/b.pkt"),
    ("`udp_fuzz`", "no test is called udp_fuzz"),
    ("proven elsewhere", "a rule that names no test"),
]


def run(root: pathlib.Path, cell: str) -> str:
    with tempfile.TemporaryDirectory() as name:
        tree = pathlib.Path(name)
        for folder in ("stack/tcp", "tests/tcp/pkt/open", "tests/fuzz"):
            (tree / folder).mkdir(parents=True)
        (tree / "tests/tcp/x_test.cc").write_text(TESTS)
        (tree / "tests/tcp/pkt/open/a.pkt").touch()
        (tree / "tests/fuzz/tcp_fuzz.cc").touch()
        (tree / "stack/tcp/README.md").write_text(f"| rule | where it is proven |\n|---|---|\n| a rule | {cell} |\n")
        done = subprocess.run([str(root / "scripts/check-proofs"), tree], capture_output=True, text=True)
        return done.stdout if done.returncode else ""


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    bad = [f"not found: {s}" for s in SINS if s[1] not in run(root, s[0])]
    bad += [f"found though good: {c}: {out}" for c in GOOD if (out := run(root, c))]
    print("\n".join(bad) or f"{len(SINS)} sins found, {len(GOOD)} good cells passed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
