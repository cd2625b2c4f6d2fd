# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Labels made of points: written at the image's own size, with weights, from points alone, and to be trained on."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from bundle.data.diameters import Diameter
from bundle.data.training_images import LabelledTrainingImages
from bundle.files.labels import read_label
from bundle.files.points_csv import write_points
from bundle.files.weight_maps import read_weight
from bundle.files.writers import write_image
from bundle.inference.pseudo_labels import (
    GeodesicLabeller,
    MaskLabeller,
    PseudoLabeller,
    VoronoiLabeller,
    with_pseudo_labels,
)

DARK, BRIGHT = (0.35, 0.2, 0.5), (0.9, 0.75, 0.85)
CENTRES = [(20.0, 18.0), (48.0, 20.0), (82.0, 22.0), (28.0, 60.0), (80.0, 64.0)]
SIZE, RADIUS, DIAMETER = (90, 108), 10.5, 10.5  # px, px, um at 0.5 um per px


def discs(size: tuple[int, int], centres: list[tuple[float, float]], radius: float) -> Tensor:
    y, x = np.mgrid[: size[0], : size[1]]
    distance = np.stack([np.hypot(x - cx, y - cy) for cx, cy in centres])
    return torch.from_numpy(np.where(distance.min(0) < radius, distance.argmin(0) + 1, 0).astype(np.int32))[None]


def write_item(folder: Path, name: str, scale: float = 1.0, mpp: float | None = 0.5) -> dict[str, str]:
    """An image of dark discs on a bright ground, `scale` times as large, and a point in each."""
    folder.mkdir(exist_ok=True)
    centres = [((x + 0.5) * scale - 0.5, (y + 0.5) * scale - 0.5) for x, y in CENTRES]
    truth = discs((round(SIZE[0] * scale), round(SIZE[1] * scale)), centres, RADIUS * scale)
    colours = torch.tensor([BRIGHT, DARK])[(truth[0] > 0).long()].movedim(2, 0)
    noise = 0.02 * torch.randn(colours.shape, generator=torch.Generator().manual_seed(0))
    write_image(folder / f"{name}.tif", ((colours + noise).clamp(0, 1) * 255).byte().numpy(), mpp)
    write_points(folder / f"{name}.csv", torch.tensor(centres))
    return {"image": str(folder / f"{name}.tif"), "points": str(folder / f"{name}.csv")}


def overlaps(label: Tensor, truth: Tensor) -> list[float]:
    found = [(label == i, truth == i) for i in range(1, int(truth.max()) + 1)]
    return [((f & t).sum() / (f | t).sum()).item() for f, t in found]


def labeller(kind: type[PseudoLabeller], folder: Path, scale: float = 1.0) -> PseudoLabeller:
    if kind is not MaskLabeller:
        return kind(0.5, DIAMETER)
    centres = [((x + 0.5) * scale - 0.5, (y + 0.5) * scale - 0.5) for x, y in CENTRES]
    truth = discs((round(SIZE[0] * scale), round(SIZE[1] * scale)), centres, RADIUS * scale)
    (folder / "masks").mkdir(parents=True)
    np.savez(folder / "masks" / "t 1.npz", masks=truth[0].numpy())
    return MaskLabeller(0.5, DIAMETER, masks_dir=str(folder / "masks"))


KINDS = {VoronoiLabeller: 0.55, GeodesicLabeller: 0.9, MaskLabeller: 0.95}  # least IoU; the first shrinks nuclei


@pytest.mark.parametrize(("kind", "least"), KINDS.items())
@pytest.mark.parametrize(("scale", "mpp", "stated"), [(1, 0.5, None), (2, 0.25, None), (1, None, None), (2, 0.9, 0.25)])
def test_discs_come_back_at_the_images_size(
    tmp_path: Path, kind: type[PseudoLabeller], least: float, scale: float, mpp: float | None, stated: float | None
) -> None:
    item = write_item(tmp_path / "data", "t 1", scale, mpp)
    labeller(kind, tmp_path, scale).write_labels([item], tmp_path / "new", stated)
    size = (round(SIZE[0] * scale), round(SIZE[1] * scale))
    label = read_label(tmp_path / "new" / "labels" / "t 1.tif", size)
    centres = [((x + 0.5) * scale - 0.5, (y + 0.5) * scale - 0.5) for x, y in CENTRES]
    assert label.max() == len(CENTRES) and min(overlaps(label, discs(size, centres, RADIUS * scale))) > least
    weights = tmp_path / "new" / "weights" / "t 1.tif"
    assert weights.is_file() == (kind is not GeodesicLabeller)
    if weights.is_file():
        assert (read_weight(weights, size)[label > 0] == 1).all()


