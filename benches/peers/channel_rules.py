"""Turns queries/channels/rules.yml into the SQL of a `case`, for engines without attrib's UDF.

The file is YAML of a narrow kind; this reads just that kind (two-space maps and lists, flow
maps and lists, anchors, aliases), so that the benchmark needs no YAML library.
"""

import re
from pathlib import Path


def sql_text(text):
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def read_rules(path):
    """The rules in order: dicts of channel, from, until, when (a list of maps of tests)."""
    return _Reader(Path(path).read_text(encoding="utf-8")).rules()


def channel_case(rules):
    """`case … end` over lower-case `source`, `medium`, `campaign`, and `category`, `day`."""
    branches = []
    for rule in rules:
        conditions = [
            " and ".join(_test(field, test) for field, test in tests.items())
            for tests in rule["when"]
        ]
        condition = " or ".join(f"({condition})" for condition in conditions)
        for key, comparison in (("from", ">="), ("until", "<")):
            if key in rule:
                condition = f"day {comparison} date '{rule[key]}' and ({condition})"
        branches.append(f"        when {condition}\n            then {sql_text(rule['channel'])}")
    return "case\n" + "\n".join(branches) + "\n        else 'Unassigned'\n    end"


def rule_changes(rules):
    """The days on which some rule begins or ceases to hold, sorted."""
    return sorted({rule[key] for rule in rules for key in ("from", "until") if key in rule})


def _test(field, test):
    """The SQL of one test. It is null where the field is, which a `case` takes for false."""
    ((kind, wanted),) = test.items()
    if kind == "category":
        return f"category = {sql_text(wanted)}"
    if kind == "is":
        texts = ", ".join(sql_text(text.lower()) for text in wanted if text is not None)
        listed = f"{field} in ({texts})"
        return f"({field} is null or {listed})" if None in wanted else listed
    if kind == "contains":
        return f"contains({field}, {sql_text(wanted.lower())})"
    if kind == "ends_with":
        return f"ends_with({field}, {sql_text(wanted.lower())})"
    if kind == "matches":
        return f"regexp_full_match({field}, {sql_text(wanted)}, 's')"
    raise ValueError(f"unknown test `{kind}`")


class _Reader:
    """Reads the lines of one file."""

    def __init__(self, text):
        self.anchors = {}
        lines = (line.rstrip() for line in text.splitlines())
        self.lines = [line for line in lines if line and not line.lstrip().startswith("#")]

    def rules(self):
        rules, place = [], self.lines.index("rules:") + 1
        while place < len(self.lines):
            line = self.lines[place]
            if line.startswith("  - channel: "):
                rules.append({"channel": line.split(": ", 1)[1], "when": []})
            elif match := re.fullmatch(r"    (from|until): (\S+)", line):
                rules[-1][match[1]] = match[2]
            elif line == "    when:":
                place = self._when(rules[-1]["when"], place + 1)
                continue
            else:
                raise ValueError(f"cannot read the rule line `{line}`")
            place += 1
        return rules

    def _when(self, maps, place):
        """Reads a map of tests, or a list of maps, below `when:`; the place after it."""
        pending = None
        while place < len(self.lines) and self.lines[place].startswith("      "):
            line = self.lines[place].strip()
            if line.startswith("- ") or not maps:
                maps.append({})
            line = line.removeprefix("- ")
            name, rest = line.split(":", 1)
            rest = rest.strip()
            if pending and self.lines[place].startswith(" " * 10):
                maps[-1][pending] = {name: self._scalar_or_list(rest)}
                pending = None
            elif rest:
                maps[-1][name] = self._test(rest)
            else:
                pending = name
            place += 1
        return place

    def _test(self, text):
        if text.startswith("*"):
            return self.anchors[text[1:]]
        anchor = None
        if text.startswith("&"):
            anchor, text = text[1:].split(" ", 1)
        inner = re.fullmatch(r"\{\s*(\w+):\s*(.*?)\s*\}", text)
        test = {inner[1]: self._scalar_or_list(inner[2])}
        if anchor:
            self.anchors[anchor] = test
        return test

    def _scalar_or_list(self, text):
        if text.startswith("["):
            return [self._scalar(one.strip()) for one in text[1:-1].split(",")]
        return self._scalar(text)

    @staticmethod
    def _scalar(text):
        return None if text == "null" else text.strip("'\"")
