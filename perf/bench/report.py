# SPDX-License-Identifier: Apache-2.0
"""Results as a table for people and as JSON for machines, and back."""
import dataclasses
import statistics

from .stats import Case, Entry, Sample, ratio, ratio_range


def number(value):
    """Three digits that count, in thousands, millions or billions."""
    for least, scale, unit in ((1e9, 1e9, " G"), (1e6, 1e6, " M"), (1e4, 1e3, " k")):
        if abs(value) >= least:
            scaled = value / scale
            return (f"{scaled:,.0f}" if abs(scaled) >= 99.95 else f"{scaled:.3g}") + unit
    return small(abs(value)) if value >= 0 else "-" + small(-value)


def small(value):
    """Three digits that count, and all before the point."""
    return f"{value:,.0f}" if value >= 99.95 else f"{value:.3g}"


def derived(entry):
    """The rate with the server's core full, where something else was the limit; None where the figure stands for itself."""
    if entry.kind == "sluice":
        full = entry.more("full_core")
        return full if full and entry.more("generator_limits") and full > entry.median else None
    if entry.more("full_core") is None:
        return None
    return statistics.median(s.more.get("full_core", s.value) for s in entry.samples)


def notes(case, entry):
    words = []
    full = derived(entry)
    if full is not None:
        words.append(f"client is the limit; with its core full {number(full)} (derived)")
    if entry.more("busy_ns") is not None:
        words.append(f"{small(entry.more('busy_ns'))} ns busy each")
    if case.better == "less":
        words += [f"{q.replace('_', '.')} {entry.more(q + '_us'):,.0f} us" for q in ("p50", "p99", "p99_9") if entry.more(q + "_us") is not None]
    for key, text in (("lost_share", "lost {:.2%}"), ("flood_per_second", "flood {:,.0f}/s"), ("rate", "at {:,.0f}/s"),
                      ("all_told_bytes", "all told {:,.0f} bytes")):
        if entry.more(key):
            words.append(text.format(entry.more(key)))
    share = entry.more("server_core_busy")
    if share is not None and full is None:
        words.append(f"server's core {share:.0%} busy")
    return "; ".join(words)


def ratio_text(case, entry):
    """sluice to this one; against a derived figure when that is higher, so that no slow client makes a peer look slow."""
    ours = case.measured("sluice")
    if entry.kind == "sluice" or not ours or not entry.samples:
        return ""
    r, spread = ratio(ours[0], entry, case.better), ratio_range(ours[0], entry, case.better)
    if r is None:
        return ""
    text = f"{r:.3g}"
    if spread and len(entry.samples) > 1:
        text += f" ({spread[0]:.3g} to {spread[1]:.3g})"
    full = derived(entry)
    if full and case.better == "more":
        text += f"; {ours[0].median / full:.3g} of derived"
    return text


def rows_of(case):
    """(who, figure, sluice's ratio to it, notes) for each contestant."""
    for e in case.entries:
        who = e.name if e.kind != "limit" else f"limit: {e.name}"
        if not e.samples:
            yield who, "ERROR" if e.missing else "-", "", " ".join(e.missing.split())[:300]
            continue
        figure = f"{number(e.median)} ({number(e.low)} to {number(e.high)})"
        yield who, figure, ratio_text(case, e), notes(case, e)


def table(cases):
    lines = ["| case | who | median (min to max) | sluice is better by | |", "|---|---|---|---|---|"]
    for case in cases:
        for i, (who, figure, times, note) in enumerate(rows_of(case)):
            lines.append(f"| {case.name + ', ' + case.unit if i == 0 else ''} | {who} | {figure} | {times} | {note} |")
    return "\n".join(lines)


def errors(cases):
    """All that clients saw and all that could not run, one line each."""
    for case in cases:
        for e in case.entries:
            for text in e.errors():
                yield f"{case.name}: {e.name}: {text}"
            nothing = sum(s.value == 0 for s in e.samples)
            if nothing:
                yield f"{case.name}: {e.name}: nothing succeeded in {nothing} of {len(e.samples)} rounds"
            if e.missing:
                yield f"{case.name}: {e.name}: {e.missing}"


def to_json(machine, settings, cases_by_row, configurations):
    return {"machine": machine, "settings": settings, "configurations": configurations,
            "rows": {row: [dataclasses.asdict(c) for c in cases] for row, cases in cases_by_row.items()}}


def from_json(told):
    """{row: cases} of what to_json() wrote."""
    return {row: [Case(c["name"], c["unit"], c["better"],
                       [Entry(e["name"], e["kind"], [Sample(**s) for s in e["samples"]], e["missing"]) for e in c["entries"]])
                  for c in cases] for row, cases in told["rows"].items()}
