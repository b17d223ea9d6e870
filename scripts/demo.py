# SPDX-License-Identifier: Apache-2.0
"""The demo behind scripts/demo: two lab hosts, sluice between them, and the commands a newcomer would try."""
import argparse
import hashlib
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from lab import Lab, LabError, exit_on_sigterm, serve_files  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIG = 10 * 1000 * 1000  # octets of the big file
SITE = "www.example.test"
RESOLVE = f"--resolve {SITE}:80:198.18.0.1"


def site(folder):
    """The example's configuration with a big file added to its site; returns the configuration's path."""
    examples = folder / "examples"
    shutil.copytree(ROOT / "config/examples", examples)
    (examples / "www/big.bin").write_bytes(os.urandom(BIG))
    return examples / "demo.yaml"


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def steps(folder):
    """(what it shows, host, command, what makes the answer right)"""
    big = sha256(folder / "examples/www/big.bin")
    index = (folder / "examples/www/index.html").read_text()
    return [
        ("sluice answers ping", "lan", "ping -c 3 -i 0.2 198.18.0.1", lambda out: " 0% packet loss" in out),
        ("and ARP", "lan", "arping -c 2 -i eth0 198.18.0.1", lambda out: "2 packets received" in out),
        ("a name from its zone", "lan", f"dig @198.18.0.1 {SITE} A",
         lambda out: "status: NOERROR" in out and "198.18.0.1" in out.split("ANSWER SECTION")[-1]),
        ("a name that is not there", "lan", "dig @198.18.0.1 nowhere.example.test A",
         lambda out: "status: NXDOMAIN" in out and "SOA" in out),
        ("a page over its own TCP", "lan", f"curl -si --max-time 10 {RESOLVE} http://{SITE}/",
         lambda out: out.startswith("HTTP/1.1 200") and index.strip() in out),
        ("10 MB, byte for byte", "lan", f"sh -c 'curl -s --max-time 60 {RESOLVE} http://{SITE}/big.bin | sha256sum'",
         lambda out: out.split()[:1] == [big]),
        ("a host beyond sluice, by its routes", "lan", "ping -c 3 -i 0.2 198.19.0.2", lambda out: " 0% packet loss" in out),
        ("10 MB from lan to wan, routed by sluice", "lan",
         "sh -c 'curl -s --max-time 60 http://198.19.0.2:8080/big.bin | sha256sum'", lambda out: out.split()[:1] == [big]),
        ("what it counted", "box",
         "sh -c \"curl -s --max-time 5 http://127.0.0.1:9464/metrics | grep -E '^sluice_(http|dns)_responses_total.* [1-9]'\"",
         lambda out: 'status="200"' in out and 'rcode="noerror"' in out and 'rcode="nxdomain"' in out),
    ]


def typed(lab, host, command):
    return f"ip netns exec {lab.name}-{host} {command}"


def run_once(lab, folder):
    wrong = 0
    for title, host, command, right in steps(folder):
        place = lab.box if host == "box" else lab.host(host)
        print(f"\n## {title}\n# {typed(lab, host, command)}", flush=True)
        try:
            done = place.run(shlex.split(command), timeout=90)
            print((done.stdout + done.stderr).rstrip()[:3000])
            fine = done.returncode == 0 and right(done.stdout)
        except subprocess.TimeoutExpired:
            print("no answer in 90 seconds")
            fine = False
        print("-> right" if fine else "-> WRONG", flush=True)
        wrong += not fine
    return wrong


def main():
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="run the commands, print their answers, end")
    once = parser.parse_args().once
    exit_on_sigterm()
    with tempfile.TemporaryDirectory(prefix="sluice-demo-") as temporary:
        folder = pathlib.Path(temporary)
        config = site(folder)
        with Lab("sluice", {"lan": "198.18.0.2/24", "wan": "198.19.0.2/24"}) as lab:
            lab.start(ROOT / "build/app/sluice", config)
            server = serve_files(lab.host("wan"), folder / "examples/www", "198.19.0.2")
            print("\n".join(lab.log))
            wrong = 0
            if once:
                wrong = run_once(lab, folder)
            else:
                print("\nsluice is up. In another terminal, as root, try:\n")
                for title, host, command, _ in steps(folder):
                    print(f"  # {title}\n  {typed(lab, host, command)}")
                print("\nCtrl-C ends it.", flush=True)
                while lab.process.poll() is None:
                    signal.sigtimedwait([], 1)
                wrong = 1  # sluice ended by itself
                print("\n".join(lab.log[-20:]))
            server.kill()
            code = lab.stop()
            if once and code != 0:
                print(f"sluice ended with {code}:\n" + "\n".join(lab.log[-20:]))
                wrong += 1
        if once:
            print(f"\ndemo: {'every answer was right' if wrong == 0 else f'{wrong} wrong'}")
        return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        sys.exit(f"demo: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