def test_new_labels_are_labels_to_train_on(tmp_path: Path) -> None:
    data = [write_item(tmp_path / "data", "t 1")]
    VoronoiLabeller(0.5, DIAMETER).write_labels(data, tmp_path / "voronoi")
    GeodesicLabeller(0.5, DIAMETER).write_labels(data, tmp_path / "geodesic")
    [weighted], [plain] = (with_pseudo_labels(data, tmp_path / name) for name in ("voronoi", "geodesic"))
    assert set(weighted) == {"image", "label", "weight"} and set(plain) == {"image", "label"}
    scene = LabelledTrainingImages([weighted], 0.5)[0]
    assert scene.weight is not None and 0 < scene.weight.mean() < 1 and scene.weight.shape == scene.label.shape
    assert LabelledTrainingImages([plain], 0.5)[0].weight is None


def test_labels_that_are_there_stay_and_missing_ones_are_made(tmp_path: Path) -> None:
    data = [write_item(tmp_path / "data", name) for name in ("t 1", "t 2")]
    (tmp_path / "new" / "labels").mkdir(parents=True)
    (tmp_path / "new" / "labels" / "t 1.tif").write_bytes(b"made before the cut")
    VoronoiLabeller(0.5, DIAMETER).write_labels(data, tmp_path / "new")
    assert (tmp_path / "new" / "labels" / "t 1.tif").read_bytes() == b"made before the cut"
    assert sorted(path.name for path in (tmp_path / "new" / "labels").iterdir()) == ["t 1.tif", "t 2.tif"]
    assert [path.name for path in (tmp_path / "new" / "weights").iterdir()] == ["t 2.tif"]


def test_one_alpha_gives_the_typical_area_over_all_images(tmp_path: Path) -> None:
    data = [write_item(tmp_path / "data", "t 1"), write_item(tmp_path / "data", "t 2", 1.5, 0.5)]
    make = GeodesicLabeller(0.5, 9.0)
    make.write_labels(data, tmp_path / "new")
    areas = [(read_label(tmp_path / "new" / "labels" / f"t {n}.tif") > 0).sum().item() for n in (1, 2)]
    assert sum(areas) / 10 == pytest.approx(math.pi * 18**2 / 4, rel=0.02)
    assert make.alpha > 0


def test_an_image_with_a_diameter_of_its_own_has_objects_of_that_size(tmp_path: Path) -> None:
    data = [write_item(tmp_path / "data", "t 1") | {"diameter": Diameter(9.0)}, write_item(tmp_path / "data", "t 2")]
    GeodesicLabeller(0.5, 7.0).write_labels(data, tmp_path / "new")
    areas = [(read_label(tmp_path / "new" / "labels" / f"t {n}.tif") > 0).sum().item() for n in (1, 2)]
    assert sum(areas) == pytest.approx(5 * math.pi * (18**2 + 14**2) / 4, rel=0.02)
    pointed = VoronoiLabeller(0.5, 7.0).load(data[0], None)[1]
    assert pointed.diameter == 18 and VoronoiLabeller(0.5, 7.0).load(data[1], None)[1].diameter == 14


def test_masks_that_are_missing_are_named_before_any_label_is_written(tmp_path: Path) -> None:
    data = [write_item(tmp_path / "data", name) for name in ("t 1", "t 2")]
    with pytest.raises(FileNotFoundError, match="no masks of 1 of 2 training images: t 2"):
        labeller(MaskLabeller, tmp_path).write_labels(data, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    with pytest.raises(FileNotFoundError, match="masks_dir is not set"):
        MaskLabeller(0.5, 6.0).write_labels(data, tmp_path / "new")


def test_a_diameter_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="check the diameter, the spacing and the points"):
        GeodesicLabeller(0.5, 80.0).write_labels([write_item(tmp_path / "data", "t 1")], tmp_path / "new")


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_stated_empty_has_an_empty_label(tmp_path: Path, kind: type[PseudoLabeller]) -> None:
    data = [write_item(tmp_path / "data", "t 1"), write_item(tmp_path / "data", "empty")]
    Path(data[1]["points"]).write_text("x,y\n")
    labeller(kind, tmp_path).write_labels(data, tmp_path / "new")
    assert read_label(tmp_path / "new" / "labels" / "t 1.tif").max() == len(CENTRES)
    assert not read_label(tmp_path / "new" / "labels" / "empty.tif").any()
    assert len(with_pseudo_labels(data, tmp_path / "new")) == 2
