"""Runs a command as a fresh process and measures it."""

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass, field


class CommandFailed(Exception):
    """A measured command ended with another code than 0."""


@dataclass
class Measurement:
    """One run of one or more commands, one after the other."""

    wall_seconds: float
    cpu_seconds: float  # user and system, of the process and its children
    peak_rss_bytes: int  # of the largest of the processes
    outputs: list = field(default_factory=list)  # standard output of each command

    def __add__(self, other):
        return Measurement(
            self.wall_seconds + other.wall_seconds,
            self.cpu_seconds + other.cpu_seconds,
            max(self.peak_rss_bytes, other.peak_rss_bytes),
            self.outputs + other.outputs,
        )


def run(command, environment=None, folder=None):
    """Runs a command to its end and returns its measurement; raises if it fails.

    What earlier commands wrote is flushed to disk first, so that none pays for another.
    """
    os.sync()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=out,
            stderr=err,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
            cwd=folder,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        output = out.read().decode("utf-8", "replace")
        if process.returncode != 0:
            err.seek(0)
            message = err.read().decode("utf-8", "replace")[-4000:]
            shown = " ".join(str(part) for part in command)
            raise CommandFailed(f"`{shown}` ended with {process.returncode}:\n{message}")
    return Measurement(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, [output])


def run_all(commands, environment=None, folder=None):
    """Runs commands one after the other, as one whole."""
    first, *rest = [run(command, environment, folder) for command in commands]
    return sum(rest, first)
