"""Runs one step of the Polars peer in this process and prints its times as JSON.

    python polars/peer.py ingest-csv --input 'csv/*.csv' --snapshot DIR
    python polars/peer.py models --snapshot DIR
    python polars/peer.py csv-to-marts --input 'csv/*.csv' --snapshot DIR
    python polars/peer.py views --snapshot DIR
"""

import argparse
import json
import os
import sys
import time
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
PROJECT = HERE.parent.parent.parent
RAW = "raw_ga4_events"
TOUCHPOINTS = "int_touchpoints"


class Steps:
    """Wall seconds of named steps."""

    def __init__(self):
        self.seconds = {}

    def __call__(self, name, work):
        start = time.perf_counter()
        result = work()
        self.seconds[name] = self.seconds.get(name, 0) + time.perf_counter() - start
        return result


def build(steps):
    """All tables that this peer has, from the raw table of the current folder."""
    import channel_rules
    import models
    from sources import Sources

    with open(PROJECT / "src" / "config" / "default.toml", "rb") as file:
        settings = tomllib.load(file)
    channels = PROJECT / "queries" / "channels"
    sources = Sources(
        channels / "source_categories.csv",
        channel_rules.read_rules(channels / "rules.yml"),
        settings["ignore_referrers"],
    )

    def table(name, work):
        frame = steps(name, work)
        steps("write", lambda: write(frame, name))
        return frame

    sessions = table("int_user_sessions", lambda: models.sessions(RAW, sources, 1800))
    identities = table("int_user_identities", lambda: models.identities(sessions))
    touchpoints = steps(TOUCHPOINTS, lambda: models.touchpoints(sessions, identities))
    events = table(
        "int_conversion_events",
        lambda: models.conversion_events(RAW, settings["conversion_events"]),
    )
    conversions = table(
        "int_conversions", lambda: models.conversions(events, sessions, identities)
    )
    paths = table(
        "int_attribution_paths",
        lambda: models.paths(conversions, touchpoints, settings["lookback_days"]),
    )
    table("mart_attribution_first_click", lambda: models.first_click(conversions, paths))
    table("mart_attribution_last_click", lambda: models.last_click(conversions, paths))


def write(frame, name):
    frame.write_parquet(f"{name}.parquet", compression="zstd", compression_level=1)


def views():
    """Writes what is a view, to be compared."""
    import models
    import polars

    tables = ["int_user_sessions", "int_user_identities"]
    sessions, identities = (polars.read_parquet(f"{table}.parquet") for table in tables)
    write(models.touchpoints(sessions, identities), TOUCHPOINTS)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("step", choices=["ingest-csv", "models", "csv-to-marts", "views"])
    parser.add_argument("--input", nargs="+", help="globs of files")
    parser.add_argument("--snapshot", required=True)
    options = parser.parse_args()
    globs = [os.path.abspath(glob) for glob in options.input or []]

    steps = Steps()
    start = time.perf_counter()
    import polars  # noqa: F401

    steps.seconds["import"] = time.perf_counter() - start
    os.makedirs(options.snapshot, exist_ok=True)
    os.chdir(options.snapshot)
    if options.step in ("ingest-csv", "csv-to-marts"):
        from ingest import ingest

        steps("ingest", lambda: ingest(globs, RAW))
    if options.step in ("models", "csv-to-marts"):
        build(steps)
    if options.step == "views":
        views()
    print(json.dumps({"steps": steps.seconds}))


if __name__ == "__main__":
    main()
