# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Distances between feature sets: closed forms for Gaussians, independent implementations, invariances, bootstrap."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import scipy.linalg
import torch

from bundle.metrics.distribution import bootstrap, frechet_distance, kernel_distance


def with_moments(count: int, mean: list[float] | np.ndarray, root: np.ndarray, seed: int = 0) -> np.ndarray:
    """(count, d) features with exactly this sample mean, and the sample covariance root root^T; count > d."""
    size = root.shape[1]
    drawn = np.random.default_rng(seed).normal(size=(count, size))
    drawn -= drawn.mean(0)
    unit = np.linalg.qr(drawn)[0] * np.sqrt(count - 1)  # columns orthonormal and centred
    return unit @ root.T + np.asarray(mean)


def blobs(count: int, size: int, seed: int, shift: float = 0.0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=(count, size)) @ random.normal(size=(size, size)) + shift


def kernel(real: np.ndarray, synthetic: np.ndarray, drawn: torch.Tensor | None = None, **options: int) -> float:
    return kernel_distance(real, synthetic, drawn, generator=torch.Generator().manual_seed(0), **options)


# Frechet distance: closed forms


def test_one_dimension_by_hand() -> None:
    # means 1 and 4, standard deviations (ddof 1) 1 and 3: (1 - 4)^2 + (1 - 3)^2
    assert frechet_distance(np.array([[0.0], [1], [2]]), np.array([[1.0], [4], [7]])) == pytest.approx(13, rel=1e-12)


def test_diagonal_covariances() -> None:
    first = with_moments(20, [0, 0, 0], np.diag([1.0, 2, 3]))
    second = with_moments(30, [1, 2, -2], np.diag([4.0, 2, 0.5]), seed=1)
    # 1 + 4 + 4, and (1 - 4)^2 + 0 + (3 - .5)^2
    assert frechet_distance(first, second) == pytest.approx(9 + 9 + 6.25, rel=1e-12)


def test_commuting_covariances() -> None:
    basis = np.linalg.qr(np.random.default_rng(3).normal(size=(5, 5)))[0]
    deviations, others = np.array([1, 2, 3, 0.1, 5]), np.array([2, 2, 1, 0.3, 0.5])
    first = with_moments(40, np.zeros(5), basis * deviations)
    second = with_moments(40, np.zeros(5), basis * others, seed=1)
    assert frechet_distance(first, second) == pytest.approx(np.sum((deviations - others) ** 2), rel=1e-12)


def test_covariances_that_do_not_commute_in_two_dimensions() -> None:
    """tr sqrt(M) = sqrt(tr M + 2 sqrt(det M)) for 2 x 2."""
    one, other = np.array([[2.0, 0], [1, 1]]), np.array([[1.0, -3], [0, 1]])
    product = (one @ one.T) @ (other @ other.T)
    shared = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
    expected = np.sum(one**2) + np.sum(other**2) - 2 * shared
    found = frechet_distance(with_moments(9, [1, 1], one), with_moments(12, [1, 1], other, seed=1))
    assert found == pytest.approx(expected, rel=1e-12)


def test_covariances_of_rank_one_on_different_axes_share_nothing() -> None:
    first, second = np.zeros((4, 100)), np.zeros((4, 100))
    first[:, 7], second[:, 60] = [-1, 1, -1, 1], [-2, 2, -2, 2]  # variances 4/3 and 16/3
    assert frechet_distance(first, second) == pytest.approx(4 / 3 + 16 / 3, rel=1e-12)


def test_fewer_rows_than_features_is_the_distance_in_their_own_span() -> None:
    small_first, small_second = blobs(12, 4, 0), blobs(15, 4, 1, shift=0.5)
    basis = np.linalg.qr(np.random.default_rng(2).normal(size=(50, 4)))[0].T  # (4, 50), orthonormal rows
    expected = frechet_distance(small_first, small_second)
    assert frechet_distance(small_first @ basis, small_second @ basis) == pytest.approx(expected, rel=1e-10)


# Frechet distance: an independent implementation


@pytest.mark.parametrize(("counts", "size"), [((60, 80), 10), ((300, 40), 30)])
def test_the_textbook_formula_with_a_matrix_root(counts: tuple[int, int], size: int) -> None:
    first, second = blobs(counts[0], size, 0), blobs(counts[1], size, 1, shift=0.3)
    one, other = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    shared = np.trace(scipy.linalg.sqrtm(one @ other)).real
    shift = np.sum((first.mean(0) - second.mean(0)) ** 2)
    expected = shift + np.trace(one) + np.trace(other) - 2 * shared
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-8)


