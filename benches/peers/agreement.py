"""Builds everything once with each engine and compares all tables, before any time counts."""

import shutil
import sys
from pathlib import Path

from measure import run
from tables import OF_PEER, RAW, TABLES

COMPARE = Path(__file__).resolve().with_name("compare.py")


def check(workspace, attrib, peers):
    """Lines of what is equal, by peer. Raises `CommandFailed` if something is not.

    Leaves each engine's snapshots `csv`, with all tables, and `parquet`, with the raw one.
    """
    for engine in [attrib, *peers]:
        workspace.log(f"building with {engine.name}")
        build(workspace, engine)
    agreed = {}
    for peer in peers:
        lines = compare(workspace, attrib, peer, "csv", OF_PEER[peer.name])
        if workspace.snapshot(peer, "parquet").exists():
            more = compare(workspace, attrib, peer, "parquet", [RAW])
            lines += [f"from Parquet, {line}" for line in more]
        if peer.name == "duckdb" and workspace.increments():
            more = compare_increments(workspace, attrib, peer)
            lines += [f"after increments, {line}" for line in more]
        agreed[peer.name] = lines
        workspace.log(f"attrib and {peer.name}:\n  " + "\n  ".join(lines))
    return agreed


def build(workspace, engine):
    snapshot = workspace.fresh(engine, "csv")
    commands = engine.csv_to_marts(workspace.inputs("csv"), snapshot)
    workspace.call(engine, commands + engine.views(snapshot), snapshot)
    if "parquet" in engine.shapes and workspace.has("parquet"):
        snapshot = workspace.fresh(engine, "parquet")
        commands = engine.ingest("parquet", workspace.inputs("parquet"), snapshot)
        workspace.call(engine, commands, snapshot)


def compare_increments(workspace, attrib, peer):
    """attrib a step at a time against the peer on all files at once."""
    snapshot = workspace.fresh(attrib, "increments", copy_of="csv")
    for glob in workspace.increments().values():
        commands = attrib.ingest("csv", [glob], snapshot) + attrib.run()
        workspace.call(attrib, commands, snapshot)
    whole = workspace.fresh(peer, "increments")
    globs = [*workspace.inputs("csv"), *workspace.increments().values()]
    workspace.call(peer, peer.csv_to_marts(globs, whole) + peer.views(whole), whole)
    lines = compare(workspace, attrib, peer, "increments", TABLES)
    shutil.rmtree(snapshot)
    shutil.rmtree(whole)
    return lines


def compare(workspace, attrib, peer, name, tables):
    """A line for each table of the snapshots of this name.

    By a process of its own: the peak memory of a measured process counts from that of the
    process that starts it, so this one must stay small.
    """
    exports = workspace.fresh(attrib, "exports")
    for table in tables:
        commands = attrib.export(f"select * from {table}", exports / f"{table}.parquet")
        workspace.call(attrib, commands, workspace.snapshot(attrib, name))
    snapshot = workspace.snapshot(peer, name)
    command = [sys.executable, COMPARE, exports, snapshot, "--tables", ",".join(tables)]
    lines = run(command).outputs[0].splitlines()
    shutil.rmtree(exports)
    return lines
