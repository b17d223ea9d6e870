# SPDX-License-Identifier: Apache-2.0
"""What a measurement is, and what may be said of several: medians with their range, and ratios of medians."""
import dataclasses
import statistics


class BenchError(Exception):
    """Why something could not be measured; its text says what to do where that is known."""


@dataclasses.dataclass
class Sample:
    """One measurement. `value` is what the case compares; `more` holds figures that belong to it (latencies, busy shares)."""
    value: float
    errors: list = dataclasses.field(default_factory=list)
    more: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Entry:
    """All samples of one contestant in one case. kind: sluice, limit or peer."""
    name: str
    kind: str
    samples: list = dataclasses.field(default_factory=list)
    missing: str = ""  # why there is no sample

    def values(self):
        return [s.value for s in self.samples]

    @property
    def median(self):
        return statistics.median(self.values())

    @property
    def low(self):
        return min(self.values())

    @property
    def high(self):
        return max(self.values())

    def errors(self):
        """Each error once, in the order they came."""
        return list(dict.fromkeys(e for s in self.samples for e in s.errors))

    def more(self, key):
        """The median of a figure beside the value; None when no sample has it."""
        figures = [s.more[key] for s in self.samples if s.more.get(key) is not None]
        return statistics.median(figures) if figures else None


@dataclasses.dataclass
class Case:
    """One line of a row: the same task for each contestant. better: "more" or "less"."""
    name: str
    unit: str
    better: str = "more"
    entries: list = dataclasses.field(default_factory=list)

    def entry(self, name, kind):
        for e in self.entries:
            if e.name == name:
                return e
        self.entries.append(Entry(name, kind))
        return self.entries[-1]

    def measured(self, kind=None):
        return [e for e in self.entries if e.samples and (kind is None or e.kind == kind)]


def ratio(ours, other, better="more"):
    """How many times better `ours` is than `other`, as a ratio of medians; None when one of them is 0."""
    a, b = (ours.median, other.median) if better == "more" else (other.median, ours.median)
    return a / b if a and b else None


def ratio_range(ours, other, better="more"):
    """The least and the greatest ratio of two samples of the same round, which a drift of the machine hit alike."""
    pairs = [(a, b) if better == "more" else (b, a) for a, b in zip(ours.values(), other.values())]
    quotients = [a / b for a, b in pairs if a and b]
    return (min(quotients), max(quotients)) if quotients else None
