# SPDX-License-Identifier: Apache-2.0
"""The JSON schema against the loader's own examples, the effective configuration of each, and values it must refuse.
Usage: schema_test.py ROOT DESCRIBE-OPTIONS"""
import copy
import json
import pathlib
import subprocess
import sys

import jsonschema
import yaml


class Loader(yaml.SafeLoader):
    """YAML 1.2's idea of true and false, as editors have it: on, off, yes and no are text."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool" or first in "tTfF"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}

BAD = [  # what to change in the demo: path and value
    (("workers", "mode"), "fast"), (("workers", "ring"), 63), (("workers", "ring"), "64"), (("workers", "cores"), []),
    (("prots",), []), (("ports",), []), (("ports", 0, "mtu"), 9001), (("ports", 0, "addresses"), ["198.18.0.1"]),
    (("ports", 0, "device"), {}), (("ports", 0, "device"), {"tap": "a", "pci": "0000:3b:00.0"}), (("ports", 0, "mac"), "02:00"),
    (("ports", 0, "impair"), {"delay": "20"}), (("ports", 0, "impair"), {"loss": 2}), (("ports", 0, "impair"), {"rate": "1T"}),
    (("routes", 0, "kind"), "nowhere"), (("routes", 0, "to"), 7), (("dns", 0, "zones"), []), (("http", 0, "sites", 0, "names"), [""]),
    (("ports", 0, "mss_clamp"), "on"), (("ports", 0, "mss_clamp"), 535), (("ports", 0, "mss_clamp"), 8961), (("ports", 0, "mss_clamp"), None),
    (("metrics", "listen"), "9464"), (("dns", 0, "udp_payload_max"), 511),
]
GOOD = [
    (("ports", 0, "device"), {"null": 0}), (("ports", 0, "impair"), {"delay": "20ms", "rate": "10M", "loss": 1}),
    (("ports", 0, "impair"), {"rate": 1000}), (("workers",), None), (("routes",), None), (("metrics", "listen"), "[::1]:9464"),
    (("memory",), {"hugepages": "on"}), (("ports", 0, "mss_clamp"), 1360), (("ports", 0, "mss_clamp"), "mtu"), (("ports", 0, "mss_clamp"), "off"),
]


def changed(document, path, value):
    document = copy.deepcopy(document)
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return document


def main():
    root, describe = pathlib.Path(sys.argv[1]), sys.argv[2]
    schema = json.loads(subprocess.run([describe, "schema"], check=True, capture_output=True).stdout)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    wrong = []
    examples = sorted((root / "config/examples").glob("*.yaml"))
    if len(examples) < 4:
        wrong.append(f"only {len(examples)} examples in {root}")
    for path in examples:
        wrong += [f"{path.name}: {e.json_path}: {e.message}" for e in validator.iter_errors(yaml.load(path.read_text(), Loader))]
    demo = yaml.load((root / "config/examples/demo.yaml").read_text(), Loader)
    wrong += [f"accepts {path} = {value!r}" for path, value in BAD if validator.is_valid(changed(demo, path, value))]
    wrong += [f"refuses {path} = {value!r}" for path, value in GOOD if not validator.is_valid(changed(demo, path, value))]
    print("\n".join(wrong) or f"{len(examples)} examples are valid, {len(BAD)} wrong values are not")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
