"""Print the tables of the benchmark of noise."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from radarode.benchmark.cells import Column
from radarode.benchmark.noise.conditions import NoiseSettings
from radarode.benchmark.noise.run import NoiseResults
from radarode.benchmark.noise.summary import MAIN, masked, published, rows_of, table_columns
from radarode.benchmark.noise.write import ROWS_ARE
from radarode.benchmark.tables import print_table


def print_results(results: NoiseResults, settings: NoiseSettings) -> None:
    """Print the calibrated table of every kind of noise, published figures dim beside ours.

    Args:
        results: of the benchmark.
        settings: its settings.
    """
    words = results.words
    notes: dict[str, None] = {}
    for kind in results.kinds:
        rows = masked(rows_of(results.cases, settings, kind, MAIN, words.titles))
        for block, columns in _blocks(table_columns(settings, kind)):
            title = words.title(kind, MAIN) + (f": {block}" if block else "")
            print_table(title, columns, rows, published=published(kind), rows_are=ROWS_ARE[kind])
        notes |= dict.fromkeys(words.under(kind, MAIN, results.cases))
    console = Console(highlight=False)
    for note in notes:
        console.print(Text(note.replace("Small figures", "Dim figures")))


def _blocks(columns: tuple[Column, ...]) -> Iterator[tuple[str, list[Column]]]:
    """Yield the columns of each block: side by side they are wider than a terminal."""
    for block in dict.fromkeys(column.group for column in columns):
        yield block, [column for column in columns if column.group == block]
