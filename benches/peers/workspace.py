"""Where the benchmark works: the generator's folder, and a scratch folder of snapshots."""

import shutil
from pathlib import Path

from measure import run_all


class Workspace:
    """Paths, and commands that are run on a snapshot."""

    def __init__(self, data, scratch, log):
        self.data = Path(data)
        self.scratch = Path(scratch)
        self.log = log

    def inputs(self, shape):
        """The globs of the files that all tasks begin with."""
        return [self.data / shape / f"*.{shape}"]

    def has(self, shape):
        return any(self.data.glob(f"{shape}/*.{shape}"))

    def increments(self):
        """Globs of the files that come later, in order; none if the data has none."""
        patterns = {
            "next_day": self.data / "next_day" / "csv" / "*.csv",
            "late": self.data / "late" / "csv" / "*.csv",
        }
        there = all(any(glob.parent.glob(glob.name)) for glob in patterns.values())
        return patterns if there else {}

    def snapshot(self, engine, name):
        return self.scratch / engine.name / name

    def fresh(self, engine, name, copy_of=None):
        """A new snapshot folder: empty, or a copy of another one of the engine."""
        folder = self.snapshot(engine, name)
        shutil.rmtree(folder, ignore_errors=True)
        if copy_of:
            shutil.copytree(self.snapshot(engine, copy_of), folder)
        else:
            folder.mkdir(parents=True)
        return folder

    def call(self, engine, commands, snapshot):
        """Runs and measures commands, away from any project, whose settings would count."""
        return run_all(commands, engine.environment(snapshot), self.scratch)
