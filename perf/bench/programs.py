# SPDX-License-Identifier: Apache-2.0
"""Programs outside the lab's namespaces: on a core of their own, ended with the bench however that ends."""
import ctypes
import os
import pathlib
import signal
import subprocess
import time

from .stats import BenchError


def _before_exec(core):
    def prepare():
        # SIGKILL, for a program that the bench has stopped does not hear SIGTERM.
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        os.setpgid(0, 0)  # a Ctrl-C on the terminal is for the bench, which ends its programs in order
        if core is not None:
            os.sched_setaffinity(0, {core})
    return prepare


class Program:
    """A process whose output goes to a file. `core` None: free to run anywhere (DPDK programs pin their threads)."""

    def __init__(self, words, log, core=None, stdin=subprocess.DEVNULL):
        self.name, self.log = str(words[0]).rsplit("/", 1)[-1], pathlib.Path(log)
        try:
            with open(log, "w") as out:
                self.process = subprocess.Popen([str(w) for w in words], stdin=stdin, stdout=out, stderr=subprocess.STDOUT,
                                                preexec_fn=_before_exec(core))
        except OSError as error:
            raise BenchError(f"{words[0]} does not start ({error.strerror}); run perf/setup") from error

    def text(self):
        return self.log.read_text(errors="replace")

    def running(self):
        return self.process.poll() is None

    def tail(self, lines=8):
        return "\n    ".join(self.text().strip().split("\n")[-lines:])

    def wait_until(self, fine, what, seconds=60):
        """Waits for fine() to be true; a program that ended before is an error with its last words."""
        end = time.monotonic() + seconds
        while not fine():
            if not self.running():
                raise BenchError(f"{self.name} ended with {self.process.returncode} before {what}:\n    {self.tail()}")
            if time.monotonic() > end:
                raise BenchError(f"{self.name}: not {what} after {seconds} s:\n    {self.tail()}")
            time.sleep(0.02)

    def wait(self, seconds):
        """Its exit code; too late is an error."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise BenchError(f"{self.name} did not end within {seconds} s:\n    {self.tail()}") from None

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def end(self, ask=signal.SIGINT, seconds=10):
        if not self.running():
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(ask)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
