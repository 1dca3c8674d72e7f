"""Results of a benchmark: plain data for JSON, and a table in Markdown."""

import json
import statistics

from timing import steps_of

# In the order of the report.
TASKS = {
    "csv_to_raw": "CSV to raw snapshot",
    "parquet_to_raw": "nested Parquet to raw snapshot",
    "models": "all models from the raw snapshot",
    "csv_to_marts": "CSV to marts, end to end",
    "next_day_ingest": "one more day: ingest",
    "next_day_run": "one more day: models",
    "nothing_new": "nothing new: models",
    "late_ingest": "late events: ingest",
    "late_run": "late events: models",
    "query": "query of a mart, fresh process",
    "version": "start-up (`--version`)",
}
MEBIBYTE = 1024 * 1024


def results(machine, settings, data, agreed, timing):
    """All that was found, for JSON. Times are seconds, sizes bytes."""
    return {
        "machine": machine,
        "settings": settings,
        "data": describe(data, timing),
        "agreed": agreed,
        "tasks": {
            task: {engine: summary(runs) for engine, runs in of_engine.items()}
            for task, of_engine in timing.measurements.items()
        },
        "steps": {
            task: {
                engine: [steps_of(output) for run in runs for output in run.outputs]
                for engine, runs in of_engine.items()
            }
            for task, of_engine in timing.measurements.items()
        },
        "partitions_rebuilt": timing.partitions,
    }


def describe(data, timing):
    """The size of the input, and what an ingest made of it."""
    described = {"folder": data.resolve().name}
    for shape in ("csv", "parquet"):
        files = list(data.glob(f"{shape}/*.{shape}"))
        size = sum(file.stat().st_size for file in files)
        described[shape] = {"files": len(files), "bytes": size}
    loaded = json.loads(timing.measurements["csv_to_raw"]["attrib"][0].outputs[0])
    rows = ("rows_read", "rows_kept", "rows_duplicate", "rows_rejected")
    return described | {name: loaded[name] for name in rows}


def summary(measurements):
    """Median, least and most of the wall and CPU seconds and the peak memory of some runs."""

    def of(values):
        values = list(values)
        return {
            "median": statistics.median(values),
            "min": min(values),
            "max": max(values),
            "all": values,
        }

    return {
        "wall_seconds": of(one.wall_seconds for one in measurements),
        "cpu_seconds": of(one.cpu_seconds for one in measurements),
        "peak_rss_bytes": of(one.peak_rss_bytes for one in measurements),
    }


def markdown(results):
    """A table of all tasks and engines, and below it what to know about it."""
    return "\n".join([*_table(results["tasks"]), "", *_notes(results)]) + "\n"


def _table(tasks):
    yield "| task | engine | wall s (min to max) | CPU s | peak MiB | of attrib's wall time |"
    yield "| --- | --- | ---: | ---: | ---: | ---: |"
    for task, title in TASKS.items():
        engines = tasks.get(task, {})
        for engine, of in engines.items():
            wall = of["wall_seconds"]
            ratio = wall["median"] / engines["attrib"]["wall_seconds"]["median"]
            yield (
                f"| {title} | {engine} | {_seconds(wall['median'])} "
                f"({_seconds(wall['min'])} to {_seconds(wall['max'])}) "
                f"| {_seconds(of['cpu_seconds']['median'])} "
                f"| {of['peak_rss_bytes']['median'] / MEBIBYTE:,.0f} "
                f"| {'' if engine == 'attrib' else f'{ratio:.2f} ×'} |"
            )
            title = ""


def _notes(results):
    data, machine, settings = results["data"], results["machine"], results["settings"]
    memory = ", ".join(
        f"{engine} {limit or 'none set'}" for engine, limit in settings["memory"].items()
    )
    yield (
        f"Medians of {settings['repetitions']}; {data['rows_read']:,} rows, of which "
        f"{data['rows_kept']:,} distinct ({data['csv']['bytes'] / MEBIBYTE:,.0f} MiB of CSV, "
        f"{data['parquet']['bytes'] / MEBIBYTE:,.0f} MiB of Parquet). "
        f"{machine['processor']}, {machine['cores']} cores, {settings['threads']} threads for "
        f"each engine; memory limits: {memory}. {machine['attrib']}, "
        f"DuckDB {machine['duckdb']}, Polars {machine['polars']}."
    )
    imports = [steps["import"] for steps in results["steps"].get("query", {}).get("duckdb", [])]
    if imports:
        yield ""
        yield (
            "DuckDB and Polars are called through Python; of the query's time "
            f"{_seconds(statistics.median(imports))} s are the import of DuckDB's module."
        )
    for task, tables in results["partitions_rebuilt"].items():
        counts = ", ".join(
            f"{table} {'whole' if count is None else count}" for table, count in tables.items()
        )
        yield ""
        yield f"Partitions rebuilt, {TASKS[task]}: {counts or 'none'}."


def _seconds(value):
    return f"{value:.3f}" if value < 1 else f"{value:.2f}"
