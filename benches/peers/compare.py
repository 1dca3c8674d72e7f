"""Compares attrib's tables with those of a peer, row by row, before any time counts.

All columns that both have are compared, but for hashes and places in the order, for which
each engine has its own: rows are taken as multisets, so a row too many is found as well.

Two touchpoints of one user can have the same time and the same, or no, batch numbers. Then
the hash of their first events decides which of them is the click, as it must decide somehow,
and engines with other hashes may credit another one. So where the marts of clicks differ,
each must be what its own engine's paths say, and the paths must be equal but for the order of
such touchpoints.

    python compare.py ATTRIB_EXPORTS PEER_SNAPSHOT
"""

import argparse
import sys
from pathlib import Path

import duckdb

from tables import RAW, TABLES

HASHES = {
    "event_id",
    "content_hash",
    "event_order",
    "device_key",
    "session_key",
    "user_key",
    "session_order",
    "session_user_order",
    "touchpoint_order",
    "conversion_id",
    "conversion_order",
}
CLICK_MARTS = {"mart_attribution_first_click", "mart_attribution_last_click"}
# Touchpoints of one time and batch are put in the order of their events' hashes, which each
# engine has its own of: there, all have the place of the first.
TIED = {
    f'"{name}"': f'min("{name}") over (partition by conversion_id, touched_at)'
    for name in ("position", "click_position")
}
SHOWN_ROWS = 5


class TablesDiffer(Exception):
    """Some table of a peer holds other rows than attrib's."""


def peer_source(table, snapshot):
    """The SQL of a peer's table."""
    if table == RAW:
        files = Path(snapshot, RAW, "*", "*.parquet")
        return (
            f"read_parquet('{files}', hive_partitioning = true, "
            "hive_types = {'event_day': date})"
        )
    return f"read_parquet('{Path(snapshot, table + '.parquet')}')"


def compare_table(connection, left, right):
    """Compares two relations, given as SQL: columns compared, row counts, differing rows."""
    types = [
        {name: kind for name, kind, *_ in connection.execute(f"describe from {one}").fetchall()}
        for one in (left, right)
    ]
    columns = [name for name in types[0] if name in types[1] and name not in HASHES]
    selects = [
        "select "
        + ", ".join(_comparable(name, kinds[name]) for name in columns)
        + f" from {one}"
        for one, kinds in zip((left, right), types)
    ]
    counts = [
        connection.execute(f"select count(*) from {one}").fetchall()[0][0]
        for one in (left, right)
    ]
    differing = [
        connection.execute(
            f"select count(*) over (), * from ({a} except all {b}) order by all limit {SHOWN_ROWS}"
        ).fetchall()
        for a, b in (selects, reversed(selects))
    ]
    return columns, counts, differing


def tied_conversions(connection, paths):
    """How many conversions have clicks of one time that would be credited differently."""
    return connection.execute(
        f"""
        select count(distinct conversion_id)
        from (
            select conversion_id
            from {paths}
            where is_click
            group by conversion_id, touched_at
            having count(distinct {{
                'channel': channel, 'source': source, 'medium': medium, 'campaign': campaign
            }}) > 1
        )
        """
    ).fetchall()[0][0]


def mart_of_paths(mart, paths, conversions):
    """The SQL of a mart of clicks, worked out from the paths of the same engine."""
    place = "1" if "first" in mart else "paths.click_count"
    columns = ", ".join(
        f"case when paths.conversion_id is null then '(unattributed)' else paths.{name} end "
        f"as {name}"
        for name in ("channel", "source", "medium", "campaign")
    )
    return f"""(
        select
            conversions.conversion_date, conversions.conversion_event, {columns},
            conversions.currency, count(*) as conversions, sum(conversions.revenue) as revenue
        from {conversions} as conversions
        left join {paths} as paths
            on conversions.conversion_id = paths.conversion_id
            and paths.click_position = {place}
        group by all
    )"""


def is_equal_but_for_ties(connection, mart, sources):
    """Whether each engine's mart is what its paths say; `sources` gives tables to SQL."""
    for source in sources:
        rebuilt = mart_of_paths(
            mart, source("int_attribution_paths"), source("int_conversions")
        )
        _, _, differing = compare_table(connection, source(mart), rebuilt)
        if any(differing):
            return False
    return True


def _comparable(name, kind):
    """A column in the one form that all engines' files can be brought into."""
    column = f'"{name}"'
    column = TIED.get(column, column)
    if kind.startswith("TIMESTAMP"):
        column = f"epoch_us({column})"
    elif kind.startswith("MAP"):
        column = f"cast(to_json({column}) as varchar)"
    elif kind == "JSON":
        column = f"cast({column} as varchar)"
    elif kind in {"HUGEINT", "UBIGINT", "UINTEGER", "INTEGER"}:
        column = f"cast({column} as bigint)"
    elif name.startswith("hours_"):
        # Microseconds by origin; engines divide in ways that differ in the last bit.
        column = f"cast(round({column} * 3600000000) as bigint)"
    elif kind.startswith("DECIMAL"):
        column = f"cast({column} as decimal(38, 9))"
    return f'{column} as "{name}"'


def compare(exports, snapshot, tables):
    """Compares tables; returns a line for each, and raises with some rows if any differ."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    sources = [
        lambda table: f"read_parquet('{Path(exports, table + '.parquet')}')",
        lambda table: peer_source(table, snapshot),
    ]
    lines, wrong = [], []
    for table in tables:
        left, right = (source(table) for source in sources)
        columns, counts, differing = compare_table(connection, left, right)
        verdict = "equal"
        if any(differing):
            # The paths stand before the marts in the list: they were compared already.
            ties = 0
            if not wrong and table in CLICK_MARTS:
                ties = tied_conversions(connection, sources[0]("int_attribution_paths"))
            if ties and is_equal_but_for_ties(connection, table, sources):
                verdict = f"equal but for ties (of {ties:,} conversions)"
            else:
                verdict = "DIFFERENT"
                wrong.append(_describe(table, columns, differing))
        lines.append(
            f"{table}: {counts[0]:,} and {counts[1]:,} rows, {len(columns)} columns, {verdict}"
        )
    if wrong:
        raise TablesDiffer("\n".join(lines + wrong))
    return lines


def _describe(table, columns, differing):
    text = [f"{table}, columns {', '.join(columns)}:"]
    for owner, rows in zip(("attrib", "peer"), differing):
        total = rows[0][0] if rows else 0
        text.append(f"  {total:,} rows only in {owner}'s table")
        text += [f"    {row[1:]}" for row in rows]
    return "\n".join(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("exports", help="folder with attrib's tables as TABLE.parquet")
    parser.add_argument("snapshot", help="folder of the peer")
    parser.add_argument("--tables", default=",".join(TABLES), help="which, with commas")
    options = parser.parse_args()
    try:
        print("\n".join(compare(options.exports, options.snapshot, options.tables.split(","))))
    except TablesDiffer as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
