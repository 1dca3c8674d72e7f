"""Runs one step of the DuckDB peer in this process and prints its times as JSON.

    python duckdb/peer.py ingest-csv --input 'csv/*.csv' --snapshot DIR
    python duckdb/peer.py ingest-parquet --input 'parquet/*.parquet' --snapshot DIR
    python duckdb/peer.py models --snapshot DIR
    python duckdb/peer.py views --snapshot DIR
    python duckdb/peer.py csv-to-marts --input 'csv/*.csv' --snapshot DIR
    python duckdb/peer.py query --sql 'select …' --snapshot DIR
"""

import argparse
import json
import os
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

import channel_rules  # noqa: E402

PROJECT = HERE.parent.parent.parent
SQL = HERE / "sql"

RAW = "raw_ga4_events"
TOUCHPOINTS = "int_touchpoints"
PARQUET = "format parquet, compression zstd, compression_level 1"
# In the order in which they are built; each file makes the table of its name.
TABLES = [
    "int_user_sessions",
    "int_user_identities",
    "int_conversion_events",
    "int_conversions",
    "int_attribution_paths",
    "mart_attribution_first_click",
    "mart_attribution_last_click",
    "mart_attribution_reconciliation",
]


class Steps:
    """Wall seconds of named steps."""

    def __init__(self):
        self.seconds = {}

    def __call__(self, name, work):
        start = time.perf_counter()
        result = work()
        self.seconds[name] = self.seconds.get(name, 0) + time.perf_counter() - start
        return result


def connect(duckdb, options):
    """A connection in memory; what does not fit is spilled beside the snapshot."""
    connection = duckdb.connect()
    connection.execute(f"set threads = {options.threads}")
    if options.memory:
        connection.execute(f"set memory_limit = '{options.memory}'")
    connection.execute(f"set temp_directory = '{options.snapshot}/tmp'")
    # Every order that matters is written down.
    connection.execute("set preserve_insertion_order = false")
    return connection


def sql(name):
    return (SQL / name).read_text(encoding="utf-8")


def ingest(connection, steps, shape, globs, threads):
    connection.execute("set variable input = ?", [globs])
    connection.execute(sql("cleaning.sql"))
    connection.execute(sql("raw_columns.sql"))
    steps("read", lambda: connection.execute(sql(f"ingest_{shape}.sql")))
    steps("deduplicate", lambda: connection.execute(sql("deduplicate.sql")))
    steps("write", lambda: write_days(connection, threads))


def write_days(connection, threads):
    """A file a day; so many at once, as a day is too little for more than one thread."""
    statement = sql("write_day.sql")
    days = connection.execute("select distinct event_day from events order by 1").fetchall()

    def write(day):
        folder = Path(RAW) / f"event_day={day}"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "events.parquet"
        text = statement.replace("$event_day", f"date '{day}'").replace("$file", str(file))
        connection.cursor().execute(text)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(write, (day for (day,) in days)))


def define_channels(connection, settings):
    """The project's channel rules, source categories and ignored referrers, for SQL."""
    channels = PROJECT / "queries" / "channels"
    rules = channel_rules.read_rules(channels / "rules.yml")
    connection.execute(
        "create or replace macro channel_of(source, medium, campaign, category, day) as "
        + channel_rules.channel_case(rules)
    )
    versions = " + ".join(
        f"cast(day >= date '{day}' as integer)" for day in channel_rules.rule_changes(rules)
    )
    connection.execute(f"create or replace macro rules_version(day) as {versions or '0'}")
    connection.execute(
        "create or replace temp table source_categories as select * from read_csv(?, "
        "auto_detect = false, delim = ',', comment = '#', header = true, "
        "columns = {'source': 'varchar', 'category': 'varchar'})",
        [str(channels / "source_categories.csv")],
    )
    hosts = "|".join(host.replace(".", r"\.") for host in settings["ignore_referrers"])
    connection.execute("set variable ignored_hosts = ?", [rf"(^|\.)({hosts})$"])


def define_settings(connection, timezone):
    with open(PROJECT / "src" / "config" / "default.toml", "rb") as file:
        settings = tomllib.load(file)
    date = "cast(instant as date)"
    if timezone != "UTC":
        date = f"cast(instant at time zone 'UTC' at time zone '{timezone}' as date)"
    connection.execute(f"create or replace macro civil_date(instant) as {date}")
    connection.execute("set variable session_timeout_seconds = 1800")
    connection.execute("set variable lookback_days = ?", [settings["lookback_days"]])
    return settings


def models(connection, steps, timezone):
    settings = define_settings(connection, timezone)
    connection.execute(sql("cleaning.sql"))
    connection.execute(sql("sources.sql"))
    define_channels(connection, settings)
    steps("pages and referrers", lambda: connection.execute(sql("models/raw_ga4_events.sql")))
    connection.execute(sql("models/stg_ga4_events.sql"))
    for table in TABLES:
        steps(table, lambda: connection.execute(sql(f"models/{table}.sql")))
        write(connection, steps, table)
        if table == "int_user_identities":
            connection.execute(sql(f"models/{TOUCHPOINTS}.sql"))


def write(connection, steps, table):
    text = f"copy {table} to '{table}.parquet' ({PARQUET})"
    steps("write", lambda: connection.execute(text))


def open_tables(connection):
    for table in TABLES:
        connection.execute(
            f"create view {table} as select * from read_parquet('{table}.parquet')"
        )


def views(connection, steps):
    """Writes what is a view, to be compared."""
    open_tables(connection)
    connection.execute(sql(f"models/{TOUCHPOINTS}.sql"))
    write(connection, steps, TOUCHPOINTS)


def query(connection, text):
    open_tables(connection)
    return connection.execute(text).fetchall()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    steps = ["ingest-csv", "ingest-parquet", "models", "csv-to-marts", "views", "query"]
    parser.add_argument("step", choices=steps)
    parser.add_argument("--input", nargs="+", help="globs of files")
    parser.add_argument("--sql")
    parser.add_argument("--snapshot", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory")
    parser.add_argument("--timezone", default="UTC")
    options = parser.parse_args()
    options.snapshot = os.path.abspath(options.snapshot)
    if options.input:
        options.input = [os.path.abspath(glob) for glob in options.input]

    start = time.perf_counter()
    import duckdb

    steps = Steps()
    steps.seconds["import"] = time.perf_counter() - start
    os.makedirs(options.snapshot, exist_ok=True)
    os.chdir(options.snapshot)
    connection = steps("connect", lambda: connect(duckdb, options))
    rows = None
    if options.step.startswith("ingest-"):
        shape = options.step.removeprefix("ingest-")
        ingest(connection, steps, shape, options.input, options.threads)
    if options.step == "csv-to-marts":
        ingest(connection, steps, "csv", options.input, options.threads)
        connection.execute("drop table events")
    if options.step in ("models", "csv-to-marts"):
        models(connection, steps, options.timezone)
    if options.step == "views":
        views(connection, steps)
    if options.step == "query":
        rows = steps("query", lambda: query(connection, options.sql))
    print(json.dumps({"steps": steps.seconds, "rows": rows}, default=str))


if __name__ == "__main__":
    main()
