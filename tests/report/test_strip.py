from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

from radarode.core.errors import InputError
from radarode.core.notice import NOTICE
from radarode.core.types import ReconstructedEcg
from radarode.report.page import ReportCase
from radarode.report.strip import draw_strip, plot_reconstruction

Make = Callable[..., ReportCase]


def texts(figure: object) -> str:
    return " ".join(t.get_text() for t in figure.findobj(lambda artist: hasattr(artist, "get_text")))


def test_a_png_is_written_with_and_without_reference(tmp_path: Path, make_case: Make) -> None:
    case = make_case()
    plot_reconstruction(tmp_path / "with.png", case.ecg, case.recording)
    plot_reconstruction(tmp_path / "without.png", case.ecg)
    tall, low = (image.imread(tmp_path / name) for name in ("with.png", "without.png"))
    assert tall.shape[0] > 1.4 * low.shape[0]
    assert tall[..., :3].std() > 0.05
    assert sorted(p.name for p in tmp_path.iterdir()) == ["with.png", "without.png"]


def test_it_says_what_it_shows(make_case: Make) -> None:
    case = make_case(source="simulated")
    shown = texts(draw_strip(case.ecg, case.recording, 5.0, 17.0))
    assert NOTICE in shown
    assert "simulated" in shown
    assert "reference" in shown
    assert "not reconstructed" in shown
    assert "calibrated" not in shown
    assert "simulated" not in texts(draw_strip(case.ecg, None, 0.0, 5.0))


def test_a_calibrated_strip_names_its_delay(make_case: Make) -> None:
    case = make_case()
    shown = texts(draw_strip(replace(case.ecg, calibrated=True, delay_s=0.05), None, 0.0, 5.0))
    assert "constant delay of 50 ms removed" in shown


def test_dollar_signs_in_names_are_no_formulas(tmp_path: Path, make_case: Make) -> None:
    case = make_case(subject="a$_$b^$", trial="$")
    plot_reconstruction(tmp_path / "dollar.png", case.ecg, case.recording)
    assert (tmp_path / "dollar.png").stat().st_size > 1000


def test_nothing_reconstructed_is_drawn_as_a_gap(tmp_path: Path, empty: ReconstructedEcg) -> None:
    plot_reconstruction(tmp_path / "empty.png", empty)
    assert (tmp_path / "empty.png").stat().st_size > 1000
    assert "not reconstructed" in texts(draw_strip(empty, None, 0.0, 12.0))


def test_a_reference_without_beats_does_not_spoil_the_picture(tmp_path: Path, make_case: Make) -> None:
    case = make_case()
    flat = replace(case.recording, ecg_mv=np.zeros(9000), r_peaks_s=None)
    plot_reconstruction(tmp_path / "flat.png", case.ecg, flat)
    assert (tmp_path / "flat.png").exists()


@pytest.mark.parametrize("bad", [{"start_s": -1.0}, {"start_s": 45.0}, {"start_s": float("nan")}, {"seconds": 0.0}])
def test_a_stretch_outside_the_recording_is_refused(tmp_path: Path, make_case: Make, bad: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(bad))):
        plot_reconstruction(tmp_path / "x.png", make_case().ecg, **bad)
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_named(tmp_path: Path, make_case: Make) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        plot_reconstruction(tmp_path / "nowhere" / "x.png", make_case().ecg)
