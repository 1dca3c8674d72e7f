"""Times attrib beside DuckDB and Polars on the same events, and checks that they agree.

    pip install -r benches/peers/requirements.txt
    python benches/peers/run.py DATA --attrib target/release/attrib --output results.json

DATA is a folder made by the generator: csv/events_*.csv, parquet/events_*.parquet,
next_day/csv/*.csv, late/csv/late.csv. Nothing is timed before the tables of the engines have
been compared, row by row. Each task is a whole, from files to files, in fresh processes; in
each repetition the engines take turns, so that what else the machine does falls on all of
them. What is read is in the page cache. Beside OUTPUT, the same is written as a table in
Markdown.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import engines
import report
from agreement import check
from measure import CommandFailed, run
from timing import Timing
from workspace import Workspace


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="the generator's folder")
    parser.add_argument("--attrib", type=Path, required=True, help="the release binary")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path("results.json"))
    parser.add_argument("--peers", default="duckdb,polars", help="which, with commas")
    parser.add_argument("--threads", type=int, default=2, help="of each engine")
    parser.add_argument("--memory", default="2GB", help="attrib's limit [default: %(default)s]")
    parser.add_argument("--duckdb-memory", help="DuckDB's limit [default: its own, 80 %%]")
    parser.add_argument("--scratch", type=Path, help="where to make the folder of snapshots")
    parser.add_argument("--check-only", action="store_true", help="compare and time nothing")
    return parser.parse_args()


def main():
    options = arguments()
    attrib = engines.Attrib(options.attrib.resolve(), options.threads, options.memory)
    known = {
        "duckdb": engines.duckdb(options.threads, options.duckdb_memory),
        "polars": engines.polars(options.threads),
    }
    peers = [known[name] for name in options.peers.split(",") if name]
    with tempfile.TemporaryDirectory(dir=options.scratch, prefix="peers-") as scratch:
        log = lambda text: print(text, file=sys.stderr, flush=True)  # noqa: E731
        workspace = Workspace(options.data.resolve(), scratch, log)
        try:
            agreed = check(workspace, attrib, peers)
        except CommandFailed as error:
            sys.exit(f"nothing is timed, as the engines do not agree:\n{error}")
        if options.check_only:
            return
        timing = Timing(workspace, attrib, peers)
        timing.repeat(options.repetitions)
    settings = {
        "threads": options.threads,
        "memory": {engine.name: engine.memory for engine in [attrib, *peers]},
        "repetitions": options.repetitions,
    }
    results = report.results(machine(attrib), settings, options.data, agreed, timing)
    options.output.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    text = report.markdown(results)
    options.output.with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


def machine(attrib):
    """What the times depend on."""
    model = platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.split(": ", 1)[1] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "attrib": run(attrib.version()[0]).outputs[0].strip(),
        **{name: version(name) for name in ("duckdb", "polars")},
    }


if __name__ == "__main__":
    main()
