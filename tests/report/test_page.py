from __future__ import annotations

import csv
import html
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.core.notice import NOTICE
from radarode.core.types import COLUMNS, ReconstructedEcg
from radarode.evaluation import METRICS, evaluate
from radarode.metrics.labels import LABELS
from radarode.report.page import ReportCase, choose, write_report
from radarode.report.prepare import prepare

Make = Callable[..., ReportCase]
VOID = {"meta", "br", "link", "img", "hr", "input", "col"}


class Balance(HTMLParser):
    """Fail on tags that are not closed in order, and gather ids."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for name, value in attrs if name == "id" and value]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, make_case: Make) -> str:
    cases = [make_case(1, source="simulated"), make_case(2, subject="B", trial="7", source="simulated")]
    return write_report(tmp_path_factory.mktemp("page") / "out", cases).read_text(encoding="utf-8")


def test_the_page_is_self_contained(page: str) -> None:
    assert not re.search(r"https?:|//\w+\.|<script|<link|<iframe|@import|\bon\w+=", page)
    assert not re.search(r"\bsrc=", page)
    assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)"', page))


def test_the_page_is_well_formed_with_unique_ids(page: str) -> None:
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    assert len(parser.ids) == len(set(parser.ids))
    targets = set(re.findall(r'href="#([^"]+)"', page)) | set(re.findall(r"url\(#([^)]+)\)", page))
    assert targets <= set(parser.ids)
    for picture in re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL):
        ET.fromstring(picture.replace("<svg", '<svg xmlns:xlink="x"', 1))


def test_figures_follow_light_and_dark(page: str) -> None:
    assert "prefers-color-scheme:dark" in page
    pictures = "".join(re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL))
    assert "var(--reconstructed)" in pictures
    assert set(re.findall(r"#[0-9a-fA-F]{6}\b", pictures)) == set()
    used = set(re.findall(r"var\(--([\w-]+)\)", page))
    light, dark = re.findall(r":root\{(.*?)\}", page, flags=re.DOTALL)
    for name in used:
        assert f"--{name}:" in light.replace("\n", "")
        assert f"--{name}:" in dark.replace("\n", "")


def test_the_page_says_what_it_must(page: str) -> None:
    assert html.escape(NOTICE) in page[: page.index("<h1>")]
    assert "<b>simulated</b>" in page
    assert page.count("(simulated)") >= 2
    for column in COLUMNS:
        assert column in page
    for text, _, _ in LABELS.values():
        assert text in page
    assert "viewport" in page


def test_real_recordings_are_not_called_simulated(tmp_path: Path, make_case: Make) -> None:
    text = write_report(tmp_path, [make_case(source="camera")]).read_text(encoding="utf-8")
    assert "simulated" not in text[text.index("<body>") :]


def test_every_figure_has_its_numbers_beside_it(tmp_path: Path, make_case: Make) -> None:
    case = make_case()
    write_report(tmp_path, [case])
    pictures = {path.stem for path in tmp_path.glob("*.png")}
    tables = {path.stem for path in tmp_path.glob("*.csv")}
    assert pictures == {
        "r_timing_cdf",
        "ppi_cdf",
        "bland_altman",
        "overlay_1_A-1",
        "heart_rate_1_A-1",
        "mechanical_1_A-1",
    }
    assert tables == pictures | {"metrics"}
    with (tmp_path / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["column"] for row in rows] == list(COLUMNS)
    for name in METRICS:
        assert float(rows[1][name]) == pytest.approx(case.scores.calibrated[name], rel=1e-5)
    with (tmp_path / "bland_altman.csv").open(newline="") as file:
        difference = [abs(float(row["difference_ms"])) for row in csv.DictReader(file)]
    assert np.median(difference) == pytest.approx(case.scores.calibrated["ppi_error_ms"], rel=1e-4)
    with (tmp_path / "r_timing_cdf.csv").open(newline="") as file:
        shares = [float(row["share"]) for row in csv.DictReader(file) if row["column"] == "deployable"]
    assert shares[-1] == pytest.approx(1.0 - case.scores.deployable["mdr"], rel=1e-5)


def test_hostile_names_stay_text(tmp_path: Path, make_case: Make) -> None:
    case = make_case(subject='<img src=x onerror="a">/../x', trial="1&2", source="<b>")
    text = write_report(tmp_path, [case]).read_text(encoding="utf-8")
    assert "<img" not in text
    assert "&lt;img" in text
    assert {path.parent for path in tmp_path.rglob("*.png")} == {tmp_path}


def test_dollar_signs_in_names_are_no_formulas(tmp_path: Path, make_case: Make) -> None:
    case = make_case(subject="a$_$b^$", trial="$")
    text = write_report(tmp_path, [case]).read_text(encoding="utf-8")
    assert "Heart rate, a$_$b^$-$" in text


def test_the_figures_are_of_the_beats_that_are_scored(tmp_path: Path, make_case: Make) -> None:
    whole = make_case()
    ecg_mv = np.array(whole.recording.ecg_mv)
    ecg_mv[4000:6000] = np.nan
    recording = replace(whole.recording, ecg_mv=ecg_mv)
    case = ReportCase(recording, whole.ecg, evaluate(whole.ecg, recording))
    write_report(tmp_path, [case])
    with (tmp_path / "r_timing_cdf.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for column, values in case.scores.columns().items():
        errors = [float(row["error_ms"]) for row in rows if row["column"] == column]
        assert np.median(errors) == pytest.approx(values["r_timing_ms"], rel=1e-4)
        assert len(errors) == round(values["precision"] * values["n_beats"])
        shares = [float(row["share"]) for row in rows if row["column"] == column]
        assert shares[-1] == pytest.approx(1.0 - values["mdr"], rel=1e-4)
    with (tmp_path / "heart_rate_1_A-1.csv").open(newline="") as file:
        windows = list(csv.DictReader(file))
    assert windows[2]["reference_bpm"] == windows[2]["reconstructed_bpm"] == ""
    rates = [(float(row["reconstructed_bpm"] or "nan"), float(row["reference_bpm"] or "nan")) for row in windows]
    difference = np.nanmedian([abs(ours - theirs) for ours, theirs in rates])
    assert difference == pytest.approx(case.scores.deployable["hr_error_bpm"], rel=1e-3)


def test_the_page_says_what_a_median_is_of_and_what_is_not_calibrated(
    tmp_path: Path, make_case: Make, empty: ReconstructedEcg
) -> None:
    found, recording = make_case(), make_case(trial="2").recording
    text = write_report(tmp_path, [found, ReportCase(recording, empty, evaluate(empty, recording))]).read_text(
        encoding="utf-8"
    )
    assert text.count("(1 of 2)") >= 3 * 6
    assert "(k of 2)" in text
    assert "Not calibrated: 1 of 2" in text
    assert "not calibrated (no beat of the first 20 s" in text


def test_short_recordings_carry_a_note(tmp_path: Path, make_case: Make) -> None:
    pages = [
        write_report(tmp_path / str(duration_s), [make_case(duration_s=duration_s)]).read_text(encoding="utf-8")
        for duration_s in (45.0, 60.0)
    ]
    assert "Shorter than 60 s: 1 of 1" in pages[0]
    assert "close to the oracle" in pages[0]
    assert "Shorter than" not in pages[1]
    assert " of 1)" not in pages[1]
    assert "Not calibrated" not in pages[1]


def test_an_empty_reconstruction_still_makes_a_report(tmp_path: Path, make_case: Make, empty: ReconstructedEcg) -> None:
    recording = make_case().recording
    case = ReportCase(recording, empty, evaluate(empty, recording))
    text = write_report(tmp_path, [case]).read_text(encoding="utf-8")
    assert "–" in text
    assert "nan" not in re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL).lower().split()


def test_a_reference_of_r_peaks_only_still_makes_a_report(tmp_path: Path, make_case: Make) -> None:
    whole = make_case()
    recording = replace(whole.recording, ecg_mv=None)
    write_report(tmp_path, [ReportCase(recording, whole.ecg, evaluate(whole.ecg, recording))])
    assert (tmp_path / "report.html").exists()


def test_of_many_recordings_worst_median_and_best_are_drawn(make_case: Make) -> None:
    cases = [prepare(make_case(3, jitter_s=j, trial=str(i))) for i, j in enumerate([0.03, 0.001, 0.02, 0.01, 0.05])]
    assert [one.case.recording.trial for one in choose(cases)] == ["4", "2", "1"]
    assert len(choose(cases[:3])) == 3


def test_no_cases_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least one"):
        write_report(tmp_path / "out", [])
    assert not (tmp_path / "out").exists()


def test_reports_are_the_same_every_time(tmp_path: Path, make_case: Make) -> None:
    first, second = (write_report(tmp_path / name, [make_case()]).read_text() for name in ("a", "b"))
    assert first == second