# Kernel distance


def slow_kernel_distance(real: np.ndarray, synthetic: np.ndarray) -> float:
    def k(x: np.ndarray, y: np.ndarray) -> float:
        return (sum(a * b for a, b in zip(x, y, strict=True)) / len(x) + 1) ** 3

    terms = [
        k(real[i], real[j]) + k(synthetic[i], synthetic[j]) - k(real[i], synthetic[j]) - k(synthetic[i], real[j])
        for i in range(len(real))
        for j in range(len(real))
        if i != j
    ]
    return sum(terms) / len(terms)


def test_kernel_distance_by_hand() -> None:
    # x = 0, 1 and y = 3, 2: k(x1, x2) + k(y1, y2) - k(x1, y2) - k(x2, y1) = 1 + 7^3 - 1 - 4^3
    assert kernel(np.array([[0.0], [1]]), np.array([[3.0], [2]])) == pytest.approx(279, rel=1e-12)
    # the same in two equal dimensions, where x.y / d is the same
    assert kernel(np.array([[0.0, 0], [1, 1]]), np.array([[3.0, 3], [2, 2]])) == pytest.approx(279, rel=1e-12)


def test_kernel_distance_is_the_double_loop() -> None:
    real, synthetic = blobs(13, 5, 0), blobs(13, 5, 1, shift=0.4)
    assert kernel(real, synthetic) == pytest.approx(slow_kernel_distance(real, synthetic), rel=1e-10)


