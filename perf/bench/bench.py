# SPDX-License-Identifier: Apache-2.0
"""How contestants are measured: all started, one of them running at a time, in turns (A B A B ...), so that a drift of the
machine hits all alike. What cannot start or be measured says why, and the others go on."""
import dataclasses
import pathlib
import subprocess
import sys

from .stats import BenchError, Case
from .veth import LabError

FAILURES = (BenchError, LabError, OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError)


@dataclasses.dataclass
class Task:
    """One measurement: `case` of the row, and measure(contestant) -> Sample for those that have a part in it."""
    case: str
    unit: str
    measure: dict  # contestant -> function of no argument
    better: str = "more"


@dataclasses.dataclass
class Bench:
    folder: pathlib.Path
    rounds: int
    seconds: float
    warmup: float
    quick: bool
    configurations: dict = dataclasses.field(default_factory=dict)  # each once, in the order they came

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def compete(self, contestants, tasks, rounds=None):
        """Returns the cases with all samples; also what each contestant's configuration was."""
        cases = {t.case: Case(t.case, t.unit, t.better) for t in tasks}
        for t in tasks:
            for c in t.measure:
                cases[t.case].entry(c.name, c.kind)
        self.configurations |= {c.configuration: None for c in contestants}
        standing = []
        try:
            for c in contestants:
                self._start(c, standing, tasks, cases)
            for turn in range(rounds or self.rounds):
                for c in list(standing):
                    self._turn(c, tasks, cases, turn)
        finally:
            for c in reversed(standing):
                try:
                    c.resume()
                    c.stop()
                except FAILURES as error:
                    self.say(f"  {c.name}: {error}")
        return list(cases.values())

    def _start(self, c, standing, tasks, cases):
        try:
            c.start(self.folder)
            c.pause()
            standing.append(c)
        except FAILURES as error:
            self._fail(c, tasks, cases, f"does not start: {error}")
        finally:
            if c not in standing:  # failed, or the run was interrupted
                try:
                    c.stop()
                except FAILURES:
                    pass

    def _turn(self, c, tasks, cases, turn):
        c.resume()
        for t in tasks:
            entry = cases[t.case].entry(c.name, c.kind) if c in t.measure else None
            if entry is None or entry.missing:
                continue
            try:
                entry.samples.append(t.measure[c]())
                self.say(f"  round {turn + 1}, {t.case}: {c.name} {entry.samples[-1].value:,.0f} {t.unit}")
            except FAILURES as error:
                self._fail(c, [t], cases, str(error) or type(error).__name__)
        try:
            c.pause()
        except FAILURES as error:
            self._fail(c, tasks, cases, f"ended: {error}")

    def _fail(self, c, tasks, cases, why):
        for t in tasks:
            if c in t.measure:
                cases[t.case].entry(c.name, c.kind).missing = why
        self.say(f"  {c.name}: {why}")
