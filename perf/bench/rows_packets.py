# SPDX-License-Identifier: Apache-2.0
"""Rows about packets: forwarding, and answering pings and echoes."""
from . import routes
from .bench import Task
from .linux_router import LinuxRouter
from .pair import PairLimit
from .sluice import Sluice

RX = 'sluice_port_rx_packets_total{port="lan"'
GENERATOR = "limit: testpmd flowgen sends 64-octet frames and counts those that come back"


def forward(bench):
    """64-octet UDP frames to 65,536 destinations, in by one port and out by the other."""
    cases = []
    for count, words in ((1, "1 route"),) if bench.quick else ((1, "1 route"), (1_000_000, "1 M routes")):
        name = f"forward 64 B, {words}"
        table = routes.write_route_file(bench.folder, count, "198.19.0.2")
        ours = Sluice(f"forward{count}", f"route_files: [ {table} ]", ports=("lan", "wan"), item=RX)
        limits = [PairLimit(mode) for mode in (("macswap",) if bench.quick else ("macswap", "5tswap"))]
        measure = {ours: lambda ours=ours: ours.load(
            "udp", ["--flows", "1024" if count == 1 else str(routes.TARGET_COUNT), "--size", "64", "--rate", "max", "--targets",
                    routes.TARGETS, "--target-count", routes.TARGET_COUNT], bench.seconds, bench.warmup,
            gateways=("198.18.0.1", "198.19.0.1"))}
        measure |= {x: lambda x=x: x.echo_rate(bench.seconds, bench.warmup) for x in limits}
        peer = LinuxRouter(count)
        measure[peer] = lambda peer=peer: peer.forward(bench.seconds, bench.warmup)
        cases += bench.compete([ours, *limits, peer], [Task(name, "packets/s", measure)])
    return cases


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