def test_kernel_distance_is_unbiased_for_equal_distributions() -> None:
    random = np.random.default_rng(0)
    values = [kernel(*random.normal(size=(2, 20, 4))) for _ in range(400)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(400)
    assert min(values) < 0 < max(values)


def test_subsets_expect_the_distance_of_all_rows() -> None:
    real, synthetic = blobs(30, 3, 0), blobs(30, 3, 1, shift=0.3)
    whole = kernel(real, synthetic)
    parts = [kernel_distance(real, synthetic, generator=g, subsets=1, size=10) for g in [torch.Generator()] * 400]
    assert np.std(parts) > 0
    assert abs(np.mean(parts) - whole) < 4 * np.std(parts) / np.sqrt(400)
    assert kernel(real, synthetic, subsets=50, size=10) == pytest.approx(whole, abs=4 * np.std(parts) / np.sqrt(50))


def test_a_crop_drawn_twice_is_not_compared_with_itself() -> None:
    real, synthetic = blobs(12, 3, 0), blobs(12, 3, 1)
    twice = torch.arange(12).repeat(2)
    assert kernel(real, synthetic, twice) == pytest.approx(kernel(real, synthetic), rel=1e-10)
    with pytest.raises(ValueError, match="all the same one"):
        kernel(real, synthetic, torch.zeros(12, dtype=torch.int64))


# Both

BOTH = pytest.mark.parametrize("measure", [frechet_distance, kernel])


@BOTH
@pytest.mark.parametrize("size", [3, 40])
def test_equal_sets_are_at_distance_zero(measure, size: int) -> None:
    features = blobs(20, size, 0)
    assert measure(features, features) == pytest.approx(0, abs=1e-10 * np.sum(features**2))


@BOTH
def test_swap_and_common_permutation_change_nothing(measure) -> None:
    real, synthetic = blobs(20, 6, 0), blobs(20, 6, 1, shift=1)
    order = np.random.default_rng(0).permutation(20)
    distance = measure(real, synthetic)
    assert distance > 0
    assert measure(synthetic, real) == pytest.approx(distance, rel=1e-10)
    assert measure(real[order], synthetic[order]) == pytest.approx(distance, rel=1e-10)


def test_a_common_shift_or_rotation_leaves_the_frechet_distance_and_a_shift_of_one_adds_its_square() -> None:
    real, synthetic = blobs(30, 4, 0), blobs(30, 4, 1)
    synthetic += real.mean(0) - synthetic.mean(0)
    distance = frechet_distance(real, synthetic)
    basis = np.linalg.qr(np.random.default_rng(2).normal(size=(4, 4)))[0]
    assert frechet_distance(real + 1e3, synthetic + 1e3) == pytest.approx(distance, rel=1e-6)
    assert frechet_distance(real @ basis, synthetic @ basis) == pytest.approx(distance, rel=1e-10)
    assert frechet_distance(real, synthetic + [3, 0, 0, 4]) == pytest.approx(distance + 25, rel=1e-10)


@BOTH
def test_numpy_and_torch_of_any_precision_are_taken(measure) -> None:
    real, synthetic = blobs(20, 3, 0).astype(np.float32), blobs(20, 3, 1).astype(np.float32)
    expected = measure(real.astype(np.float64), synthetic.astype(np.float64))
    assert measure(torch.from_numpy(real), torch.from_numpy(synthetic)) == expected


@BOTH
@pytest.mark.parametrize(
    ("real", "synthetic", "message"),
    [
        (np.zeros((5, 3)), np.zeros((5, 4)), r"\(5, 3\) and \(5, 4\): take both with one network"),
        (np.zeros(5), np.zeros((5, 4)), r"real features are \(5,\)"),
        (np.zeros((5, 4)), np.zeros((1, 4)), r"synthetic features are \(1, 4\)"),
        (np.full((5, 4), np.nan), np.zeros((5, 4)), "real features hold values that are not finite"),
    ],
)
def test_bad_features_are_named(measure, real, synthetic, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        measure(real, synthetic)


def test_the_kernel_distance_wants_pairs() -> None:
    with pytest.raises(ValueError, match="at the same positions"):
        kernel(np.zeros((5, 3)), np.zeros((6, 3)))


# Bootstrap


def test_mean_and_deviation_are_those_of_the_samples_and_both_sets_get_the_same_rows() -> None:
    seen: list[tuple[list[float], list[float]]] = []

    def measure(real: torch.Tensor, synthetic: torch.Tensor, drawn: torch.Tensor) -> float:
        seen.append((real[drawn, 0].tolist(), synthetic[drawn, 0].tolist()))
        return float(len(seen))

    rows = torch.arange(15.0)[:, None]
    found = bootstrap(rows, rows + 100, measure, torch.Generator().manual_seed(3), repeats=3)
    assert (found.mean, found.sd) == (2, 1)  # of 1, 2, 3
    for real, synthetic in seen:
        assert len(real) == 15 and len(set(real)) < 15  # with replacement
        assert [value + 100 for value in real] == synthetic
    assert len({tuple(real) for real, _ in seen}) == 3


def test_the_seed_decides() -> None:
    real, synthetic = blobs(20, 3, 0), blobs(20, 3, 1)
    runs = [bootstrap(real, synthetic, frechet_distance, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_the_bootstrap_mean_is_unbiased_for_the_kernel_distance_and_too_large_for_the_frechet_distance() -> None:
    random = np.random.default_rng(0)
    real, synthetic = random.normal(size=(2, 60, 8))
    measure = partial(kernel_distance, generator=torch.Generator())
    repeats = 400
    found = bootstrap(real, synthetic, measure, torch.Generator().manual_seed(0), repeats)
    assert abs(found.mean - kernel(real, synthetic)) < 4 * found.sd / np.sqrt(repeats)
    biased = bootstrap(real, synthetic, frechet_distance, torch.Generator().manual_seed(0), repeats)
    assert biased.mean > 1.3 * frechet_distance(real, synthetic)


def test_the_bootstrap_deviation_is_that_of_fresh_samples() -> None:
    random = np.random.default_rng(1)

    def draw() -> np.ndarray:
        return random.normal(size=(2, 80, 2)) + np.array([0, 1.0])[:, None, None]

    fresh = np.std([kernel(*draw()) for _ in range(200)])
    measure = partial(kernel_distance, generator=torch.Generator())
    guessed = np.median([bootstrap(*draw(), measure, torch.Generator().manual_seed(i), 30).sd for i in range(10)])
    assert guessed == pytest.approx(fresh, rel=0.3)


def test_too_few_crops_and_too_few_repeats_are_refused() -> None:
    generator = torch.Generator()
    with pytest.raises(ValueError, match="9 crops are too few"):
        bootstrap(np.zeros((9, 2)), np.zeros((9, 2)), frechet_distance, generator)
    with pytest.raises(ValueError, match="repeats is 1"):
        bootstrap(np.zeros((10, 2)), np.zeros((10, 2)), frechet_distance, generator, repeats=1)
