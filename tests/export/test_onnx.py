"""Networks as ONNX files: the same answers in onnxruntime, and files from strangers refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from radarode.core.errors import InputError
from radarode.core.notice import NOTICE
from radarode.data.scaling import NO_SCALING, scale_windows
from radarode.export.onnx import TOLERANCE, OnnxOptions, OnnxReport, export_onnx, relative_difference
from radarode.models import onnx_check
from radarode.models.config import preset
from radarode.models.pretrained import Pretrained, load_model
from radarode.models.radarode_mtl import build_model
from radarode.tasks import TaskSettings
from radarode.tasks.length import decode_length

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

MEANING = {"tasks": {"r_fraction": 0.43}, "scaling": "log_mean", "transform": {"name": "sst"}}


def shaken(name: str, **changes) -> Pretrained:
    """Return a network none of whose weights is where it starts: offsets, norms and statistics included."""
    model = build_model(preset(name, **changes), seed=3)
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for key, value in model.state_dict().items():
            if key.endswith("running_var"):  # so that signals neither fade nor grow from layer to layer
                value.copy_(0.25 * (0.5 + torch.rand(value.shape, generator=generator)))
            elif "norm" in key or "control" in key or key.endswith("running_mean"):
                value.add_((0.2 * torch.randn(value.shape, generator=generator)).to(value.dtype))
    return Pretrained(model.eval(), facts={"data": "simulate:training", "seed": 3}, **MEANING)


def magnitudes(windows: int, channels: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    values = 3e-4 * torch.rand(windows, channels, 71, 120, generator=generator) ** 4
    if channels > 2:
        values[0, 1] = 0.0  # a channel that is missing
    return values


def differences(original: Pretrained, exported: Pretrained, values: torch.Tensor) -> dict[str, float]:
    with torch.inference_mode():
        wanted = original.model(scale_windows(values, original.scaling))
        got = exported.model(scale_windows(values, exported.scaling))
    pairs = zip(got.items(), wanted.items(), strict=True)
    return {task: relative_difference(one.numpy(), other.numpy()) for (task, one), (_, other) in pairs}


@pytest.fixture(scope="module")
def original() -> Pretrained:
    return shaken("tiny")


@pytest.fixture(scope="module")
def native(original: Pretrained, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, OnnxReport]:
    """Return a file that takes any number of channels of scaled windows."""
    path = tmp_path_factory.mktemp("onnx") / "native.onnx"
    return path, export_onnx(path, original, OnnxOptions(with_scaling=False))


@pytest.fixture(scope="module")
def plainer() -> Pretrained:
    return shaken("tiny", context_layers=0, attention_heads=0, decoder="temporal")


@pytest.fixture(scope="module")
def sampled(plainer: Pretrained, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, OnnxReport]:
    """Return a file with every option turned: GridSample, half precision, 4 channels of magnitudes."""
    path = tmp_path_factory.mktemp("onnx") / "sampled.onnx"
    return path, export_onnx(path, plainer, OnnxOptions(deform="grid-sample", dtype="float16", channels=4))


def operators(path: Path) -> set[str]:
    return {node.op_type for node in onnx.load(path).graph.node}


@pytest.mark.parametrize("windows", [1, 5])
@pytest.mark.parametrize("channels", [1, 2, 7, 50])
def test_equals_torch(original: Pretrained, native: tuple[Path, OnnxReport], windows: int, channels: int) -> None:
    found = differences(original, load_model(native[0]), magnitudes(windows, channels))
    assert max(found.values()) <= 1e-4, found


@pytest.mark.parametrize("windows", [1, 5])
def test_half_precision_and_scaling_inside(plainer: Pretrained, sampled: tuple[Path, OnnxReport], windows: int) -> None:
    exported = load_model(sampled[0])
    assert exported.scaling == NO_SCALING
    found = differences(plainer, exported, magnitudes(windows, 4))
    assert 1e-6 < max(found.values()) <= TOLERANCE["float16"], found
    kept = onnx.load(sampled[0]).graph.initializer
    halved = sum(len(tensor.raw_data) // 2 for tensor in kept if tensor.data_type == onnx.TensorProto.FLOAT16)
    assert halved > 0.9 * sum(parameter.numel() for parameter in plainer.model.parameters())
    with pytest.raises(InputError, match="4, 71, 120"):
        exported.model(magnitudes(1, 5))


def test_the_offsets_matter(original: Pretrained) -> None:
    """Equality is only worth something if the deformable convolutions do deform."""
    still = shaken("tiny")
    with torch.no_grad():
        for key, value in still.model.state_dict().items():
            if "control" in key:
                value.zero_()
    values = scale_windows(magnitudes(1, 3))
    with torch.inference_mode():
        one, other = original.model(values).anchor, still.model(values).anchor
    assert relative_difference(one.numpy(), other.numpy()) > 1e-2


@pytest.mark.slow
@pytest.mark.parametrize("deform", ["native", "grid-sample"])
@pytest.mark.parametrize(("name", "channels"), [("paper", (50,)), ("small", (1, 3, 50))])
def test_equals_torch_at_every_size(name: str, channels: tuple[int, ...], deform: str, tmp_path: Path) -> None:
    whole = shaken(name)
    export_onnx(tmp_path / "x.onnx", whole, OnnxOptions(deform=deform))  # pyright: ignore[reportArgumentType]
    exported = load_model(tmp_path / "x.onnx")
    for windows in (1, 5):
        for count in channels:
            found = differences(whole, exported, magnitudes(windows, count))
            assert max(found.values()) <= 1e-4, found


def test_forms_of_the_deformable_convolution(native: tuple[Path, OnnxReport], sampled: tuple[Path, OnnxReport]) -> None:
    assert "DeformConv" in operators(native[0])
    assert "GridSample" not in operators(native[0])
    assert "GridSample" in operators(sampled[0])
    assert "DeformConv" not in operators(sampled[0])
    assert (native[1].opset, sampled[1].opset) == (19, 18)
    assert (native[1].channels, sampled[1].channels) == (None, 4)


def test_the_file_says_what_it_is_and_not_where_it_was_made(native: tuple[Path, OnnxReport]) -> None:
    said = {entry.key: entry.value for entry in onnx.load(native[0]).metadata_props}
    assert said["radarode.notice"] == NOTICE
    assert "SIMULATED" in said["radarode.training"]
    assert said["radarode.input"] == "scaled"
    settings = json.loads(said["radarode.config"])
    assert settings["scaling"] == "log_mean"
    assert settings["facts"]["seed"] == 3
    raw = native[0].read_bytes()
    assert str(Path(__file__).parents[2]).encode() not in raw
    assert b"site-packages" not in raw


def test_what_comes_back_means_the_same(original: Pretrained, native: tuple[Path, OnnxReport]) -> None:
    again = load_model(native[0])
    assert again.model.config == original.model.config
    for name in ("tasks", "scaling", "transform", "facts", "framework"):
        assert getattr(again, name) == getattr(original, name)
    with pytest.raises(InputError, match="cannot be trained"):
        again.model.train()
    with pytest.raises(InputError, match="no weights to save"):
        again.model.state_dict()


def test_length_in_seconds_is_the_readout(native: tuple[Path, OnnxReport]) -> None:
    session = onnxruntime.InferenceSession(native[0], providers=["CPUExecutionProvider"])
    values = scale_windows(magnitudes(5, 3)).numpy()
    logits, length_s = session.run(["length", "length_s"], {"magnitudes": values})
    assert np.ptp(length_s) > 0
    np.testing.assert_allclose(length_s, decode_length(logits.astype(np.float64), TaskSettings()), atol=1e-5)


def test_refuses_what_cannot_be_exported(original: Pretrained, native: tuple[Path, OnnxReport], tmp_path: Path) -> None:
    path = tmp_path / "x.onnx"
    with pytest.raises(InputError, match="classical"):
        export_onnx(path, load_model("classical"))
    with pytest.raises(InputError, match="already"):
        export_onnx(path, load_model(native[0]))
    five = Pretrained(build_model(preset("tiny", channels=5, stem_width=0), 1), **MEANING)
    with pytest.raises(InputError, match="`channels` must be 5"):
        export_onnx(path, five, OnnxOptions(channels=3))
    with pytest.raises(InputError, match="`scaling`"):
        export_onnx(path, Pretrained(original.model, original.tasks))
    with pytest.raises(InputError, match="`dtype`"):
        OnnxOptions(dtype="bfloat16")  # pyright: ignore[reportArgumentType]
    assert not path.exists()


def metadata(key: str, value: str | None) -> Callable:
    def change(model) -> None:
        kept = [entry for entry in model.metadata_props if entry.key != key]
        pairs = [(entry.key, entry.value) for entry in kept] + ([] if value is None else [(key, value)])
        del model.metadata_props[:]
        for name, text in pairs:
            model.metadata_props.add(key=name, value=text)

    return change


def config(**changes) -> Callable:
    def change(model) -> None:
        text = next(entry.value for entry in model.metadata_props if entry.key == "radarode.config")
        metadata("radarode.config", json.dumps(json.loads(text) | changes))(model)

    return change


def outside(model) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def outside_in_a_node(model) -> None:
    tensor = onnx.TensorProto(data_type=1, dims=[4], data_location=onnx.TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="/etc/passwd")
    model.graph.node.append(onnx.helper.make_node("Constant", [], ["unused"], value=tensor))


def sparse_outside_in_a_node(model) -> None:
    values = onnx.TensorProto(name="v", data_type=1, dims=[1], data_location=onnx.TensorProto.EXTERNAL)
    values.external_data.add(key="location", value="secret.bin")
    indices = onnx.helper.make_tensor("i", onnx.TensorProto.INT64, [1], [0])
    sparse = onnx.SparseTensorProto(values=values, indices=indices, dims=[4])
    model.graph.node.append(onnx.helper.make_node("Constant", [], ["unused"], sparse_value=sparse))


def branch(model) -> None:
    body = onnx.helper.make_graph([], "body", [], [])
    node = onnx.helper.make_node("Identity", ["shape"], ["unused"])
    node.attribute.append(onnx.helper.make_attribute("body", body))
    model.graph.node.append(node)


def cut_weights(model) -> None:
    tensor = max(model.graph.initializer, key=lambda one: len(one.raw_data))
    tensor.raw_data = tensor.raw_data[:-8]


def other_name(model) -> None:
    model.graph.output[2].name = "anker"


def broken_weights(model) -> None:
    tensor = next(one for one in model.graph.initializer if one.name.endswith("out.bias"))
    tensor.raw_data = np.full(tensor.dims, np.nan, np.float32).tobytes()


TAMPERED: dict[str, tuple[Callable, str]] = {
    "no metadata": (lambda model: model.ClearField("metadata_props"), "no radarode metadata"),
    "another format": (metadata("radarode.format", "2"), "format '2'"),
    "no config": (metadata("radarode.config", None), "`radarode export` wrote"),
    "config is not JSON": (metadata("radarode.config", "{"), "not JSON"),
    "deep JSON": (metadata("radarode.config", "[" * 100_000), "not JSON"),
    "huge metadata": (metadata("radarode.config", " " * (2**20 + 1)), "1 MiB of metadata"),
    "unknown key": (config(scalling="x"), "did you mean `scaling`"),
    "another framework": (config(framework="mmecg"), "only radarode-mtl"),
    "other rows": (config(model=preset("tiny", rows=70).to_dict()), "does not take"),
    "other channels": (config(model=preset("tiny", channels=5, stem_width=0).to_dict()), "takes any number of"),
    "another input": (metadata("radarode.input", "pictures"), "`radarode.input` must be"),
    "data outside": (outside, "data in other files"),
    "data outside, in a node": (outside_in_a_node, "data in other files"),
    "sparse data outside, in a node": (sparse_outside_in_a_node, "sparse data in a node"),
    "a branch": (branch, "graph within its graph"),
    "a loop": (lambda model: model.graph.node.append(onnx.helper.make_node("Loop", [], [])), "operator 'Loop'"),
    "a foreign operator": (
        lambda model: model.graph.node.append(onnx.helper.make_node("Run", [], [], domain="com.evil")),
        "com.evil::Run",
    ),
    "a foreign operator set": (lambda model: model.opset_import.add(domain="com.evil", version=1), "not standard"),
    "a function": (lambda model: model.functions.add(name="f", domain="d"), "functions"),
    "weights cut short": (cut_weights, "cannot be run by onnxruntime"),
    "an output renamed": (other_name, "cannot be run by onnxruntime|no output anchor"),
    "a future operator set": (lambda model: setattr(model.opset_import[0], "version", 999), "cannot be run"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_tampered_files_are_one_line(what: str, native: tuple[Path, OnnxReport], tmp_path: Path) -> None:
    change, words = TAMPERED[what]
    model = onnx.load(native[0])
    change(model)
    path = tmp_path / "bad.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match=words) as error:
        load_model(path)
    assert "\n" not in str(error.value)
    assert "bad.onnx" in str(error.value)


def test_nan_from_a_graph_is_refused(native: tuple[Path, OnnxReport], tmp_path: Path) -> None:
    model = onnx.load(native[0])
    broken_weights(model)
    path = tmp_path / "bad.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match="NaN"):
        load_model(path).model(scale_windows(magnitudes(1, 2)))


def test_foreign_bytes_are_refused(native: tuple[Path, OnnxReport], tmp_path: Path) -> None:
    path = tmp_path / "bad.onnx"
    raw = native[0].read_bytes()
    for content in (b"", b"not a graph", bytes(range(256)) * 8, raw[: len(raw) // 2], b"\x08" * 100):
        path.write_bytes(content)
        with pytest.raises(InputError, match="not an ONNX file"):
            load_model(path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_model(tmp_path / "nowhere.onnx")


def test_too_large_a_file_is_refused(native: tuple[Path, OnnxReport], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_check, "MAX_ONNX_BYTES", 2**19)
    with pytest.raises(InputError, match="larger than"):
        load_model(native[0])


def test_missing_packages_name_the_extra(
    original: Pretrained, native: tuple[Path, OnnxReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_check, "find_spec", lambda name: None if name == "onnxruntime" else object())
    with pytest.raises(InputError, match=r"`onnxruntime`: pip install radarode\[onnx\]"):
        load_model(native[0])
    with pytest.raises(InputError, match=r"`onnxruntime`: pip install radarode\[onnx\]"):
        export_onnx(native[0].with_name("other.onnx"), original)
