"""The parts of a table of methods by metrics: columns, cells, places."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Number = float | tuple[float, float] | None
"""A number, a (mean, spread) pair, or None where there is none."""


@dataclass(frozen=True, slots=True)
class Masked:
    """Hold a number in whose place a table shows a text; the CSV keeps the number.

    Attributes:
        value: the number.
        text: what is shown.
    """

    value: Number
    text: str


Value = Number | Masked
"""What a cell holds."""

Row = Mapping[str, Any]
"""`method` -> its label, and a `Value` under the key of each column.

Optional: `group` names the block that the row is in; `key` is what published figures are found under, and the row's
name in the CSV, where labels repeat from block to block; `flags` are yes/no facts by name, columns of the CSV alone.
"""

Mark = Literal["best", "second", ""]

DASH = "–"


@dataclass(frozen=True, slots=True)
class Column:
    """Describe one column of a table.

    Attributes:
        key: where a row keeps the value.
        label: heading, with the unit.
        digits: decimals shown; places are compared as shown, so what looks equal is ranked equal.
        better: which way is good; None ranks nothing.
        group: heading over neighbouring columns that share it.
        ranked: whether the best two values are marked.
    """

    key: str
    label: str
    digits: int
    better: Literal["higher", "lower"] | None = None
    group: str = ""
    ranked: bool = True

    @property
    def heading(self) -> str:
        """Label with an arrow to the good side."""
        return self.label + {"higher": " ↑", "lower": " ↓", None: ""}[self.better]


def split_value(value: Value) -> tuple[float, float | None]:
    """Return mean and spread; the mean is NaN where there is no value, the spread None where there is none.

    Of a masked value those behind the mask are returned.

    Example:
        >>> split_value((2.0, 0.5)), split_value(3.0)
        ((2.0, 0.5), (3.0, None))
    """
    if isinstance(value, Masked):
        value = value.value
    if value is None:
        return math.nan, None
    if isinstance(value, (tuple, list)):
        mean, spread = value
        return float(mean), float(spread) if math.isfinite(spread) else None
    return float(value), None


def row_key(row: Row) -> str:
    """Return what a row is found under: its `key`, or its label."""
    return str(row.get("key", row["method"]))


def spread(values: Sequence[float]) -> Number:
    """Return (mean, standard deviation with n - 1), the mean alone for one value, None where one is undefined.

    Example:
        >>> spread([1.0, 2.0, 3.0]), spread([1.0]), spread([1.0, float("nan")])
        ((2.0, 1.0), 1.0, None)
    """
    if not values or not all(map(math.isfinite, values)):
        return None
    mean = statistics.fmean(values)
    return mean if len(values) == 1 else (mean, statistics.stdev(values))


def cell(value: Value, digits: int) -> str:
    """Format a value, its spread behind it.

    Example:
        >>> cell((0.1234, 0.01), 2), cell(None, 2), cell(-0.001, 1)
        ('0.12 ± 0.01', '–', '0.0')
    """
    if isinstance(value, Masked):
        return value.text
    mean, spread = split_value(value)
    if not math.isfinite(mean):
        return DASH
    text = f"{round(mean, digits) + 0.0:.{digits}f}"
    return text if spread is None else f"{text} ± {spread:.{digits}f}"


def marks(rows: Sequence[Row], column: Column) -> list[Mark]:
    """Say which rows are best and second best in a column; equal values as shown share a place.

    Example:
        >>> marks([{"method": "a", "x": 1.0}, {"method": "b", "x": 3.0}], Column("x", "X", 1, "higher"))
        ['second', 'best']
    """
    values = [row.get(column.key) for row in rows]
    means = [math.nan if isinstance(value, Masked) else split_value(value)[0] for value in values]
    shown = [round(mean, column.digits) for mean in means]
    known = sorted({value for value in shown if math.isfinite(value)}, reverse=column.better == "higher")
    if column.better is None or not column.ranked or not known:
        return [""] * len(rows)
    places: dict[float, Mark] = {known[0]: "best"}
    if len(known) > 1 and shown.count(known[0]) == 1:
        places[known[1]] = "second"
    return [places.get(value, "") for value in shown]


def starts_group(rows: Sequence[Row], number: int) -> bool:
    """Tell whether a row is the first of its group."""
    group = rows[number].get("group", "")
    return bool(group) and (number == 0 or rows[number - 1].get("group", "") != group)
