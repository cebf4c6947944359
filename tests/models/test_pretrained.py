from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from radarode.core.errors import InputError
from radarode.models.config import preset
from radarode.models.pretrained import CONFIG_FILE, WEIGHTS_FILE, load_model, save_model
from radarode.models.radarode_mtl import build_model

FACTS = {"tasks": {"sigma_s": 0.02}, "scaling": "log-mean", "transform": {"name": "sst"}, "people": 200}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "weights"
    save_model(target, build_model(preset("tiny"), seed=1), FACTS)
    return target


def edit(folder: Path, **changes) -> None:
    file = folder / CONFIG_FILE
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_comes_back_as_it_was(folder: Path) -> None:
    loaded = load_model(folder)
    original = build_model(preset("tiny"), seed=1).eval()
    assert not loaded.model.training
    assert loaded.model.config == original.config
    assert (loaded.tasks, loaded.scaling, loaded.transform) == ({"sigma_s": 0.02}, "log-mean", {"name": "sst"})
    assert loaded.facts == {"people": 200}
    assert all(p.requires_grad for p in loaded.model.parameters())
    x = torch.rand(1, 2, 71, 120, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        for (_, one), (_, other) in zip(loaded.model(x).items(), original(x).items(), strict=True):
            assert torch.equal(one, other)


def test_loaded_network_trains(folder: Path) -> None:
    model = load_model(folder).model.train()
    model(torch.rand(2, 2, 71, 120)).anchor.sum().backward()
    assert model.shared_parameters()[0].grad is not None


def test_running_statistics_are_kept(tmp_path: Path) -> None:
    model = build_model(preset("tiny", norm="batch"), seed=0)
    model(torch.rand(4, 2, 71, 120))
    save_model(tmp_path / "w", model, {})
    again = load_model(tmp_path / "w").model
    for name, value in model.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])


def test_an_existing_folder_is_refused(folder: Path) -> None:
    model = build_model(preset("tiny"), seed=2)
    with pytest.raises(InputError, match="exists already"):
        save_model(folder, model, {})
    save_model(folder, model, {}, overwrite=True)
    assert load_model(folder).facts == {}


@pytest.mark.parametrize("name", [CONFIG_FILE, WEIGHTS_FILE])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        load_model(folder)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_model(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scalling": "x"}, "did you mean `scaling`"),
        ({"model": {"width": 3}}, "did you mean `widths`"),
        ({"model": preset("tiny", decoder="ode").to_dict()}, "does not fit its config.json"),
        ({"model": preset("tiny", widths=[8, 24]).to_dict()}, "instead of"),
        ({"model": preset("tiny", widths=[8, 16]).to_dict() | {"widths": [8, 2**40]}}, "between 1 and"),
        ({"model": 3}, "no `model` section"),
        ({"format": 9}, "`format` must be 1"),
        ({"tasks": []}, "`tasks` must be of type dict"),
    ],
)
def test_a_config_that_does_not_fit_is_one_line(folder: Path, changes: dict, words: str) -> None:
    edit(folder, **changes)
    with pytest.raises(InputError, match=words) as error:
        load_model(folder)
    assert "\n" not in str(error.value)


def test_foreign_bytes_are_refused(folder: Path) -> None:
    weights = folder / WEIGHTS_FILE
    weights.write_bytes(weights.read_bytes()[:-40])
    with pytest.raises(InputError, match="safetensors"):
        load_model(folder)
    (folder / CONFIG_FILE).write_bytes(b"\xff\xfe{")
    with pytest.raises(InputError, match="JSON"):
        load_model(folder)
    (folder / CONFIG_FILE).write_bytes(b" " * (2**20 + 1))
    with pytest.raises(InputError, match="1 MiB"):
        load_model(folder)


def test_nan_weights_are_refused(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS_FILE)
    next(iter(weights.values())).fill_(float("nan"))
    save_file(weights, folder / WEIGHTS_FILE)
    with pytest.raises(InputError, match="NaN"):
        load_model(folder)
