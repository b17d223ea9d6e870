# SPDX-License-Identifier: Apache-2.0
"""dpdk-testpmd, DPDK's own program to pass packets: the limit of a path is what it reaches there."""
import re
import subprocess
import time

from .programs import Program

MEMORY_MB = 256


class Testpmd:
    """One forwarding core, `core`. A virtio-user port that serves its socket keeps it from being ready until somebody connects."""

    def __init__(self, log, core, devices, mode, options=(), eal=()):
        self.program = Program(
            ["stdbuf", "-oL", "dpdk-testpmd", "--lcores", f"0@(0-1),1@{core}", "--in-memory", "--no-pci", "-m", MEMORY_MB, "--log-level", "warning",
             *(word for d in devices for word in ("--vdev", d)), *eal,
             "--", "-i", "--nb-cores=1", f"--forward-mode={mode}", *options],
            log, stdin=subprocess.PIPE)

    def ready(self):
        self.program.wait_until(lambda: "testpmd>" in self.program.text(), "ready", 30)

    def say(self, command):
        self.program.process.stdin.write(command.encode() + b"\n")
        self.program.process.stdin.flush()

    def start(self):
        self.ready()
        self.say("start")

    def received(self, port=0):
        """Packets received so far, and when that was."""
        marker = self.program.text().count("NIC statistics for port")
        self.say(f"show port stats {port}")
        self.program.wait_until(lambda: self.program.text().count("Throughput (since last show)") > marker, "telling its statistics", 10)
        block = self.program.text().rsplit("NIC statistics for port", 1)[1]
        return int(re.search(r"RX-packets:\s*(\d+)", block)[1]), time.monotonic()

    def rate(self, seconds, port=0):
        """Packets a second that it receives, over so many seconds."""
        first, start = self.received(port)
        time.sleep(seconds)
        last, end = self.received(port)
        return (last - first) / (end - start)

    def pause(self):
        # It is a child of stdbuf's exec: one process.
        self.program.pause()

    def resume(self):
        self.program.resume()

    def end(self):
        # A signal that comes before its prompt is there is noticed at the next line it reads, and none comes.
        try:
            self.resume()
            self.say("quit")
            self.program.process.wait(5)
        except (OSError, subprocess.TimeoutExpired):
            pass
        self.program.end()
