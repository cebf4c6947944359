"""Weighted k-means and the choice of representatives."""

from __future__ import annotations

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.radar.cluster import features, representatives, weighted_kmeans


def blobs(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    centres = np.array([[0, 0], [10, 0], [0, 10], [10, 10]], float)
    label = np.repeat(np.arange(4), 25)
    return centres[label] + 0.5 * rng.normal(size=(100, 2)), label


def test_separate_groups_are_found(rng: np.random.Generator) -> None:
    points, truth = blobs(rng)
    centres, label = weighted_kmeans(points, np.ones(100), 4, np.random.default_rng(0))
    assert all(len(set(label[truth == group])) == 1 for group in range(4))
    assert len(set(label)) == 4
    assert np.abs(np.sort(centres.sum(axis=1)) - [0, 10, 10, 20]).max() < 0.6


def test_heavy_points_pull_the_centre_and_represent_it(rng: np.random.Generator) -> None:
    points, _ = blobs(rng)
    weights = np.ones(100)
    weights[3] = 1e4
    centres, label = weighted_kmeans(points, weights, 4, np.random.default_rng(1))
    np.testing.assert_allclose(centres[label[3]], points[3], atol=0.01)
    assert 3 in representatives(points, centres, label, weights)


def test_every_cluster_has_a_member_even_among_equal_points() -> None:
    points = np.concatenate([np.zeros((10, 2)), np.ones((2, 2))])
    _, label = weighted_kmeans(points, np.ones(12), 5, np.random.default_rng(2))
    assert sorted(set(label.tolist())) == [0, 1, 2, 3, 4]


def test_the_result_depends_on_the_generator_alone(rng: np.random.Generator) -> None:
    points = rng.normal(size=(60, 3))
    one, two = (weighted_kmeans(points, np.ones(60), 7, np.random.default_rng(5))[1] for _ in range(2))
    assert (one == two).all()


def test_bad_arguments(rng: np.random.Generator) -> None:
    with pytest.raises(InputError, match="between 1 and 3"):
        weighted_kmeans(np.zeros((3, 2)), np.ones(3), 4, rng)
    with pytest.raises(InputError, match="positive"):
        weighted_kmeans(np.zeros((3, 2)), np.array([1.0, 0.0, 1.0]), 2, rng)


def test_features_keep_signal_likeness_and_distance(rng: np.random.Generator) -> None:
    base = rng.normal(size=(2, 500))
    signals = np.stack([base[0], 3 * base[0], base[1]])
    found = features(signals, np.array([[0, 0, 0], [0, 0, 0], [0.2, 0, 0]]))
    assert np.linalg.norm(found[0] - found[1]) < 1e-6
    assert np.linalg.norm(found[0] - found[2]) == pytest.approx(np.sqrt(2 + 4), abs=0.1)
