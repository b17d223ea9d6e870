# SPDX-License-Identifier: Apache-2.0
"""One SVG a row: bars of medians with their range, sluice and the others side by side; and one over all rows. Drawn so that two runs with the same
figures give the same file."""
from .report import number
from .stats import BenchError, ratio

COLOURS = {"sluice": "#1f6f8b", "limit": "#b8b8b8", "peer": "#d98e3c"}


def _pyplot():
    try:
        import matplotlib
        matplotlib.use("svg")
        from matplotlib import pyplot
    except ImportError as error:
        raise BenchError("charts need python3-matplotlib: run perf/setup") from error
    matplotlib.rcParams.update({"svg.hashsalt": "sluice", "font.size": 9, "svg.fonttype": "none"})
    return pyplot


def _save(pyplot, figure, path, note):
    figure.text(0.01, 0.004, note, fontsize=7, color="#666666")
    figure.tight_layout(rect=(0, 0.02, 1, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="svg", metadata={"Date": None})
    pyplot.close(figure)
    # matplotlib ends lines with blanks.
    path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")


def _bare(axis):
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def draw(path, cases, note):
    """Writes the chart of a row's cases; cases without a figure are left out. Returns whether there was one."""
    shown = [c for c in cases if c.measured()]
    if not shown:
        return False
    pyplot = _pyplot()
    bars = max(len(c.measured()) for c in shown)
    figure, axes = pyplot.subplots(len(shown), 1, figsize=(8, 0.5 + len(shown) * (0.55 + 0.24 * bars)), squeeze=False)
    for axis, case in zip(axes[:, 0], shown):
        entries = case.measured()
        names = [e.name if e.kind != "limit" else f"limit: {e.name}" for e in entries]
        spread = [[e.median - e.low for e in entries], [e.high - e.median for e in entries]]
        axis.barh(range(len(entries)), [e.median for e in entries], xerr=spread, color=[COLOURS[e.kind] for e in entries], height=0.7,
                  error_kw={"elinewidth": 1, "capsize": 2})
        axis.set_yticks(range(len(entries)), names)
        axis.invert_yaxis()
        widest = max(e.high for e in entries) or 1
        for i, e in enumerate(entries):
            axis.text(e.high + widest * 0.01, i, number(e.median), va="center")
        axis.set_xlim(0, widest * 1.12)
        axis.set_title(f"{case.name}, {case.unit}" + ("" if case.better == "more" else " (less is better)"), loc="left", fontsize=9)
        axis.xaxis.set_major_formatter(lambda v, _: number(v) if v else "0")
        _bare(axis)
    _save(pyplot, figure, path, note)
    return True


def best_peers(cases):
    """(case, ratio, peer) for each case that sluice and a peer have figures in: the peer that comes closest."""
    for case in cases:
        ours = case.measured("sluice")
        found = [(ratio(ours[0], p, case.better), p) for p in case.measured("peer")] if ours else []
        found = [(r, p) for r, p in found if r]
        if found:
            r, peer = min(found, key=lambda f: f[0])
            yield case, r, peer


def summary(path, cases, note):
    """How many times better than the best peer, case by case."""
    found = list(best_peers(cases))
    if not found:
        return False
    pyplot = _pyplot()
    figure, axis = pyplot.subplots(figsize=(8, 0.8 + 0.26 * len(found)))
    axis.barh(range(len(found)), [r for _, r, _ in found], color=COLOURS["sluice"], height=0.7)
    axis.set_yticks(range(len(found)), [c.name for c, _, _ in found])
    axis.invert_yaxis()
    axis.set_xscale("log")
    axis.axvline(1, color=COLOURS["peer"])
    axis.xaxis.set_major_formatter(lambda v, _: f"{v:g}")
    for i, (_, r, peer) in enumerate(found):
        axis.text(max(r, 1) * 1.05, i, f"{r:.3g} × {peer.name}", va="center")
    axis.set_xlim(min(0.5, *(r for _, r, _ in found)) * 0.9, max(2, *(r for _, r, _ in found)) * 5)
    axis.set_title("sluice beside the best peer of each case, one core each (ratio of medians, 1 is the peer)", loc="left", fontsize=9)
    _bare(axis)
    _save(pyplot, figure, path, note)
    return True


def draw_all(folder, cases_by_row, note):
    """{row: file name} of what was drawn; "summary" is over all of them."""
    drawn = {row: f"{row}.svg" for row, cases in cases_by_row.items() if draw(folder / f"{row}.svg", cases, note)}
    if summary(folder / "summary.svg", [c for cases in cases_by_row.values() for c in cases], note):
        drawn["summary"] = "summary.svg"
    return drawn
