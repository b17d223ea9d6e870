# SPDX-License-Identifier: Apache-2.0
"""Rows about DNS: zones of 10 k and 1 M names, one query in ten for a name that does not exist."""
from . import zones
from .bench import Task
from .pair import PairLimit
from .peers import Knot, Nsd
from .sluice import Sluice

QUERIES = "sluice_dns_queries_total"


def service(zone_file):
    return f"dns: [ {{ listen: [198.18.0.1:53], zones: [ {{ name: {zones.ZONE}, file: {zone_file} }} ] }} ]"


def dns(bench):
    """Queries over UDP to zones of 10 k and 1 M names, one in ten for a name that does not exist."""
    cases = []
    for names, words in ((10_000, "10 k names"),) if bench.quick else ((10_000, "10 k names"), (1_000_000, "1 M names")):
        zone, queries = zones.write_zone(bench.folder, names), zones.write_queries(bench.folder, names)
        ours = Sluice(f"dns{names}", service(zone), item='sluice_port_rx_packets_total{port="lan"')
        limit, peers = PairLimit("macswap"), [Nsd(zone, names), *([] if bench.quick else [Knot(zone, names)])]
        measure = {ours: lambda ours=ours, queries=queries: ours.load(
            "dns", ["--server", "198.18.0.1", "--queries", queries, "--outstanding", "256"], bench.seconds, bench.warmup)}
        measure[limit] = lambda limit=limit: limit.echo_rate(bench.seconds, bench.warmup)
        for p in peers:
            measure[p] = lambda p=p, queries=queries: p.dns(queries, bench.seconds, bench.warmup)
        cases += bench.compete([ours, limit, *peers], [Task(f"DNS over UDP, {words}, 10 % NXDOMAIN", "answers/s", measure)])
    return cases
