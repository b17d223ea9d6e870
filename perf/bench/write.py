# SPDX-License-Identifier: Apache-2.0
"""What a run fills in between two marks: tables, charts, errors and configurations in perf/README.md, one chart in README.md."""
from . import report
from .machine import ROOT
from .stats import BenchError

BEGIN, END = "<!-- made by perf/run --write: do not edit below -->", "<!-- made by perf/run --write: end -->"


def between(text, body, name):
    """`text` with what stands between the marks replaced."""
    head, mark, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not mark or not end:
        raise BenchError(f"{name} has lost its marks: a line {BEGIN} and, further down, a line {END}")
    return f"{head}{mark}\n\n{body.strip()}\n\n{END}{tail}"


def about(machine, settings):
    peers = ", ".join(f"{p} {v}" for p, v in machine["peers"].items())
    return (f"`{settings['command']}`, commit {machine['commit']}, {machine['cpu']}, {machine['cores']} cores, Linux {machine['kernel']}, "
            f"DPDK {machine['dpdk']}; {settings['rounds']} rounds of {settings['seconds']:g} s. Peers: {peers}.")


def body(told, charts):
    cases_by_row = report.from_json(told)
    parts = [about(told["machine"], told["settings"])]
    for row, cases in cases_by_row.items():
        parts.append(f"### {row}")
        if row in charts:
            parts.append(f"![{row}](charts/{charts[row]})")
        parts.append(report.table(cases))
        wrong = list(report.errors(cases))
        if wrong:
            parts.append("\n".join(f"- ERROR {w}" for w in (line.replace("\n", " ") for line in wrong)))
    parts.append("### Configurations\n\n" + "\n".join(f"- {c}" for c in told["configurations"]))
    return "\n\n".join(parts)


def front(told, charts):
    """README.md's part."""
    if "summary" not in charts:
        return ""
    return f"![sluice beside its peers](perf/charts/{charts['summary']})\n\nCommit {told['machine']['commit']}; all figures: [perf](perf/README.md)."


def write(told, charts, root=ROOT):
    for path, text in ((root / "perf/README.md", body(told, charts)), (root / "README.md", front(told, charts))):
        path.write_text(between(path.read_text(), text, path.name))
