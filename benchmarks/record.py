"""What benchmarks printed, held against their bars and laid out as a page; no measuring here."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

INTRO = """\
# Results of the benchmarks

`python benchmarks/run.py` writes this page: all benchmarks, or those that it is given by name; the sections of the
others stay as they are. Absolute times drift from run to run, with other work on the machine and its temperature: only
ratios within one run compare. Input is simulated or random, but for `ceiling` and `stream`, which take real recordings
where they find them.

{facts}

{count}
"""
LINE = re.compile(r"^([a-z][a-z0-9_x]*): (\S.*)$")
NUMBER = re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?(?![\w.])")
TOLD = ("machine", "versions")
"""Facts of a run that its section tells where they are not those at the top."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Hold what a figure must hold.

    Attributes:
        name: of the figure; may hold `*`.
        at_least, at_most: the bar; one of them.
        says: what it is about.
    """

    name: str
    at_least: float | None = None
    at_most: float | None = None
    says: str = ""

    def __post_init__(self) -> None:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"the bar of {self.name} needs either at_least or at_most")

    def met(self, value: str) -> bool:
        """Tell whether a printed value holds the bar; what is no number does not."""
        number = number_of(value)
        low = -math.inf if self.at_least is None else self.at_least
        high = math.inf if self.at_most is None else self.at_most
        return low <= number <= high

    def __str__(self) -> str:
        return f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Hold how a benchmark is run and judged.

    Attributes:
        arguments: of its full figures.
        more: a sentence for its section.
        bars: what its figures must hold.
    """

    arguments: tuple[str, ...] = ()
    more: str = ""
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """Hold one run of one benchmark.

    Attributes:
        name: of the benchmark.
        command: what was run.
        about: first line of its docstring.
        figures: (name, value) as printed, in order.
        facts: date, commit, machine, versions, and seconds taken.
    """

    name: str
    command: str
    about: str
    figures: tuple[tuple[str, str], ...]
    facts: Mapping[str, str] = field(default_factory=dict)


def parse_line(line: str) -> tuple[str, str] | None:
    """Return name and value of a `name: value` line, None for any other.

    Example:
        >>> parse_line("sst_speedup_vs_ssqueezepy: 9.61"), parse_line("  8%|8   | 3/40: x")
        (('sst_speedup_vs_ssqueezepy', '9.61'), None)
    """
    found = LINE.match(line.rstrip())
    return (found[1], found[2]) if found else None


def number_of(value: str) -> float:
    """Return the number that a printed value begins with, NaN without one.

    Example:
        >>> number_of("5.2 (best 4.9)"), number_of("skipped")
        (5.2, nan)
    """
    found = NUMBER.match(value)
    return float(found[0]) if found else math.nan


def plans(table: Mapping[str, Any]) -> dict[str, Plan]:
    """Return the plan of each benchmark from the contents of bars.toml.

    Raises:
        ValueError: an unknown key, or a bar without a direction.
    """
    found = {}
    for name, given in table.items():
        unknown = set(given) - {"arguments", "more", "bars"}
        if unknown:
            raise ValueError(f"bars.toml, [{name}]: unknown {', '.join(sorted(unknown))}")
        try:
            bars = tuple(Bar(figure, **rule) for figure, rule in given.get("bars", {}).items())
        except TypeError as error:
            raise ValueError(f"bars.toml, [{name}.bars]: {error}") from error
        found[name] = Plan(tuple(given.get("arguments", ())), given.get("more", ""), bars)
    return found


def judged(section: Section, plan: Plan) -> list[tuple[str, str, Bar | None, bool]]:
    """Return (figure, value, bar, met) of a section; a bar whose figure was not printed is not met."""
    rows: list[tuple[str, str, Bar | None, bool]] = []
    for name, value in section.figures:
        bar = next((one for one in plan.bars if fnmatchcase(name, one.name)), None)
        rows.append((name, value, bar, bar is None or bar.met(value)))
    for bar in plan.bars:
        if not any(fnmatchcase(name, bar.name) for name, _ in section.figures):
            rows.append((bar.name, "not printed", bar, False))
    return rows


def unmet(sections: Sequence[Section], plans: Mapping[str, Plan]) -> list[str]:
    """Return what misses its bar, in words."""
    return [
        f"{name} {value} (bar {bar})"
        for section in sections
        for name, value, bar, met in judged(section, plans.get(section.name, Plan()))
        if bar is not None and not met
    ]


def page(sections: Sequence[Section], plans: Mapping[str, Plan]) -> str:
    """Return the whole page, the sections in order of their names."""
    ordered = sorted(sections, key=lambda one: one.name)
    newest = max(ordered, key=lambda one: one.facts.get("date", ""), default=None)
    top = {} if newest is None else {key: newest.facts.get(key, "unknown") for key in ("date", "commit", *TOLD)}
    facts = "\n".join(f"- {key}: {value}" for key, value in top.items())
    with_bar = sum(bar is not None for one in ordered for *_, bar, _ in judged(one, plans.get(one.name, Plan())))
    missed = len(unmet(ordered, plans))
    unseen = sum(len(plan.bars) for name, plan in plans.items() if name not in {one.name for one in ordered})
    count = f"{with_bar - missed} of {with_bar} bars are met{f', {unseen} not measured yet' if unseen else ''}."
    parts = [INTRO.format(facts=facts, count=count)]
    parts += [section_text(one, plans.get(one.name, Plan()), top) for one in ordered]
    return "\n".join(parts)


def section_text(section: Section, plan: Plan, top: Mapping[str, str]) -> str:
    """Return one section; what it shares with the facts at the top of the page is not said again."""
    facts = section.facts
    said = [facts.get("date", ""), facts.get("commit", ""), f"took {facts['took']}" if "took" in facts else ""]
    said += [facts[key] for key in TOLD if key in facts and facts[key] != top.get(key)]
    lines = [f"## {section.name}", "", section.about, "", f"    {section.command}", ""]
    lines += [f"{', '.join(one for one in said if one)}.{f' {plan.more}' if plan.more else ''}", ""]
    lines += ["| figure | value | bar | met |", "|---|---|---|---|"]
    for name, value, bar, met in judged(section, plan):
        rule = "" if bar is None else f"{bar}{f': {bar.says}' if bar.says else ''}"
        cells = (f"`{name}`", value, rule, "" if bar is None else "yes" if met else "**no**")
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def dumped(sections: Sequence[Section]) -> str:
    """Return the sections as JSON, in order of their names."""
    return json.dumps([asdict(one) for one in sorted(sections, key=lambda one: one.name)], indent=1) + "\n"


def loaded(text: str) -> list[Section]:
    """Return the sections that `dumped` wrote."""
    return [
        Section(**{**one, "figures": tuple((name, value) for name, value in one["figures"])})
        for one in json.loads(text)
    ]


def renewed(old: Sequence[Section], new: Sequence[Section]) -> list[Section]:
    """Return the old sections with those of the same name replaced, and the new ones added."""
    return list({one.name: one for one in (*old, *new)}.values())
