from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch

from radarode.benchmark.methods import METHODS, select_methods
from radarode.benchmark.nyuv2.layout import HIGHER_IS_BETTER, METRICS
from radarode.benchmark.nyuv2.models import build_network
from radarode.benchmark.nyuv2.run import run_nyuv2
from radarode.benchmark.nyuv2.scenes import MadeScenes, make_scenes
from radarode.benchmark.nyuv2.settings import NyuSettings, read_settings
from radarode.benchmark.nyuv2.table import COLUMNS, describe, method_rows, print_results, published_table, write_results
from radarode.core.errors import InputError
from tests.benchmark.here import jobs_here

TINY = NyuSettings(
    network_size="tiny",
    methods=("single", "uw"),
    seeds=(1,),
    epochs=1,
    batch=2,
    device="cpu",
    scenes=MadeScenes(32, 32, 4, 2),
)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nyu") / "out"
    run_nyuv2(TINY, folder)
    return folder


def test_the_result_folder_holds_runs_and_tables(done: Path) -> None:
    runs = sorted(path.name for path in (done / "runs").iterdir())
    assert runs == ["single-depth-seed1", "single-normal-seed1", "single-segmentation-seed1", "uw-seed1"]
    results = json.loads((done / "results.json").read_text())
    assert [row["method"] for row in results["rows"]] == ["Single-task baseline", "UW"]
    assert results["settings"]["seeds"] == [1]
    assert results["versions"]["torch"]
    assert not results["failures"]
    lines = list(csv.DictReader((done / "results.csv").read_text().splitlines()))
    assert float(lines[1]["miou_published"]) == 53.33


def test_simulated_results_are_called_simulated_everywhere(done: Path) -> None:
    for name in ("results.json", "table.html", "table.tex"):
        text = (done / name).read_text()
        assert "simulated rooms (not NYUv2)" in text
        assert "SIMULATED" in text
    rows = list(csv.DictReader((done / "results.csv").read_text().splitlines()))
    assert {row["data"] for row in rows} == {"simulated"}


def test_done_runs_are_kept_and_shown_and_the_baseline_comes_by_itself(done: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in done.glob("runs/*/result.json")}
    with jobs_here():
        results = run_nyuv2(read_settings("full", changes=_changes(methods=["gls"], seeds=[2])), done)
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in before.items())
    seeds = {row["method"]: row["seeds"] for row in results["rows"]}
    assert seeds == {"Single-task baseline": 2, "UW": 1, "GLS": 1}
    assert results["settings"]["seeds"] == [1, 2]
    assert len(results["runs"]) == 3 + 1 + 3 + 1
    assert any("Of 2 seeds, fewer are done in: UW (1), GLS (1)." in note for note in results["notes"])


