"""The report's mechanical part: drawn with units, labelled as estimates, quiet where there is nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from radarode.core.types import Beats, ReconstructedEcg
from radarode.evaluation import evaluate
from radarode.report.mechanical import events_of, mechanical_figures, mechanical_table
from radarode.report.prepare import ReportCase, prepare
from tests.reconstruction.mechanical_truth import simulate_truth


def test_simulated_motion() -> None:
    truth = simulate_truth(3, duration_s=30.0)
    n = truth.recording.rcg.shape[1]
    ecg = ReconstructedEcg(np.sin(np.arange(n) / 30.0), 200.0, truth.beats())
    case = prepare(ReportCase(truth.recording, ecg, evaluate(ecg, truth.recording)))
    events = events_of(case)
    assert events is not None
    (drawing,) = mechanical_figures(case, events, "1_x")
    axes = drawing.figure.axes[0]
    assert "[ms]" in axes.get_xlabel()
    assert "local median" in axes.get_ylabel()
    assert "simulated" in axes.get_title(loc="left")
    labels = {line.get_label() for line in axes.lines}
    assert {"v1 onset", "v1 peak", "R"} <= labels
    assert len(drawing.data["lag_ms"]) == len(drawing.data["energy_per_local_median"])
    table = mechanical_table(events)
    assert "AO estimate" in table
    assert "Not validated" in table
    assert "PEP-like" in table


def test_noise_without_beats(make_case: Callable[..., ReportCase]) -> None:
    case = make_case()
    ecg = ReconstructedEcg(case.ecg.ecg, 200.0, Beats([], [], []))
    prepared = prepare(ReportCase(case.recording, ecg, evaluate(ecg, case.recording)))
    events = events_of(prepared)
    assert "none is clear" in mechanical_table(events)
    assert "none is clear" in mechanical_table(None)
    assert mechanical_figures(prepared, None, "k") == []
    assert len(mechanical_figures(prepared, events, "k")) == 1
