# SPDX-License-Identifier: Apache-2.0
"""The rows by name, in the order in which they run. Each is a function of a Bench that returns its cases; its doc is its help."""
from .rows_dns import dns
from .rows_http import bulk, http, http_tap
from .rows_loss import tcp_loss
from .rows_packets import echo, forward
from .rows_pressure import flood, latency, memory

ROWS = {"forward": forward, "echo": echo, "dns": dns, "http": http, "bulk": bulk, "flood": flood, "latency": latency,
        "memory": memory, "tcp-loss": tcp_loss, "http-tap": http_tap}
# What --quick leaves out when no row is named: they take minutes.
LONG = {"tcp-loss", "http-tap"}


def chosen(names, quick):
    """The rows to run; an unknown name is an error that lists the known ones."""
    unknown = [n for n in names if n not in ROWS]
    if unknown:
        raise ValueError(f"there is no row '{unknown[0]}'; rows: {', '.join(ROWS)}")
    if names:
        return [n for n in ROWS if n in names]
    return [n for n in ROWS if not (quick and n in LONG)]
