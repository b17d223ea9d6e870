# SPDX-License-Identifier: Apache-2.0
"""Measures sluice beside the physical limit and beside what a user would pick instead, in one run on this machine: the server
has one core and the client the other, contestants take turns, and what counts is the ratio of medians.

  perf/run                 all rows
  perf/run --quick         most rows, small, short, and beside fewer peers: two minutes
  perf/run dns http        some rows
  perf/run --write         all rows, and the result goes into README.md and perf/README.md with charts

Figures of one run may be compared with each other and with nothing else."""
import argparse
import json
import pathlib
import shlex
import signal
import sys
import time

from . import charts, machine, report, write
from .bench import Bench
from .rows import ROWS, chosen
from .stats import BenchError
from .veth import LabError

sys.path.insert(0, str(machine.ROOT / "scripts"))
from lab import exit_on_sigterm  # noqa: E402

HUGEPAGES_MB = 3072  # a million IPv6 routes and two testpmds take most of it
NOISY = 0.15  # share of a core that others may use before it is said


def arguments(words):
    rows = "\n".join(f"  {name:10} {f.__doc__.splitlines()[0]}" for name, f in ROWS.items())
    parser = argparse.ArgumentParser(prog="perf/run", description=__doc__, epilog="rows:\n" + rows,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="which rows; all when none is named")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and peers, shorter measurements, small tables and zones")
    parser.add_argument("--rounds", type=int, help="how often each contestant has its turn (default 5, quick 2)")
    parser.add_argument("--seconds", type=float, help="of each measurement (default 3, quick 0.5)")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures here")
    parser.add_argument("--charts", type=pathlib.Path, help="draw a chart for each row into this folder")
    parser.add_argument("--write", action="store_true", help="fill in README.md, perf/README.md, perf/results.json and perf/charts")
    parser.add_argument("--from", dest="source", type=pathlib.Path, metavar="JSON", help="measure nothing: take the figures of this file")
    options = parser.parse_args(words)
    options.rounds = options.rounds or (2 if options.quick else 5)
    options.seconds = options.seconds or (0.5 if options.quick else 3)
    if options.rounds < 1 or options.seconds < 0.1:
        parser.error("at least one round of at least 0.1 seconds")
    try:
        options.rows = chosen(options.rows, options.quick)
    except ValueError as error:
        parser.error(str(error))
    return options


def quiet_machine():
    """Says when something else is running: then the figures are low, and not alike."""
    before = machine.core_ticks()
    time.sleep(0.3)
    busy = {c: s for c, s in machine.busy_shares(before, machine.core_ticks()).items() if s > NOISY}
    for core, share in busy.items():
        print(f"WARNING: core {core} is {share:.0%} busy with something else: figures will be low", flush=True)
    return not busy


def measure(options, command):
    about = machine.facts()
    about["quiet"] = quiet_machine()
    cases_by_row, configurations = {}, {}
    with machine.the_only_run(), machine.hugepages(HUGEPAGES_MB), machine.folder() as folder:
        bench = Bench(folder, options.rounds, options.seconds, min(1.0, options.seconds / 2), options.quick)
        for name in options.rows:
            started = time.monotonic()
            print(f"{name}: {ROWS[name].__doc__.splitlines()[0]}", file=sys.stderr, flush=True)
            cases_by_row[name] = ROWS[name](bench)
            configurations |= bench.configurations
            print(f"\n{name}, {time.monotonic() - started:.0f} s\n\n{report.table(cases_by_row[name])}", flush=True)
            for wrong in report.errors(cases_by_row[name]):
                print("ERROR", wrong, flush=True)
    settings = {"command": command, "rounds": options.rounds, "seconds": options.seconds, "quick": options.quick}
    return report.to_json(about, settings, cases_by_row, list(configurations))


def run(words):
    options = arguments(words)
    exit_on_sigterm()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell started it in the background, deaf to Ctrl-C
    if options.source:
        told = json.loads(options.source.read_text())
        print(report.table([c for cases in report.from_json(told).values() for c in cases]))
    else:
        machine.check()
        told = measure(options, shlex.join(["perf/run", *words]))
    note = write.about(told["machine"], told["settings"]).replace("`", "").split("; ")[0]
    if options.json:
        options.json.write_text(json.dumps(told, indent=1) + "\n")
    if options.charts:
        charts.draw_all(options.charts, report.from_json(told), note)
    if options.write:
        perf = machine.ROOT / "perf"
        (perf / "results.json").write_text(json.dumps(told, indent=1) + "\n")
        write.write(told, charts.draw_all(perf / "charts", report.from_json(told), note))
        print("wrote README.md, perf/README.md, perf/results.json and perf/charts")


def main(words=None):
    try:
        run(sys.argv[1:] if words is None else words)
    except (BenchError, LabError) as error:
        sys.exit(f"perf: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
