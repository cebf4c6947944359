"""From single scores to the tables of noise: medians, seeds, failures, Δm, published figures."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from radarode.benchmark.noise.conditions import CLEAN, Condition, NoiseSettings
from radarode.benchmark.noise.summary import (
    MAIN,
    Masked,
    baseline,
    figures_of,
    masked,
    published,
    rows_of,
    table_columns,
)
from radarode.benchmark.tables import write_tables
from radarode.core.types import COLUMNS

SETTINGS = NoiseSettings(seeds=(1, 2), noise_seeds=(1, 2), constant_db=(6.0, -3.0))
SIX, MINUS = Condition("constant", 6.0), Condition("constant", -3.0)
TITLES = {"radarode-mtl": "radarODE-MTL"}


def scores(**changes: float | None) -> dict[str, dict[str, float | None]]:
    one = {"rmse_mv": 0.1, "pcc": 0.8, "r_timing_ms": 8.0, "mdr": 0.04, "f1": 0.9}
    return {column: {**one, **changes} for column in COLUMNS}


def cases() -> dict[tuple[str, str, int, int], dict[str, dict[str, dict[str, float | None]]]]:
    found = {("radarode-mtl", CLEAN, seed, 0): {"a": scores(), "b": scores()} for seed in (1, 2)}
    for seed in (1, 2):
        for draw in (1, 2):
            found["radarode-mtl", SIX.key, seed, draw] = {"a": scores(r_timing_ms=8.0 * draw)}
            found["radarode-mtl", MINUS.key, seed, draw] = {"a": scores(pcc=0.5, r_timing_ms=None)}
    return found


def test_a_row_is_the_mean_and_spread_over_trainings_and_draws() -> None:
    found = figures_of(cases(), "radarode-mtl", SIX, MAIN)
    mean, error = found["r_timing_ms"]
    assert mean == pytest.approx(12.0)
    assert error == pytest.approx(math.sqrt(4 * 16 / 3))
    assert found["pcc"][0] == pytest.approx(80.0)
    assert found["draws"] == 4
    assert found["failed"] is False


def test_delta_m_is_the_flat_mean_of_four_metrics_against_the_own_clean_row() -> None:
    assert baseline(cases(), "radarode-mtl", MAIN) == {"rmse_mv": 0.1, "pcc": 0.8, "r_timing_ms": 8.0, "mdr": 0.04}
    mean, error = figures_of(cases(), "radarode-mtl", SIX, MAIN)["delta_m"]
    assert mean == pytest.approx((0.0 - 25.0) / 2)
    assert error > 0
    assert figures_of(cases(), "radarode-mtl", Condition(CLEAN), MAIN)["delta_m"] == pytest.approx((0.0, 0.0))


def test_a_recovery_below_60_percent_failed_and_its_figures_stay_in_the_csv(tmp_path: Path) -> None:
    rows = rows_of(cases(), SETTINGS, "constant", MAIN, TITLES)
    assert [row["method"] for row in rows] == ["Baseline", "6 dB", "-3 dB"]
    assert rows[2]["flags"] == {"failed": True}
    assert rows[2]["pcc"][0] == pytest.approx(50.0)
    shown = masked(rows)
    assert shown[2]["delta_m"] == Masked(rows[2]["delta_m"], "Failed")
    assert shown[1]["pcc"] == rows[1]["pcc"]
    columns = table_columns(SETTINGS, "constant")
    write_tables(tmp_path, "simulated", columns, shown, published=published("constant"), rows_are="SNR")
    lines = (tmp_path / "results.csv").read_text().splitlines()
    assert lines[3].startswith('"radarODE-MTL, -3 dB",0.1,')
    values = dict(zip(lines[0].split(","), lines[3].split('",')[1].split(","), strict=False))
    html, tex = ((tmp_path / name).read_text() for name in ("table.html", "table.tex"))
    assert "failed" in lines[0].split(",")
    assert values
    assert html.count("Failed") == 1
    assert "50.0" not in html
    assert "Failed" in tex
    assert '<th scope="col">SNR</th>' in html


def test_an_undefined_pcc_is_a_failure_and_no_result_is_none() -> None:
    found = cases()
    for seed in (1, 2):
        for draw in (1, 2):
            found["radarode-mtl", MINUS.key, seed, draw] = {"a": scores(pcc=None)}
    assert figures_of(found, "radarode-mtl", MINUS, MAIN)["failed"] is True
    assert figures_of({}, "radarode-mtl", MINUS, MAIN)["failed"] is False


def test_the_published_tables_have_the_rows_of_ours() -> None:
    constant, abrupt = published("constant"), published("abrupt")
    assert constant["radarODE-MTL, -3 dB"]["pcc"] == 84.96
    assert constant["radarODE, -3 dB"]["delta_m"] == Masked(None, "Failed")
    assert (abrupt["MMECG, 3 sec"]["mild/mdr"], abrupt["MMECG, 3 sec"]["extensive/mdr"]) == (5.92, 9.56)
    settings = NoiseSettings()
    titles = {"mmecg": "MMECG", "radarode": "radarODE", **TITLES}
    for kind, theirs in (("constant", constant), ("abrupt", abrupt)):
        keys = {row["key"] for row in rows_of({}, settings, kind, MAIN, titles)}
        assert set(theirs) == keys
        columns = {column.key for column in table_columns(settings, kind)}
        assert {key for values in theirs.values() for key in values} <= columns
