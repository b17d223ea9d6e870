#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/tcp/pkt/LEDGER.md of what scripts/packetdrill printed, with the reasons written down for failures."""
import collections
import re
import sys


def main(printed: str, reasons_file: str) -> None:
    reasons = {}
    with open(reasons_file, encoding="utf-8") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                script, _, reason = line.strip().partition(": ")
                reasons[script] = reason
    rows, counts, last = [], collections.Counter(), ""
    with open(printed, encoding="utf-8") as lines:
        for line in lines:
            if m := re.match(r"(passed|failed|skipped) ([^:\s]+)(?::(\d+): (.*))?$", line):
                rows.append([m[1], m[2], m[3] or "", m[4] or ""])
                counts[m[1]] += 1
            elif rows and (m := re.match(r"\s*(expected|got) (.*)", line)):
                rows[-1][3] += f"; {m[1]} `{m[2]}`"
            elif re.match(r"\d+ passed", line):
                last = line.strip()
    print("# packetdrill's own scripts\n")
    print(f"`scripts/packetdrill --ledger tests/tcp/pkt/LEDGER.md DIR` made this page: **{last}**. How they are played: README.md.")
    print("Skipped: what the script asks for is not there, named as the reader met it first.\n")
    print("| script | outcome |\n|---|---|")
    for outcome, script, at, why in rows:
        text = outcome
        if why:
            text += f" (line {at}): {reasons[script] + ' — ' if script in reasons else ''}{why}"
        print(f"| {script} | {text.replace('|', chr(92) + '|')} |")
    unexplained = [script for outcome, script, _, _ in rows if outcome == "failed" and script not in reasons]
    if unexplained:
        print(f"ledger: {len(unexplained)} failures without a reason in {reasons_file}: {' '.join(unexplained)}", file=sys.stderr)


main(*sys.argv[1:])
