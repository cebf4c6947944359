"""Eccentric gradient alignment against its definition, and at its edges."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from radarode.balance.strategies.ega import Ega, alignment
from radarode.core.errors import InputError


def random_gradients(n: int, m: int, seed: int, *, spread: float = 1.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    scale = torch.logspace(0, spread, n, dtype=torch.float64)
    return torch.randn(n, m, generator=generator, dtype=torch.float64) * scale[:, None]


@pytest.mark.parametrize("n", [2, 3, 8])
@pytest.mark.parametrize("spread", [0.0, 3.0])
def test_aligned_gradients_are_orthogonal_with_the_smallest_singular_value(n: int, spread: float) -> None:
    G = random_gradients(n, 50, seed=n, spread=spread)
    aligned = alignment(G @ G.T) @ G
    smallest = torch.linalg.svdvals(G).min()
    torch.testing.assert_close(aligned @ aligned.T, smallest**2 * torch.eye(n, dtype=torch.float64))


def test_alignment_equals_the_procrustes_solution() -> None:
    G = random_gradients(3, 40, seed=7)
    U, S, Vt = torch.linalg.svd(G, full_matrices=False)
    torch.testing.assert_close(alignment(G @ G.T) @ G, S.min() * U @ Vt)


def test_weights_are_b_times_v_after_the_warm_up() -> None:
    G = random_gradients(3, 30, seed=1)
    gram = G @ G.T
    strategy = Ega(temperature=0.5, warmup_epochs=2)
    losses = torch.ones(3, dtype=torch.float64)
    for epoch_losses in ([3.0, 2.0, 1.0], [2.0, 2.0, 1.0], [1.0, 1.8, 0.2]):
        strategy.end_epoch(torch.tensor(epoch_losses))
    ratio = np.array([1.0 / 2.0, 1.8 / 2.0, 0.2 / 1.0]) / 0.5
    v = 3 * np.exp(ratio) / np.exp(ratio).sum()
    expected = alignment(gram) @ torch.tensor(v)
    torch.testing.assert_close(strategy.weights(losses, gram), expected, rtol=1e-6, atol=1e-9)
    published = (alignment(gram) @ torch.ones(3, dtype=torch.float64)) * torch.tensor(v)
    assert not torch.allclose(strategy.weights(losses, gram), published), "B v must differ from (B 1) * v here"


def test_the_vector_is_uniform_through_the_warm_up_epoch() -> None:
    strategy = Ega(warmup_epochs=2)
    assert strategy.eccentric_vector(2).tolist() == [1.0, 1.0]
    strategy.end_epoch(torch.tensor([5.0, 1.0]))
    assert strategy.eccentric_vector(2).tolist() == [1.0, 1.0]
    strategy.end_epoch(torch.tensor([1.0, 4.0]))
    torch.testing.assert_close(strategy.eccentric_vector(2), torch.ones(2, dtype=torch.float64))
    strategy.end_epoch(torch.tensor([0.5, 4.0]))
    v = strategy.eccentric_vector(2)
    assert v[1] > v[0]
    assert float(v.sum()) == pytest.approx(2.0)


def test_one_task_keeps_its_gradient() -> None:
    gram = torch.tensor([[9.0]], dtype=torch.float64)
    assert float(Ega().weights(torch.ones(1), gram)) == pytest.approx(1.0)


def test_a_zero_gradient_gets_no_weight() -> None:
    gram = torch.diag(torch.tensor([4.0, 0.0, 1.0], dtype=torch.float64))
    weights = Ega().weights(torch.ones(3), gram)
    torch.testing.assert_close(weights, torch.tensor([0.5, 0.0, 1.0], dtype=torch.float64))
    assert Ega().weights(torch.ones(2), torch.zeros(2, 2, dtype=torch.float64)).tolist() == [0.0, 0.0]


def test_parallel_gradients_share_one_direction() -> None:
    g = torch.tensor([1.0, 2.0, 2.0], dtype=torch.float64)
    G = torch.stack([g, 2 * g])
    joint = G.T @ Ega().weights(torch.ones(2), G @ G.T)
    cosine = joint @ g / joint.norm() / g.norm()
    assert float(cosine) == pytest.approx(1.0)
    assert torch.isfinite(joint).all()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_bad_gradient_is_an_error_and_not_a_silent_poison(bad: float) -> None:
    gram = torch.eye(2, dtype=torch.float64)
    gram[0, 0] = bad
    with pytest.raises(FloatingPointError, match="not finite"):
        Ega().weights(torch.ones(2), gram)


def test_a_task_solved_at_the_warm_up_neither_gains_nor_loses() -> None:
    strategy = Ega(warmup_epochs=1)
    strategy.end_epoch(torch.tensor([0.0, 2.0]))
    strategy.end_epoch(torch.tensor([0.0, 2.0]))
    torch.testing.assert_close(strategy.eccentric_vector(2), torch.ones(2, dtype=torch.float64))


def test_state_resumes_in_the_middle() -> None:
    first, second = Ega(warmup_epochs=1), Ega(warmup_epochs=1)
    for losses in ([3.0, 1.0], [2.0, 0.9]):
        first.end_epoch(torch.tensor(losses))
    second.load_state_dict(first.state_dict())
    torch.testing.assert_close(first.eccentric_vector(2), second.eccentric_vector(2))


@pytest.mark.parametrize("options", [{"temperature": 0.0}, {"warmup_epochs": 0}])
def test_bad_options(options: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Ega(**options)
