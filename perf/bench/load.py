# SPDX-License-Identifier: Apache-2.0
"""sluice-load, our generator: its words, and what its JSON says as a Sample."""
import json

from .machine import CLIENT_CORE, ROOT
from .stats import BenchError, Sample

PROGRAM = ROOT / "build/app/sluice-load"


def words(mode, how, devices, target, seconds, warmup, json_file, addresses, gateways=()):
    """`how`: the words of this measurement; `devices`: KIND:TARGET, or with DPDK arguments behind a space;
    `addresses`: our first one on each of them."""
    out = [PROGRAM, mode, *([target] if target else []), "--core", CLIENT_CORE, "--quiet",
           "--duration", f"{round(seconds * 1000)}ms", "--warmup", f"{round(warmup * 1000)}ms", "--json", json_file]
    for i, device in enumerate(devices):
        name, _, arguments = device.partition(" ")
        out += ["--device", name, *(["--device-args", arguments] if arguments else []), "--address", addresses[i]]
    for gateway in gateways:
        out += ["--gateway", gateway]
    return [*out, *how]


def sample(text, value="per_second", scale=1.0):
    """What counts is `value` times `scale`: a key of the JSON, or a latency like "p99"."""
    try:
        told = json.loads(text)
    except ValueError as error:
        raise BenchError(f"sluice-load wrote no JSON: {text[-200:]!r}") from error
    latency = told.get("latency_ns", {})
    generator = told.get("generator", {})
    figure = latency.get(value) if value.startswith("p") and value in latency else told.get(value)
    if figure is None:
        raise BenchError(f"sluice-load's JSON has no {value}")
    errors = [f"{n} {kind}" for kind, n in told.get("errors", {}).items() if n]
    if told.get("corrupted"):
        errors.append(f"{told['corrupted']} corrupted")
    more = {"generator_busy": generator.get("busy_share"), "generator_ceiling": generator.get("ceiling_per_second"),
            "generator_limits": float(bool(generator.get("is_the_limit"))), "offered": told.get("offered_per_second"),
            "per_second": told.get("per_second"), "connections_held": told.get("connections_held"),
            "generator_octets": generator.get("resident_octets")}
    if latency.get("count"):
        more |= {f"{q}_us": latency[q] / 1000 for q in ("p50", "p90", "p99", "p99_9", "max") if q in latency}
    sent = told.get("sent")
    if sent and told.get("lost") is not None:
        more["lost_share"] = told["lost"] / sent
    for kind in ("duplicated", "reordered"):
        if told.get(kind):
            more[kind] = told[kind]
    if "flood" in told:
        more["flood_per_second"] = told["flood"].get("per_second")
    return Sample(figure * scale, errors, {k: v for k, v in more.items() if v is not None})