def test_another_recipe_or_data_over_old_results_is_refused(done: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"recipe.epochs = 1, not 2"):
        run_nyuv2(read_settings("full", changes=_changes(epochs=2)), done)
    with pytest.raises(InputError, match=r"scenes.train = 4, not 6"):
        run_nyuv2(
            read_settings("full", changes=_changes(scenes={"height": 32, "width": 32, "train": 6, "val": 2})), done
        )
    data = make_scenes(tmp_path / "data", TINY.scenes)
    with pytest.raises(InputError, match="holds results made with data"):
        run_nyuv2(TINY, done, data=data)


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        run_nyuv2(TINY, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_bad_data_and_weights_leave_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        run_nyuv2(TINY, tmp_path / "out", data=tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"none\.pth"):
        run_nyuv2(read_settings("quick", encoder_weights=str(tmp_path / "none.pth")), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_encoder_weights_count_by_their_content(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    changes = _changes(methods=["equal"], encoder_weights=str(path))
    for seed, words in ((1, None), (2, "recipe.encoder_weights = 'sha256:")):
        torch.save(build_network("deeplabv3", "tiny", seed).encoder.state_dict(), path)  # type: ignore[union-attr]
        if words is None:
            with jobs_here():
                assert not run_nyuv2(read_settings("full", changes=changes), tmp_path / "out")["failures"]
            continue
        with pytest.raises(InputError, match=words):
            run_nyuv2(read_settings("full", changes=changes), tmp_path / "out")


def _changes(**values: object) -> list[str]:
    plain = {
        "network_size": "tiny", "methods": ["uw"], "seeds": [1], "epochs": 1, "batch": 2, "device": "cpu",
        "scenes": {"height": 32, "width": 32, "train": 4, "val": 2},
    }  # fmt: skip
    return [f"{key}={json.dumps(value)}" for key, value in (plain | values).items()]


def _runs_of_published() -> dict:
    """Return the published table as if it were our results of one seed."""
    runs = {}
    for method in METHODS:
        row = published_table()[method.label]
        metrics = {task: {name: row[name] for name in names} for task, names in METRICS.items()}
        runs[method.key] = {"method": method.key, "seed": 1, "metrics": metrics, "diverged": None}
    return runs


def test_the_published_delta_m_follows_from_the_published_metrics() -> None:
    rows = method_rows(NyuSettings(seeds=(1,)), _runs_of_published())
    assert [row["method"] for row in rows] == list(published_table())
    off = {row["method"]: row["delta_m"] - published_table()[row["method"]]["delta_m"] for row in rows}
    assert max(map(abs, off.values())) <= 0.3, off


def test_seeds_become_mean_and_spread() -> None:
    runs = _runs_of_published()
    for key, shift in (("uw", 2.0), ("single", 0.0)):
        again = json.loads(json.dumps(runs[key])) | {"seed": 2}
        again["metrics"]["segmentation"]["miou"] += shift
        runs[f"{key} again"] = again
    rows = {row["method"]: row for row in method_rows(NyuSettings(seeds=(1, 2)), runs)}
    mean, spread = rows["UW"]["miou"]
    assert (mean, spread) == pytest.approx((53.33 + 1.0, 2.0**0.5))
    assert rows["UW"]["delta_m"][0] == pytest.approx(
        2.92 + 100 / 6 / 52.08, abs=0.05
    )  # one of two metrics, one of three tasks
    assert rows["Single-task baseline"]["delta_m"] == pytest.approx((0.0, 0.0))
    assert rows["GLS"]["seeds"] == 1


def test_a_metric_undefined_in_every_seed_is_an_empty_cell() -> None:
    runs = _runs_of_published()
    runs["uw"]["metrics"]["depth"]["relative_error"] = None
    runs["uw again"] = runs["uw"] | {"seed": 2}
    rows = {row["method"]: row for row in method_rows(NyuSettings(seeds=(1, 2)), runs)}
    assert rows["UW"]["relative_error"] is None
    assert rows["UW"]["delta_m"] is None
    assert rows["UW"]["miou"] == (53.33, 0.0)


def test_a_row_without_a_result_is_empty_and_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = _runs_of_published()
    runs["uw"] |= {"metrics": None, "diverged": "epoch 3, step 1: the loss of task 'depth' is not finite."}
    runs["gls"] = None
    facts = {
        "simulated": False, "scenes": {"train": 795, "val": 654}, "runs": runs,
        "failures": {"gls": "run gls failed: no room on the disk"}, "versions": {},
    }  # fmt: skip
    results = write_results(tmp_path, NyuSettings(seeds=(1,)), facts)
    assert results["rows"][2]["miou"] == {"mean": None, "spread": None}
    assert any("uw diverged" in note for note in results["notes"])
    assert any("gls failed" in note for note in results["notes"])
    assert "simulated" not in results["title"]
    assert ",NYUv2," in (tmp_path / "results.csv").read_text().splitlines()[1]
    print_results(json.loads((tmp_path / "results.json").read_text()))
    assert "EGA" in capsys.readouterr().out


def test_runs_of_several_versions_are_told() -> None:
    runs = _runs_of_published()
    for key, made_by in (("uw", "0.1"), ("gls", "0.2")):
        runs[key]["versions"] = {"radarode": made_by}
    facts = {"simulated": False, "scenes": {"train": 1, "val": 1}, "runs": runs, "failures": {}}
    assert "Runs were made by several versions of radarode: 0.1, 0.2." in describe(NyuSettings(), facts)[1]


def test_columns_are_the_published_ones() -> None:
    names = [column.key for column in COLUMNS]
    assert names == list(published_table()["UW"])
    assert {c.key for c in COLUMNS if c.better == "higher"} == {*HIGHER_IS_BETTER, "delta_m"}
    title, notes = describe(
        NyuSettings(), {"simulated": False, "scenes": {"train": 1, "val": 1}, "runs": {}, "failures": {}}
    )
    assert "simulated" not in title
    assert not any("cannot be compared" in note for note in notes)
    assert any("against the baseline's mean over seeds" in note for note in notes)
    assert next(column.label for column in COLUMNS if column.key.startswith("within")) == "< 11.25° [%]"


@pytest.mark.parametrize("weights", [None, "resnet50.pth"])
def test_a_start_from_chance_is_said_and_one_from_weights_is_not(weights: str | None) -> None:
    facts = {"simulated": False, "scenes": {"train": 1, "val": 1}, "runs": {}, "failures": {}}
    _, notes = describe(NyuSettings(encoder_weights=weights), facts)
    assert any("ImageNet" in note for note in notes) == (weights is None)


def test_settings_are_read_strictly(tmp_path: Path) -> None:
    assert read_settings("full") == NyuSettings()
    assert not NyuSettings().augment
    assert read_settings("full", changes=["augment=true"]).augment
    assert read_settings("quick", changes=["scenes.train=32"]).scenes == MadeScenes(48, 64, 32, 64)
    path = tmp_path / "settings.yaml"
    path.write_text("epochs: 7\nseeds: [4, 5]\n")
    found = read_settings("quick", path, ["epochs=9"], seeds=[6], methods=None)
    assert (found.epochs, found.seeds, found.network_size) == (9, (6,), "tiny")
    for changes, words in {
        "epoch=3": "Did you mean `epochs`",
        "scenes.hight=3": "Did you mean `height`",
        "epochs=0": "`epochs` must be at least 1",
        "epochs=many": "whole number",
        "batch=1": "`batch` must be at least 2",
        "lr=-1": "`lr` must be above 0",
        "seeds=[]": "`seeds`",
        "seeds=[1, 1]": "`seeds`",
        "methods=[egg]": "Did you mean `ega`",
        "engine=magic": "one of vjp, ghost, representation",
        "epochs": "key=value",
        "epochs=[": r"--set epochs=\[ is not YAML: line 1: ",
        "network=segnet_mtan": None,
    }.items():
        if words is None:
            assert read_settings("full", changes=[changes]).network == "segnet_mtan"
            continue
        with pytest.raises(InputError, match=words):
            read_settings("full", changes=[changes])
    for changes in (["network=segnet_mtan", "encoder_weights=a.pth"], ["network=segnet_mtan", "engine=representation"]):
        with pytest.raises(InputError, match="SegNet-MTAN"):
            read_settings("full", changes=changes)
    with pytest.raises(InputError, match="Did you mean `quick`"):
        read_settings("quik")
    with pytest.raises(FileNotFoundError):
        read_settings("quick", tmp_path / "none.yaml")
    path.write_text("- a list\n")
    with pytest.raises(InputError, match="a mapping"):
        read_settings("quick", path)


def test_methods_are_the_rows_of_the_published_tables() -> None:
    assert [method.label for method in METHODS] == list(published_table())
    assert len({method.key for method in METHODS}) == 17
    assert [m.label for m in select_methods(["ega"])] == [m.label for m in METHODS if m.strategy == "ega"]
    assert select_methods([]) == METHODS
