# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Images of synthetic points: as many as asked for, of any size, like the real points, painted as real ones are."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from bundle.data.diameters import Diameter
from bundle.data.folder import DataFolder
from bundle.data.synthetic_points import SyntheticPointImages
from bundle.data.training_images import PointTrainingImages
from bundle.files.points_csv import write_points
from bundle.files.writers import write_image
from bundle.inference.painting import SyntheticImageGenerator
from bundle.networks.spade import SPADEGenerator
from transforms.pixel_centres import inside
from transforms.random_streams import generator
from transforms.shapes.area_laws import UniformAreaLaw, nearest_distances
from transforms.shapes.blobs import BlobSampler
from transforms.shapes.hard_core import HardCorePoints

MPP = 0.5
SIZES = [(200, 240), (160, 320)]
LAYOUT = HardCorePoints(50.0)
SOURCE = HardCorePoints(50.0, spacing=7.0, density=0.004, spread=0.2, contrast=0.2)


@pytest.fixture(scope="module")
def training_images(tmp_path_factory: pytest.TempPathFactory) -> PointTrainingImages:
    """Two images with points, at the model's spacing."""
    folder, data = tmp_path_factory.mktemp("real"), []
    for i, size in enumerate(SIZES):
        item = {"image": str(folder / f"{i}.tif"), "points": str(folder / f"{i}.csv")}
        write_image(Path(item["image"]), np.full((3, *size), 200, np.uint8), MPP)
        write_points(Path(item["points"]), SOURCE.draw(size, generator(7, i)))
        data.append(item)
    return PointTrainingImages(data, UniformAreaLaw(10.0), MPP, shapes=BlobSampler)


def test_names_and_sizes_go_on_in_turn(training_images: PointTrainingImages) -> None:
    drawn = SyntheticPointImages(training_images, LAYOUT, 5, MPP)
    assert len(drawn) == 5
    assert [scene.name for scene in drawn] == [f"synthetic_000{i}" for i in (1, 2, 3, 4, 5)]
    assert [scene.size for scene in drawn] == [*SIZES, *SIZES, SIZES[0]]


def test_points_are_in_the_likeness_of_the_real_ones(training_images: PointTrainingImages) -> None:
    drawn = SyntheticPointImages(training_images, LAYOUT, 40, MPP)
    real = torch.cat([nearest_distances(scene.points) for scene in training_images])
    assert drawn.layout.spacing == pytest.approx(np.percentile(real, 5))
    for scene in drawn:
        assert inside(scene.points, scene.size).all() and nearest_distances(scene.points).min() >= drawn.layout.spacing
        assert scene.sampler is training_images.sampler
    density = sum(len(scene.points) for scene in drawn) / sum(height * width for height, width in SIZES) / 20
    real_density = sum(len(scene.points) for scene in training_images) / sum(height * width for height, width in SIZES)
    assert density == pytest.approx(real_density, rel=0.1)


def test_an_image_with_larger_objects_is_imitated_at_the_usual_size(tmp_path: Path) -> None:
    """Twice the pixels and twice the diameter change nothing."""
    size, points = SIZES[0], SOURCE.draw(SIZES[0], generator(7, 0))
    items = []
    for name, scale in (("small", 1), ("large", 2)):
        items.append({"image": str(tmp_path / f"{name}.tif"), "points": str(tmp_path / f"{name}.csv")})
        write_image(Path(items[-1]["image"]), np.full((3, scale * size[0], scale * size[1]), 200, np.uint8), MPP)
        write_points(Path(items[-1]["points"]), scale * points + (scale - 1) / 2)
    data = [items[0], items[1] | {"diameter": Diameter(10.0)}]
    layout = SyntheticPointImages(PointTrainingImages(data, UniformAreaLaw(10.0), MPP), LAYOUT, 1, MPP).layout
    alone = SyntheticPointImages(PointTrainingImages(items[:1], UniformAreaLaw(10.0), MPP), LAYOUT, 1, MPP).layout
    assert (layout.density, layout.spacing) == pytest.approx((alone.density, alone.spacing), rel=1e-4)
    assert (layout.spread, layout.contrast) == pytest.approx((0, alone.contrast), abs=0.02)


def test_any_size_and_density_per_square_millimetre(training_images: PointTrainingImages) -> None:
    drawn = SyntheticPointImages(training_images, LAYOUT, 6, MPP, size=[400, 700], density=10_000)
    assert {scene.size for scene in drawn} == {(400, 700)}
    expected = 10_000 * 0.4 * 0.5 * 0.7 * 0.5  # 0.2 mm by 0.35 mm
    assert np.mean([len(scene.points) for scene in drawn]) == pytest.approx(expected, rel=0.05)


def test_a_scene_depends_on_its_number_and_the_seed_alone(training_images: PointTrainingImages) -> None:
    few, many = (
        SyntheticPointImages(training_images, LAYOUT, 2, MPP, seed=3),
        SyntheticPointImages(training_images, LAYOUT, 9, MPP, seed=3),
    )
    assert torch.equal(many[1].points, few[1].points) and torch.equal(many[1].points, many[1].points)
    assert not torch.equal(
        few[0].points[:5], SyntheticPointImages(training_images, LAYOUT, 2, MPP, seed=4)[0].points[:5]
    )
    assert not torch.equal(few[0].points[:5], many[2].points[:5])  # of the same size
    with pytest.raises(IndexError):
        few[2]


def test_a_density_that_cannot_be_reached_is_refused_before_anything_is_painted(
    training_images: PointTrainingImages,
) -> None:
    layout = HardCorePoints(50.0, spacing=10.0)
    for density in (27_900, 0, -5):
        with pytest.raises(ValueError, match=re.escape("reaches at most 27858 per mm^2")):
            SyntheticPointImages(training_images, layout, 2, MPP, density=density)
    assert len(SyntheticPointImages(training_images, layout, 2, MPP, density=27_858)[0].points) > 300


@pytest.mark.parametrize(("count", "size"), [(0, None), (-1, None), (1, [0, 10]), (1, [10]), (1, [10, 10, 3])])
def test_no_images_or_no_pixels_are_refused(
    training_images: PointTrainingImages, count: int, size: list[int] | None
) -> None:
    with pytest.raises(ValueError, match="give at least one"):
        SyntheticPointImages(training_images, LAYOUT, count, MPP, size=size)


def test_pairs_are_painted_over_synthetic_points(training_images: PointTrainingImages, tmp_path: Path) -> None:
    drawn = SyntheticPointImages(training_images, LAYOUT, 3, MPP, size=(40, 56))
    torch.manual_seed(0)
    SyntheticImageGenerator(SPADEGenerator(4, hidden=4, multipliers=(2, 1))).write_pairs(drawn, tmp_path, MPP)
    folder = DataFolder(tmp_path)
    folder.check_labels("training")
    assert [item.name for item in folder.training] == [f"synthetic_000{i}_000" for i in (1, 2, 3)]
    for item, scene in zip(folder.training, drawn, strict=True):
        assert torch.equal(folder.load(item)["points"], scene.points)
        assert folder.load_label(item).shape == (1, 40, 56) and folder.load_label(item).max() == len(scene.points)
