"""Times the tasks: each is a whole, in fresh processes, and the engines take turns."""

import json
import shutil
from collections import defaultdict

QUERY = (
    "select channel, sum(conversions) as conversions, sum(revenue) as revenue "
    "from mart_attribution_last_click group by channel order by 2 desc"
)
STARTS = 20  # of `attrib --version`: it takes milliseconds


class Timing:
    """Measurements by task and engine."""

    def __init__(self, workspace, attrib, peers):
        self.workspace = workspace
        self.attrib = attrib
        self.engines = [attrib, *peers]
        self.measurements = defaultdict(lambda: defaultdict(list))
        self.partitions = {}

    def measure(self, task, engine, commands, snapshot):
        measurement = self.workspace.call(engine, commands, snapshot)
        self.measurements[task][engine.name].append(measurement)
        self.workspace.log(f"  {task:16} {engine.name:8} {measurement.wall_seconds:8.3f} s")
        return measurement

    def repeat(self, repetitions):
        """Times all tasks so many times, on the snapshots that the check has left."""
        for repetition in range(repetitions):
            self.workspace.log(f"repetition {repetition + 1} of {repetitions}")
            self.ingest("csv")
            if self.workspace.has("parquet"):
                self.ingest("parquet")
            self.models()
            self.end_to_end()
            self.increments()
            self.query()
        for _ in range(STARTS):
            snapshot = self.workspace.snapshot(self.attrib, "csv")
            self.measure("version", self.attrib, self.attrib.version(), snapshot)

    def ingest(self, shape):
        for engine in self.engines:
            if shape in engine.shapes:
                snapshot = self.workspace.fresh(engine, "timed")
                commands = engine.ingest(shape, self.workspace.inputs(shape), snapshot)
                self.measure(f"{shape}_to_raw", engine, commands, snapshot)
                shutil.rmtree(snapshot)

    def models(self):
        for engine in self.engines:
            # A copy: attrib keeps the versions before, which would grow from run to run.
            snapshot = self.workspace.fresh(engine, "timed", copy_of="csv")
            self.measure("models", engine, engine.models(snapshot), snapshot)
            shutil.rmtree(snapshot)

    def end_to_end(self):
        for engine in self.engines:
            snapshot = self.workspace.fresh(engine, "timed")
            commands = engine.csv_to_marts(self.workspace.inputs("csv"), snapshot)
            self.measure("csv_to_marts", engine, commands, snapshot)
            shutil.rmtree(snapshot)

    def increments(self):
        """attrib alone: the peers have nothing but to build everything again."""
        globs = self.workspace.increments()
        if not globs:
            return
        snapshot = self.workspace.fresh(self.attrib, "timed", copy_of="csv")
        for name in ("next_day", "nothing_new", "late"):
            task = name
            if name in globs:
                task = f"{name}_run"
                commands = self.attrib.ingest("csv", [globs[name]], snapshot)
                self.measure(f"{name}_ingest", self.attrib, commands, snapshot)
            measurement = self.measure(task, self.attrib, self.attrib.run(), snapshot)
            self.partitions[task] = partitions_rebuilt(measurement.outputs[0])
        shutil.rmtree(snapshot)

    def query(self):
        for engine in self.engines:
            if engine.has_sql:
                snapshot = self.workspace.snapshot(engine, "csv")
                self.measure("query", engine, engine.query(QUERY, snapshot), snapshot)


def partitions_rebuilt(output):
    """The partitions that a run rewrote, by table; null for a table without partitions."""
    return {
        model["name"]: model["partitions"]
        for model in json.loads(output)["models"]
        if model["materialized"] == "table" and model["reason"]["kind"] != "up_to_date"
    }


def steps_of(output):
    """Seconds of the steps of one process, from what it printed, if it told them."""
    try:
        printed = json.loads(output)
    except ValueError:
        return {}
    if not isinstance(printed, dict):
        return {}
    if "models" in printed:
        steps = {model["name"]: model["seconds"] for model in printed["models"]}
        return steps | {"tests": sum(test["seconds"] for test in printed["tests"])}
    return printed.get("steps", {})
