"""How each engine is called: a command for each task, on a snapshot folder of its own."""

import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Attrib:
    """The project's own binary."""

    binary: Path
    threads: int
    memory: str
    name: str = "attrib"
    shapes: tuple = ("csv", "parquet")
    has_sql: bool = True

    def environment(self, snapshot):
        return {
            "ATTRIB_THREADS": str(self.threads),
            "ATTRIB_MEMORY_LIMIT": self.memory,
            "ATTRIB_SNAPSHOT_PATH": str(snapshot),
            "ATTRIB_TIMEZONE": "UTC",
        }

    def ingest(self, shape, patterns, snapshot):
        return [[self.binary, "ingest", "--json", *patterns]]

    def models(self, snapshot):
        return [[self.binary, "run", "--full-refresh", "--json"]]

    def csv_to_marts(self, patterns, snapshot):
        return self.ingest("csv", patterns, snapshot) + self.run()

    def views(self, snapshot):
        return []

    def query(self, sql, snapshot):
        return [[self.binary, "query", sql, "--format", "json"]]

    def export(self, sql, file):
        return [[self.binary, "query", sql, "--format", "parquet", "-o", str(file)]]

    def run(self):
        return [[self.binary, "run", "--json"]]

    def version(self):
        return [[self.binary, "--version"]]


@dataclass(frozen=True)
class Peer:
    """An engine that is called through a Python script beside this file."""

    name: str
    script: Path
    threads: int
    memory: str | None = None
    shapes: tuple = ("csv", "parquet")
    has_sql: bool = True

    def environment(self, snapshot):
        return {"POLARS_MAX_THREADS": str(self.threads), "PYTHONDONTWRITEBYTECODE": "1"}

    def _command(self, step, snapshot, *more):
        command = [sys.executable, self.script, step, "--snapshot", snapshot]
        if self.memory and self.name == "duckdb":
            command += ["--memory", self.memory]
        if self.name == "duckdb":
            command += ["--threads", self.threads]
        return [command + list(more)]

    def ingest(self, shape, patterns, snapshot):
        return self._command(f"ingest-{shape}", snapshot, "--input", *patterns)

    def models(self, snapshot):
        return self._command("models", snapshot)

    def csv_to_marts(self, patterns, snapshot):
        return self._command("csv-to-marts", snapshot, "--input", *patterns)

    def views(self, snapshot):
        """Writes what is a view, to be compared."""
        return self._command("views", snapshot)

    def query(self, sql, snapshot):
        return self._command("query", snapshot, "--sql", sql)


def duckdb(threads, memory):
    """`memory` is its limit, or none for its own, which is most of the machine's."""
    return Peer("duckdb", HERE / "duckdb" / "peer.py", threads, memory)


def polars(threads):
    """It has no limit of memory, and here neither nested input nor SQL."""
    script = HERE / "polars" / "peer.py"
    return Peer("polars", script, threads, shapes=("csv",), has_sql=False)
