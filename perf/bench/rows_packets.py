# SPDX-License-Identifier: Apache-2.0
"""Rows about packets: forwarding, and answering pings and echoes."""
from . import routes
from .bench import Task
from .linux_router import LinuxRouter
from .pair import PairLimit
from .sluice import Sluice

RX = 'sluice_port_rx_packets_total{port="lan"'
FRAMES = {4: "64", 6: "84"}  # octets, check sequence included
GENERATOR = "limit: testpmd flowgen sends 64-octet frames and counts those that come back"


def forward(bench):
    """The smallest UDP frames to 65,536 destinations, in by one port and out by the other."""
    tables = ((4, 1),) if bench.quick else ((4, 1), (4, 1_000_000), (6, 1), (6, 1_000_000))
    return [case for family, count in tables for case in forward_one(bench, family, count)]


def forward_one(bench, family, count):
    """Frames of IPv4 have 64 octets. A UDP header over IPv6 does not fit into those; with the generator's stamp it takes 84."""
    words = "1 route" if count == 1 else "1 M routes"
    name = f"forward 64 B, {words}" if family == 4 else f"forward IPv6, 84 B, {words}"
    table = routes.write_route_file(bench.folder, family, count)
    ours = Sluice(f"forward{family}-{count}", f"route_files: [ {table} ]", ports=("lan", "wan"), item=RX, family=family)
    limits = [PairLimit(mode) for mode in (("macswap",) if bench.quick else ("macswap", "5tswap"))]
    if family == 4:
        where = ["--targets", routes.TARGETS, "--target-count", routes.TARGET_COUNT]
    else:
        where = ["--target-list", routes.write_targets6(bench.folder, count)]
    measure = {ours: lambda: ours.load("udp", ["--flows", str(routes.TARGET_COUNT), "--size", FRAMES[family], "--rate", "max", *where],
                                       bench.seconds, bench.warmup, gateways=True)}
    measure |= {x: lambda x=x: x.echo_rate(bench.seconds, bench.warmup) for x in limits}
    peer = LinuxRouter(family, count)
    measure[peer] = lambda: peer.forward(bench.seconds, bench.warmup)
    return bench.compete([ours, *limits, peer], [Task(name, "packets/s", measure)])


def echo(bench):
    """Pings and UDP echoes of 64-octet frames."""
    ours = Sluice("echo", "echo: [ { listen: [198.18.0.1:7] } ]", item=RX)
    limit = PairLimit("macswap")

    def run(mode, target):
        return lambda: ours.load(mode, ["--echo", "--flows", "256", "--size", "64", "--rate", "max", "--target", target],
                                 bench.seconds, bench.warmup)
    back = {limit: lambda: limit.echo_rate(bench.seconds, bench.warmup)}
    tasks = [Task("ICMP echo, 64 B", "packets/s", {ours: run("ip", "198.18.0.1")} | back),
             Task("UDP echo, 64 B", "packets/s", {ours: run("udp", "198.18.0.1:7")} | back)]
    return bench.compete([ours, limit], tasks[1:] if bench.quick else tasks)
