# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""From two folders to one row: which crops are compared, at which spacing, and what is refused."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from bundle.data.folder import DataFolder
from bundle.files.writers import write_image, write_label
from bundle.metrics.crops import RandomPositions
from bundle.metrics.distribution import frechet_distance
from bundle.metrics.features import DistanceNames
from bundle.metrics.image_quality import image_diversity, image_quality, paired_images

NAMES = ["a", "b", "c"]
SIZE = (80, 90)  # of the real images, px at 2 um per px: crops are 32 px, or 16 px at 4 um per px


class Quarters:
    """Four features: the mean of each quarter of a crop; keeps what it is given."""

    name, digest, distances = "quarters", "0123456789ab", DistanceNames("frechet_quarters", "kernel_quarters")

    def __init__(self) -> None:
        self.seen: list[Tensor] = []

    def __call__(self, images: Tensor) -> Tensor:
        self.seen.append(images)
        return avg_pool2d(images.mean(1).double(), images.shape[-1] // 2).flatten(1)

    @property
    def crops(self) -> Tensor:
        return torch.cat(self.seen)


def pattern(seed: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """uint8 (3, H, W): waves, so that every place looks different and spacing does not matter."""
    random = np.random.default_rng(seed)
    y, x = ((np.arange(length) + 0.5) / length for length in size)
    waves = [np.sin(a * y[:, None] + b * x + c) for a, b, c in random.uniform(2, 9, (3, 3))]
    return np.round(127.5 + 120 * np.stack(waves)).astype(np.uint8)


def write_folder(folder: Path, images: dict[str, np.ndarray], mpp: float | None, points: bool = False) -> Path:
    for part in ("images", "labels", "points"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for name, image in images.items():
        write_image(folder / "images" / f"{name}.tif", image, mpp)
        write_label(folder / "labels" / f"{name}.tif", np.ones((1, *image.shape[1:]), np.int32), mpp)
        if points:
            (folder / "points" / f"{name}.csv").write_text("x,y\n3,3\n")
    return folder


@pytest.fixture
def real(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "real", {name: pattern(seed) for seed, name in enumerate(NAMES)}, 2.0, points=True)


def painted(tmp_path: Path, size: tuple[int, int] = SIZE, mpp: float | None = 2.0, first_seed: int = 0) -> Path:
    images = {f"{name}_000": pattern(first_seed + seed, size) for seed, name in enumerate(NAMES)}
    return write_folder(tmp_path / "synthetic", images, mpp)


# What is measured


def test_a_perfect_copy_is_at_distance_zero_and_the_row_says_what_was_measured(real: Path, tmp_path: Path) -> None:
    row = image_quality(DataFolder(real), painted(tmp_path), Quarters(), mpp=2.0)
    metrics = row.pop("metrics")
    assert row == {
        "features": "quarters",
        "digest": "0123456789ab",
        "dimensions": 4,
        "images": 3,
        "crops": 12,  # 2 x 2 of 32 px in each image
        "crop_px": 32,
        "mpp": 2.0,
    }
    assert list(metrics) == ["frechet_quarters", "kernel_quarters"]
    for found in metrics.values():
        assert found == pytest.approx({"mean": 0, "sd": 0, "n": 10, "all": 0}, abs=1e-12)


def test_a_crop_and_its_counterpart_show_the_same_place_whatever_the_spacings(real: Path, tmp_path: Path) -> None:
    extractor = Quarters()
    synthetic = painted(tmp_path, size=(40, 45), mpp=4.0)  # the same fields at another spacing
    row = image_quality(DataFolder(real), synthetic, extractor, 4.0, RandomPositions(5))
    assert (row["crops"], row["crop_px"]) == (15, 16)
    ours, theirs = extractor.crops.reshape(3, 2, 5, 3, 16, 16).unbind(1)
    assert (ours - theirs).abs().max() < 0.02
    assert (ours - theirs.roll(1, dims=1)).abs().mean() > 0.1  # other places look different
    assert (ours - theirs.roll(1, dims=-1)).abs().mean() > 0.01
    metrics = row["metrics"]["frechet_quarters"]
    assert 0 <= metrics["all"] < 1e-4


def test_crops_are_as_stored_where_the_spacing_is_that_of_the_file(real: Path, tmp_path: Path) -> None:
    extractor = Quarters()
    image_quality(DataFolder(real), painted(tmp_path, first_seed=7), extractor, mpp=2.0)
    expected = torch.from_numpy(pattern(0)).float()[:, 48:, 58:] / 255  # the last crop of image a: 32 px to the corner
    torch.testing.assert_close(extractor.crops[3], expected)
    torch.testing.assert_close(extractor.crops[4], torch.from_numpy(pattern(7)).float()[:, :32, :32] / 255)


def test_distances_are_those_of_all_crops_and_of_the_bootstrap(real: Path, tmp_path: Path) -> None:
    synthetic, extractor = painted(tmp_path, first_seed=7), Quarters()
    metrics = image_quality(DataFolder(real), synthetic, extractor, mpp=2.0, repeats=20)["metrics"]
    features = Quarters()(extractor.crops).reshape(3, 2, 4, 4).transpose(0, 1).reshape(2, 12, 4)
    found = metrics["frechet_quarters"]
    assert found["all"] == pytest.approx(frechet_distance(*features), rel=1e-6)
    assert found["n"] == 20 and found["mean"] > found["all"] and found["sd"] > 0
    assert (
        abs(metrics["kernel_quarters"]["mean"] - metrics["kernel_quarters"]["all"]) < metrics["kernel_quarters"]["sd"]
    )
    again = image_quality(DataFolder(real), synthetic, Quarters(), mpp=2.0, repeats=20)["metrics"]
    assert again == metrics
    other = image_quality(DataFolder(real), synthetic, Quarters(), mpp=2.0, repeats=20, seed=1)["metrics"]
    assert other["frechet_quarters"]["mean"] != found["mean"] and other["frechet_quarters"]["all"] == found["all"]


def test_one_synthetic_image_is_used_for_each_real_one(real: Path, tmp_path: Path) -> None:
    synthetic = painted(tmp_path)
    write_folder(synthetic, {"a_001": pattern(50), "b_001": pattern(51)}, 2.0)
    folder = DataFolder(real)
    assert [(pair.real.name, pair.synthetic.name) for pair in paired_images(folder, synthetic)] == [
        ("a", "a_000"),
        ("b", "b_000"),
        ("c", "c_000"),
    ]
    assert image_quality(folder, synthetic, Quarters(), mpp=2.0)["metrics"]["frechet_quarters"]["all"] < 1e-12


def test_unknown_spacing_is_taken_for_the_one_compared_at(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    images = {name: pattern(seed) for seed, name in enumerate(NAMES)}
    folder = DataFolder(write_folder(tmp_path / "real", images, None, points=True))
    row = image_quality(folder, painted(tmp_path, mpp=0.5), Quarters(), mpp=2.0)  # painted px for px
    assert row["crops"] == 12 and row["metrics"]["frechet_quarters"]["all"] < 1e-12
    assert "a.tif: um per px unknown, taken for 2: state it" in caplog.text


def test_blur_by_comparing_finer_than_painted_is_said(real, tmp_path, caplog) -> None:
    with caplog.at_level(logging.WARNING):
        image_quality(DataFolder(real), painted(tmp_path, (40, 45), 4.0), Quarters(), mpp=2.0)
    assert "synthetic images of 4 um per px are blurred at 2: compare at --compared_mpp 4" in caplog.text


def test_grey_images(tmp_path: Path) -> None:
    images = {name: pattern(seed)[:1] for seed, name in enumerate(NAMES)}
    folder = DataFolder(write_folder(tmp_path / "real", images, 2.0, points=True), channels=1)
    synthetic = write_folder(tmp_path / "synthetic", {f"{name}_000": image for name, image in images.items()}, 2.0)
    assert image_quality(folder, synthetic, Quarters(), mpp=2.0)["crops"] == 12


# Diversity


def test_diversity_is_measured_on_the_synthetic_masks(real: Path, tmp_path: Path) -> None:
    def paint(label: Tensor, generator: torch.Generator) -> Tensor:
        return torch.rand(3, *label.shape[1:], generator=generator) * (label > 0)

    folder, synthetic = DataFolder(real), painted(tmp_path)
    write_label(synthetic / "labels" / "b_000.tif", np.zeros((1, *SIZE), np.int32), 2.0)
    row = image_quality(folder, synthetic, Quarters(), mpp=2.0, paint=paint)
    uniform = 2 / 12**0.5  # the deviation of a uniform value on [-1, 1]
    assert row["metrics"]["diversity"]["mean"] == pytest.approx(2 / 3 * uniform, rel=0.03)  # nothing on b's empty mask
    assert row["metrics"]["diversity"]["n"] == 3
    assert image_diversity(paired_images(folder, synthetic), paint) == row["metrics"]["diversity"]
    (synthetic / "labels" / "b_000.tif").unlink()
    with pytest.raises(FileNotFoundError, match="no label of the synthetic images b_000"):
        image_diversity(paired_images(folder, synthetic), paint)


# What is refused


def test_a_real_image_without_its_synthetic_one(real: Path, tmp_path: Path) -> None:
    synthetic = painted(tmp_path)
    (synthetic / "images" / "b_000.tif").unlink()
    with pytest.raises(FileNotFoundError, match=r"no synthetic image of 1 of 3 real ones, such as images/b_000\.tif"):
        image_quality(DataFolder(real), synthetic, Quarters())
    with pytest.raises(ValueError, match="no image in the part 'testing'"):
        image_quality(DataFolder(real), synthetic, Quarters(), split="testing")
    with pytest.raises(FileNotFoundError, match="none/images: no such folder"):
        image_quality(DataFolder(real), tmp_path / "none", Quarters())


@pytest.mark.parametrize(("size", "mpp"), [((80, 86), 2.0), ((40, 45), 2.0), (SIZE, 4.0)])
def test_images_that_cannot_be_a_pair(real: Path, tmp_path: Path, size: tuple[int, int], mpp: float) -> None:
    with pytest.raises(ValueError, match=r"a_000\.tif is .* px, and painted for .*a\.tif it would be"):
        image_quality(DataFolder(real), painted(tmp_path, size, mpp), Quarters(), mpp=2.0)


def test_a_pixel_of_rounding_is_no_difference(real: Path, tmp_path: Path) -> None:
    assert image_quality(DataFolder(real), painted(tmp_path, (80, 91)), Quarters(), mpp=2.0)["crops"] == 12


def test_images_smaller_than_a_crop_and_too_few_crops(real: Path, tmp_path: Path) -> None:
    synthetic = painted(tmp_path)
    with pytest.raises(ValueError, match=r"a\.tif: 90 x 80 px at 0\.5 um per px is smaller than a crop, 128 px"):
        image_quality(DataFolder(real, mpp=0.5), painted(tmp_path, mpp=0.5), Quarters(), mpp=0.5)
    painted(tmp_path)
    with pytest.raises(ValueError, match="3 crops are too few"):
        image_quality(DataFolder(real), synthetic, Quarters(), 2.0, RandomPositions(1))
    with pytest.raises(ValueError, match="mpp is 0"):
        image_quality(DataFolder(real), synthetic, Quarters(), mpp=0)
