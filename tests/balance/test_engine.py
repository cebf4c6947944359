"""The engine writes exactly the gradients that the strategy asks for."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from radarode.balance import balanced_backward, make_strategy, strategy_names
from radarode.balance.engine import gram_matrix
from radarode.core.errors import InputError


class TwoHeads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 8))
        self.heads = nn.ModuleDict({"a": nn.Linear(8, 2), "b": nn.Linear(8, 3), "c": nn.Linear(8, 1)})

    def losses(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        features = self.trunk(x)
        return {name: (head(features) - 1).square().mean() for name, head in self.heads.items()}


@pytest.fixture
def model() -> TwoHeads:
    torch.manual_seed(3)
    return TwoHeads()


def parts(model: TwoHeads) -> tuple[list[nn.Parameter], dict[str, list[nn.Parameter]]]:
    return list(model.trunk.parameters()), {name: list(head.parameters()) for name, head in model.heads.items()}


def flat_gradients(model: TwoHeads, x: torch.Tensor) -> torch.Tensor:
    rows = []
    for name in model.heads:
        found = torch.autograd.grad(model.losses(x)[name], list(model.trunk.parameters()))
        rows.append(torch.cat([g.flatten() for g in found]))
    return torch.stack(rows)


def test_equal_is_the_plain_sum(model: TwoHeads) -> None:
    x = torch.randn(16, 4)
    balanced_backward(model.losses(x), *parts(model), make_strategy("equal"))
    found = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    torch.stack(list(model.losses(x).values())).sum().backward()
    for gradient, parameter in zip(found, model.parameters(), strict=True):
        torch.testing.assert_close(gradient, parameter.grad)


def test_ega_combines_shared_and_leaves_specific_gradients(model: TwoHeads) -> None:
    x = torch.randn(16, 4)
    report = balanced_backward(model.losses(x), *parts(model), make_strategy("ega"))
    found = torch.cat([p.grad.flatten() for p in model.trunk.parameters()])
    G = flat_gradients(model, x)
    torch.testing.assert_close(report.gram, G.double() @ G.double().T, rtol=1e-5, atol=1e-9)
    torch.testing.assert_close(found.double(), G.double().T @ report.weights, rtol=1e-5, atol=1e-8)
    for name, head in model.heads.items():
        expected = torch.autograd.grad(model.losses(x)[name], list(head.parameters()))
        for parameter, gradient in zip(head.parameters(), expected, strict=True):
            torch.testing.assert_close(parameter.grad, gradient)


def test_parameters_that_share_a_gradient_tensor_are_scaled_once() -> None:
    a, b = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
    total = a + b
    losses = {"x": total.sum(), "y": (total * torch.tensor([1.0, -1.0, 3.0])).sum()}
    report = balanced_backward(losses, [a, b], {}, make_strategy("ega"))
    torch.testing.assert_close(a.grad, b.grad)
    expected = report.weights[0] * torch.ones(3) + report.weights[1] * torch.tensor([1.0, -1.0, 3.0])
    torch.testing.assert_close(a.grad.double(), expected.double())


def test_unused_shared_parameters_stay_without_gradient(model: TwoHeads) -> None:
    unused = nn.Parameter(torch.ones(2))
    shared, specific = parts(model)
    balanced_backward(model.losses(torch.randn(4, 4)), [*shared, unused], specific, make_strategy("ega"))
    assert unused.grad is None


def test_gram_is_accurate_for_gradients_of_very_different_size() -> None:
    generator = torch.Generator().manual_seed(0)
    big = torch.randn(200_000, generator=generator) * 1e4
    small = torch.randn(200_000, generator=generator) * 1e-4
    gram = gram_matrix([[big, small], [small, None]])
    expected = big.double() @ small.double()
    assert float(gram[0, 1]) == pytest.approx(float(expected), rel=1e-7)


def test_a_loss_without_grad_is_named(model: TwoHeads) -> None:
    losses = model.losses(torch.randn(4, 4))
    losses["b"] = losses["b"].detach()
    with pytest.raises(ValueError, match="task 'b' does not require grad"):
        balanced_backward(losses, *parts(model), make_strategy("ega"))


def test_names_come_from_the_folder() -> None:
    assert {"ega", "equal"} <= set(strategy_names())


@pytest.mark.parametrize(("name", "options"), [("egaa", {}), ("ega", {"temprature": 1.0})])
def test_misspelt_names_get_a_suggestion(name: str, options: dict[str, float]) -> None:
    with pytest.raises(InputError, match=r"Did you mean '(ega|temperature)'"):
        make_strategy(name, **options)


@pytest.mark.parametrize("name", strategy_names())
def test_contract_of_every_strategy(name: str, model: TwoHeads) -> None:
    strategy = make_strategy(name)
    for _ in range(3):
        balanced_backward(model.losses(torch.randn(8, 4)), *parts(model), strategy)
        assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())
        strategy.end_epoch(torch.tensor([1.0, 0.5, 0.2]))
    again = make_strategy(name)
    again.load_state_dict(strategy.state_dict())
    gram = torch.diag(torch.tensor([3.0, 2.0, 1.0], dtype=torch.float64))
    losses = torch.ones(3, dtype=torch.float64)
    torch.testing.assert_close(strategy.weights(losses, gram), again.weights(losses, gram))
