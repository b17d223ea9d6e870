# SPDX-License-Identifier: Apache-2.0
"""One SVG a row: bars of medians with their range, sluice and the others side by side. Drawn so that two runs with the same
figures give the same file."""
from .report import number
from .stats import BenchError

COLOURS = {"sluice": "#1f6f8b", "limit": "#b8b8b8", "peer": "#d98e3c"}


def draw(path, row, cases, note):
    """Writes the chart of a row's cases; cases without a figure are left out. Returns whether there was one."""
    try:
        import matplotlib
        matplotlib.use("svg")
        from matplotlib import pyplot
    except ImportError as error:
        raise BenchError("charts need python3-matplotlib: run perf/setup") from error
    matplotlib.rcParams.update({"svg.hashsalt": "sluice", "font.size": 9, "svg.fonttype": "none"})
    shown = [c for c in cases if c.measured()]
    if not shown:
        return False
    bars = max(len(c.measured()) for c in shown)
    figure, axes = pyplot.subplots(len(shown), 1, figsize=(8, 0.5 + len(shown) * (0.55 + 0.24 * bars)), squeeze=False)
    for axis, case in zip(axes[:, 0], shown):
        entries = case.measured()
        names = [e.name if e.kind != "limit" else f"limit: {e.name}" for e in entries]
        medians = [e.median for e in entries]
        spread = [[e.median - e.low for e in entries], [e.high - e.median for e in entries]]
        axis.barh(range(len(entries)), medians, xerr=spread, color=[COLOURS[e.kind] for e in entries], height=0.7,
                  error_kw={"elinewidth": 1, "capsize": 2})
        axis.set_yticks(range(len(entries)), names)
        axis.invert_yaxis()
        widest = max(e.high for e in entries) or 1
        for i, e in enumerate(entries):
            axis.text(e.high + widest * 0.01, i, number(e.median), va="center")
        axis.set_xlim(0, widest * 1.12)
        axis.set_title(f"{case.name}, {case.unit}" + ("" if case.better == "more" else " (less is better)"), loc="left", fontsize=9)
        axis.xaxis.set_major_formatter(lambda v, _: number(v) if v else "0")
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
    figure.text(0.01, 0.004, note, fontsize=7, color="#666666")
    figure.tight_layout(rect=(0, 0.02, 1, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="svg", metadata={"Date": None})
    pyplot.close(figure)
    # matplotlib ends lines with blanks.
    path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")
    return True


def draw_all(folder, cases_by_row, note):
    """{row: file name} of what was drawn."""
    return {row: f"{row}.svg" for row, cases in cases_by_row.items() if draw(folder / f"{row}.svg", row, cases, note)}
